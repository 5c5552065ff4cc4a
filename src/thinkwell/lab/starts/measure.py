"""What a starting point does, measured on samples of test problems; the numbers of the card's `starts`.

- `pass_at_1`, with `ci95` from a bootstrap over problems; `mean_tokens`, `longest_tokens`; `boxed` (share of replies with a box anywhere), `closed` (with the end of the
  thinking), `well_formed` (both, the box after the end, and ended by itself); `idle_reflection` (share of tokens in reflections that change nothing); `corrections` (a reply).
- `tricky_read`: of the replies to problems with one tricky phrase and no other trap, the share that states the phrase's step as it is meant, at first or after a correction.
- difficulty-tags: for either tag its share of replies, pass@1 and mean tokens; `easy_by_level` (share of `[Easy]`); `asked`: pass@1 and mean tokens where the prompt ends in
  the tag.
- prior-prompts: for each style on a quarter of the problems `styled` (the two pairs of marks, in order), pass@1 and
  mean tokens under its prompt.

`python -m thinkwell.lab.starts.measure NAME ...` prints them.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkwell.lab.card import SEED, paired_interval
from thinkwell.lab.labels import boxed, label
from thinkwell.lab.sample import Sample, sample
from thinkwell.lab.skills.measure import Writer
from thinkwell.lab.starts.prior_prompts import PRIOR_PROMPTS
from thinkwell.lab.starts.traces import tricky
from thinkwell.lab.tokenizer import END, UNTHINK, prompt
from thinkwell.lab.world import LabProblem, generate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

LEVELS = (3, 4, 5, 6)
"""The levels that recipes train on; in turn."""
TAGS = ("[Easy]", "[Hard]")
TEMPERATURE = 1.0
"""Of rollouts."""
MAX_TOKENS = 640


class Sampler:
    """A model and how it is sampled."""

    def __init__(self, folder: Path, samples: int, temperature: float, seed: int) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.model: Qwen3ForCausalLM = AutoModelForCausalLM.from_pretrained(folder)
        self.tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(folder)
        self.samples, self.temperature, self.seed = samples, temperature, seed

    def __call__(self, questions: Sequence[str]) -> list[Sample]:
        """Replies, question by question."""
        how = {"temperature": self.temperature, "max_tokens": MAX_TOKENS, "seed": self.seed}
        return sample(self.model, self.tokenizer, questions, self.samples, **how)  # type: ignore[arg-type]  # each of its own type

    def begun(self, questions: Sequence[str], begin: str) -> list[Sample]:
        """Replies that begin with a text that stands there already."""
        wanted = [i for i in range(len(questions)) for _ in range(self.samples)]
        texts = Writer(self.model, self.tokenizer, self.seed).write(
            [[prompt(questions[i]), begin] for i in wanted], self.temperature, MAX_TOKENS
        )
        ids = [tuple(self.tokenizer(begin + text + END, add_special_tokens=False)["input_ids"]) for text in texts]
        return [Sample(i, tokens, begin + text, len(tokens) < MAX_TOKENS) for i, tokens, text in zip(wanted, ids, texts, strict=True)]


def measure(
    name: str, folder: Path, *, problems: int = 160, samples: int = 8, temperature: float = TEMPERATURE, seed: int = SEED
) -> dict[str, Any]:
    """Measure the start `name` in a folder ("policy" measures what all starts share)."""
    draw = Sampler(folder, samples, temperature, seed)
    chosen = [generate(seed * 1_000_003 + 900_000 + i, LEVELS[i % len(LEVELS)], "test") for i in range(problems)]
    found = draw([p.question for p in chosen])
    facts: dict[str, Any] = {"problems": problems, "samples": samples, "temperature": temperature, "levels": list(LEVELS)}
    facts |= shape(draw.tokenizer, chosen, found) | {"tricky_read": tricky_read(draw, problems, seed)}
    if name == "difficulty-tags":
        facts["tags"] = tags(draw, chosen, found)
    if name == "prior-prompts":
        facts["styles"] = styles(draw, chosen)
    return facts


def shape(tokenizer: PreTrainedTokenizerFast, chosen: Sequence[LabProblem], found: Sequence[Sample]) -> dict[str, Any]:
    """The numbers that every start has."""
    right = [is_right(chosen[s.problem], s) for s in found]
    each = len(found) // len(chosen)
    by_problem = [sum(right[i * each : (i + 1) * each]) / each for i in range(len(chosen))]
    idle = corrections = 0
    for s in found:
        for step in label(chosen[s.problem], s.text):
            idle += len(tokenizer(step.text, add_special_tokens=False)["input_ids"]) if step.reflection and not step.changes else 0
            corrections += step.reflection and step.changes
    tokens = [len(s.ids) for s in found]
    return {
        "pass_at_1": round(sum(by_problem) / len(by_problem), 4),
        "ci95": paired_interval(by_problem),
        "mean_tokens": round(sum(tokens) / len(tokens), 1),
        "longest_tokens": max(tokens),
        "boxed": _share("\\boxed{" in s.text for s in found),
        "closed": _share(UNTHINK in s.text for s in found),
        "well_formed": _share(s.finished and boxed(s.text) is not None for s in found),
        "idle_reflection": round(idle / sum(tokens), 4),
        "corrections": round(corrections / len(found), 4),
    }


def is_right(problem: LabProblem, reply: Sample) -> bool:
    """As recipes grade: the box after the thinking, or a whole answer between marks at the end."""
    text = reply.text if UNTHINK in reply.text or "<answer>" not in reply.text else UNTHINK + reply.text.rpartition("<answer>")[2]
    return reply.finished and boxed(text) == problem.answer


def tricky_read(draw: Sampler, count: int, seed: int) -> float:
    """Share of replies in which the step of a tricky phrase ends up read as it is meant."""
    rng, chosen = random.Random(f"tricky/{seed}"), list[LabProblem]()
    while len(chosen) < count:
        drawn = generate(rng.getrandbits(48), LEVELS[len(chosen) % len(LEVELS)], "test")
        if tricky(drawn) and len(drawn.traps) == 1:
            chosen.append(drawn)
    return _share(reads_right(chosen[s.problem], s.text) for s in draw([p.question for p in chosen]))


def reads_right(problem: LabProblem, text: str) -> bool:
    """Is the last thing said of the trap's step what the plan says there, given the numbers said before (a slip elsewhere is no misreading)?"""
    at = next(i for i, step in enumerate(problem.plan) if step.misread is not None)
    step = problem.plan[at]
    said = [found.statement for found in label(problem, text) if found.plan == at and found.statement is not None]
    if not said or step.misread is None:
        return False
    last = said[-1]
    if (last.op == step.op) != (last.op == step.misread.op):
        return last.op == step.op
    if last.op == "=" and isinstance(step.right, int):
        return last.value == step.right
    numbers = {x for x in (step.left, step.right) if isinstance(x, int) and x}
    return last.value == step.value if last.op == "=" else numbers <= {last.left, last.right}


def tags(draw: Sampler, chosen: Sequence[LabProblem], found: Sequence[Sample]) -> dict[str, Any]:
    """What follows either tag, of the model's choice and asked for."""
    facts: dict[str, Any] = {}
    for tag in TAGS:
        own = [s for s in found if s.text.startswith(tag)]
        facts[tag] = {"share": round(len(own) / len(found), 4), **_brief(chosen, own)}
    facts["easy_by_level"] = {
        str(level): _share(s.text.startswith(TAGS[0]) for s in found if chosen[s.problem].level == level) for level in LEVELS
    }
    facts["asked"] = {tag: _brief(chosen, draw.begun([p.question for p in chosen], tag)) for tag in TAGS}
    return facts


def styles(draw: Sampler, chosen: Sequence[LabProblem]) -> dict[str, Any]:
    """What each prior prompt elicits."""
    facts: dict[str, Any] = {}
    for name, prior in PRIOR_PROMPTS.items():
        found = draw([prior.ask(p.question) for p in chosen[: max(1, len(chosen) // 4)]])
        facts[name] = {"styled": _share(marked(s.text, prior.tag, prior.opened) for s in found), **_brief(chosen, found)}
    return facts


def marked(text: str, tag: str, opened: bool) -> bool:
    """Do the two pairs of marks stand in the text, each once and in order?"""
    text = (f"<{tag}>" if opened else "") + text
    marks = [f"<{tag}>", f"</{tag}>", "<answer>", "</answer>"]
    places = [text.find(mark) for mark in marks]
    return all(text.count(mark) == 1 for mark in marks) and places == sorted(places)


def _brief(chosen: Sequence[LabProblem], found: Sequence[Sample]) -> dict[str, float | None]:
    if not found:
        return {"pass_at_1": None, "mean_tokens": None}
    right, tokens = [is_right(chosen[s.problem], s) for s in found], [len(s.ids) for s in found]
    return {"pass_at_1": round(sum(right) / len(right), 4), "mean_tokens": round(sum(tokens) / len(tokens), 1)}


def _share(flags: Any) -> float:
    values = list(flags)
    return round(sum(values) / len(values), 4)


def main() -> None:
    from thinkwell.lab.starts import path

    for name in sys.argv[1:]:
        print(json.dumps({name: measure(name, path(name))}, indent=1))


if __name__ == "__main__":
    main()
