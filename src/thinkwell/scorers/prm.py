"""A process reward model in this process: the probability that each step of a path is still on the way to the right answer.

Any token classifier with one label on a body that the local engine runs; its score (a sigmoid) is read at the token that ends a step: one that holds a blank line,
`</think>`, or the end of the text. A step that is not finished has no score. All paths put to it at the same time share forward passes, and a path that has grown
costs only its new tokens: forks and cuts begin with what their parent has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as Folder
from typing import Any

from thinkwell.core.errors import MissingExtra
from thinkwell.core.path import Origin, Path
from thinkwell.core.scores import Scores
from thinkwell.engines.protocol import Engine
from thinkwell.scorers.protocol import check

STEP = "\n\n"
UNTHINK = "</think>"
DIGITS = 4
"""Scores are rounded to so many decimals. The last bits of a float32 forward depend on who shares the batch; where two paths say the same, they would
decide which one a search goes on with."""
SAMPLE = "Tom has 12 apples.\n\n<think>\nSo 3 * 4 = 12, wait</think>\n\\boxed{7} é 漢 \t_x"  # equal ids here: the same tokenizer


class ProcessRewardModel:
    """Scores steps with a `TokenScorer`. engine: whose paths are scored; their ids are used if the tokenizers agree, else their text."""

    def __init__(self, runner: Any, engine: Engine | None = None, *, name: str = "prm") -> None:
        self.runner, self.engine, self.name = runner, engine, name
        self.tokenizer = runner.tokenizer
        self.fingerprint = str(getattr(runner, "fingerprint", name))  # part of a row's key: another reward model is another run
        self.ends = step_ends(self.tokenizer)
        self._agree: bool | None = None

    @classmethod
    def load(cls, model: Any = None, engine: Engine | None = None, *, name: str = "prm", **options: Any) -> ProcessRewardModel:
        """model: a folder, a hub id, or a Hugging Face module (then give `tokenizer` too); None: the bundled one. options: those of `TokenScorer`.

        Raises `ModelError`, `MissingExtra`.
        """
        try:
            from thinkwell.engines.local.prm import TokenScorer
        except ImportError as error:
            raise MissingExtra(f"{error.name} (for a process reward model)", "local") from error
        from thinkwell.engines.registry import bundled

        source: Folder | Any = bundled("prm") if model is None else model
        return cls(TokenScorer(source, **options), engine, name=name)

    async def score(self, problem: str, paths: Sequence[Path]) -> list[Scores]:
        found = [await self._tokens(path) for path in paths]
        places = [[place for place in range(first, len(ids)) if ids[place] in self.ends] for ids, first in found]
        lineages = [[f"{problem}:{name}" for name in ancestry(path.id)] for path in paths]
        judged = await self.runner.score([ids for ids, _ in found], places, lineages)
        return [Scores(check([round(score, DIGITS) for score in each.scores], self.name), each.computed) for each in judged]

    def release(self, lineages: Sequence[str]) -> None:
        self.runner.release(lineages)

    async def aclose(self) -> None:
        await self.runner.aclose()

    async def _tokens(self, path: Path) -> tuple[Sequence[int], int]:
        """A path's ids in this model's vocabulary, and how many of them are the prompt."""
        ids = path.tokens
        if len(ids) == len(path) and await self._tokenizers_agree():
            return ids, path.count(Origin.PROMPT)
        prompt = self.tokenizer.encode(path.prompt, add_special_tokens=False)
        text = self.tokenizer.encode(path.text, add_special_tokens=False)
        end = [self.tokenizer.eos_token_id] if path.complete and self.tokenizer.eos_token_id is not None else []
        return [*prompt, *text, *end], len(prompt)

    async def _tokenizers_agree(self) -> bool:
        if self._agree is None:
            theirs: Any = getattr(self.engine, "tokenizer", None)
            if self.engine is None:
                self._agree = True
            elif hasattr(theirs, "get_vocab"):
                self._agree = theirs.get_vocab() == self.tokenizer.get_vocab()
            else:
                self._agree = list(await self.engine.encode(SAMPLE)) == list(self.tokenizer.encode(SAMPLE, add_special_tokens=False))
        return self._agree


def step_ends(tokenizer: Any) -> frozenset[int]:
    """Ids of the tokens that end a step."""
    ids = range(len(tokenizer))
    pieces = tokenizer.batch_decode([[i] for i in ids], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    found = {i for i, piece in zip(ids, pieces, strict=True) if STEP in piece or piece == UNTHINK}
    return frozenset(found | ({tokenizer.eos_token_id} - {None}))


def ancestry(path: str) -> list[str]:
    """A path's id and those it came from, nearest first: "0.2~1" gives "0.2~1", "0.2", "0"."""
    names = [path]
    while (cut := max(path.rfind("."), path.rfind("~"))) > 0:
        path = path[:cut]
        names.append(path)
    return names
