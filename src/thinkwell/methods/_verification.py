r"""FlexiVe, a generative verifier: where is the first wrong paragraph of a solution? (Zhong et al. 2025, arXiv 2505.11966)

    nothinking@k   k samples with the thinking closed at once, majority
    think@k        k samples with thinking, majority
    flex@k         k samples without thinking; if the most frequent verdict has less than `threshold` of those that could be read: ceil(k / 4) with thinking, majority of these

A verdict is "correct" or the exact index of the first wrong paragraph; agreement = count of the most frequent verdict / verdicts that could be read. A reply that cannot be
read is no vote, and is counted. Fewer than `min_parsed` verdicts are no agreement, whatever they say (one alone would always agree with itself). Equal counts: the
earlier verdict.

The verifier's replies are paths of the session with role verifier: they are counted, limited by the budget and keyed like all others. Shared by `solve_detect_verify` and the
scorer `flexive`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.core.path import Origin, Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.sampling import Sampling
from thinkwell.methods._ask import ask
from thinkwell.methods._turns import WordingName, end_of_thinking, query_of, spoken, wording_of
from thinkwell.methods.wording.solve_detect_verify import WORDINGS, Verdict, paragraphs, plain, read_verdict

if TYPE_CHECKING:
    from thinkwell.session import Session

SLOW_SHARE = 4  # one verification with thinking for every four without
HESITATIONS = (
    "wait", "double-check", "alternatively", "hmm", "let me check", "let me double-check", "make sure", "another way", "let me verify", "to confirm",
)  # fmt: skip


class Split(StrEnum):
    """How a solution becomes paragraphs."""

    AUTO = "auto"
    KEYWORDS = "keywords"
    PARAGRAPHS = "paragraphs"


class Verifier(Knobs):
    """The knobs of a generative verifier; methods that use one inherit them."""

    verify: str = Field(default="flex@4", pattern=r"^(nothinking|think|flex)@[1-9]\d{0,3}$")
    """How a solution is verified: nothinking@k, think@k or flex@k."""
    threshold: float = Field(default=0.8, gt=0, le=1)
    """Agreement from which flex trusts the verdicts without thinking. The paper's command line has 0.8, its class 0.9: the same for k below 5."""
    slow_k: int | None = Field(default=None, ge=1)
    """Verifications with thinking after a disagreement; None: ceil(k / 4)."""
    min_parsed: int = Field(default=2, ge=1)
    """Verdicts that must be read for an agreement (k if that is fewer)."""
    verify_temperature: float = Field(default=0.6, ge=0)
    """Temperature of the verifier."""
    verify_tokens: int | None = Field(default=None, ge=1)
    """Ceiling of one verification in tokens; None: the preset's typical length without thinking, its largest with."""
    split: Split = Split.AUTO
    """Paragraphs of a solution: keywords (a hesitation begins one), paragraphs (blank lines), auto (keywords for reasoning models only)."""
    keywords: tuple[str, ...] = Field(default=HESITATIONS, min_length=1)
    """Words of hesitation, in any case; they are looked for as whole words."""
    wording: WordingName = "auto"
    """What is said to the model: instruct, reasoning, lab; auto: by the preset."""

    @property
    def mode(self) -> str:
        return self.verify.partition("@")[0]

    @property
    def k(self) -> int:
        return int(self.verify.partition("@")[2])


@dataclass(frozen=True, slots=True)
class Verification:
    """What the verifications of one solution came to. parts: its paragraphs. `verdict` None: nothing could be read.

    `fast`, `slow`: every reply's verdict, None where there was none.
    """

    verdict: Verdict | None
    parts: tuple[str, ...]
    fast: tuple[Verdict | None, ...] = ()
    slow: tuple[Verdict | None, ...] = ()
    fast_tokens: int = 0
    slow_tokens: int = 0

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.correct

    @property
    def escalated(self) -> bool:
        return bool(self.fast and self.slow)

    @property
    def read(self) -> list[Verdict]:
        """The verdicts that decided."""
        return [verdict for verdict in self.slow or self.fast if verdict is not None]

    @property
    def unread(self) -> int:
        return sum(verdict is None for verdict in (*self.fast, *self.slow))

    @property
    def support(self) -> float | None:
        """Share of the deciding verdicts that call the solution correct; None if none could be read."""
        return sum(verdict.correct for verdict in self.read) / len(self.read) if self.read else None

    def steps(self) -> tuple[float, ...]:
        """For each paragraph, the share of the deciding verdicts that find no mistake up to its end. The last is `support`."""
        read = self.read
        return tuple(sum(v.error is None or v.error > i for v in read) / len(read) for i in range(len(self.parts))) if read else ()


async def verify(
    session: Session, problem: Problem, solutions: Sequence[str], knobs: Verifier, names: Sequence[str] = (), number: int = 0
) -> list[Verification]:
    """Verify every solution; all verifications of a kind are written side by side. names, number: who is told in the discussion, and in which round of it."""
    kind = wording_of(session, knobs.wording)
    wording, lab = WORDINGS[kind], kind == "lab"
    question = query_of(problem)
    by_words = knobs.split is Split.KEYWORDS or (knobs.split is Split.AUTO and kind == "reasoning")
    parts = [tuple(segment(text, knobs.keywords) if by_words else paragraphs(text)) for text in solutions]
    found = [Verification(None, own) for own in parts]
    if session.exhausted:
        return found

    async def sample(which: Sequence[int], k: int, *, slow: bool) -> dict[int, tuple[tuple[Verdict | None, ...], int]]:
        conversations = [wording.verification(question, parts[i], slow=slow) for i in which]
        most = knobs.verify_tokens or (None if slow else session.preset.typical_tokens)
        sampling = Sampling(knobs.verify_temperature, session.sampling.top_p)
        replies = await ask(
            session, conversations, k, role=Role.VERIFIER, at_once=not slow, finished=wording.finished, max_tokens=most, sampling=sampling
        )
        read: dict[int, tuple[tuple[Verdict | None, ...], int]] = {}
        for i, own in zip(which, replies, strict=True):
            verdicts = tuple(read_verdict(path.text, len(parts[i]), lab=lab, think_close=end_of_thinking(session, path)) for path in own)
            read[i] = verdicts, sum(path.count(Origin.MODEL) for path in own)
            for path, verdict in zip(own, verdicts, strict=True):
                tell(session, path, verdict, names[i : i + 1], number, "with thinking" if slow else "without thinking")
        return read

    some = [i for i, own in enumerate(parts) if own]  # an empty solution has no paragraph to be wrong
    if knobs.mode != "think":
        for i, (verdicts, tokens) in (await sample(some, knobs.k, slow=False)).items():
            found[i] = Verification(majority(verdicts), parts[i], verdicts, fast_tokens=tokens)
        some = [i for i in some if knobs.mode == "flex" and agreement(found[i].fast, knobs.min_parsed) < knobs.threshold]
    n_slow = knobs.k if knobs.mode == "think" else knobs.slow_k or math.ceil(knobs.k / SLOW_SHARE)
    for i, (verdicts, tokens) in (await sample(some, n_slow, slow=True)).items():
        found[i] = Verification(majority(verdicts), parts[i], found[i].fast, verdicts, found[i].fast_tokens, tokens)
    return found


def tell(session: Session, path: Path, verdict: Verdict | None, to: Sequence[str], number: int, how: str) -> None:
    """Put a verification into the events."""
    if verdict is None:
        session.say(path, "verifier", to, spoken(session, path), round=number, how=how, unread=True)
        return
    decision = "correct" if verdict.error is None else f"mistake in paragraph {verdict.error + 1}"
    session.say(path, "verifier", to, verdict.feedback or spoken(session, path), round=number, how=how, decision=decision)


def agreement(verdicts: Sequence[Verdict | None], min_parsed: int = 1) -> float:
    """Share of the most frequent verdict among those that could be read; 0 where too few could."""
    errors = [verdict.error for verdict in verdicts if verdict is not None]
    if not errors or len(errors) < min(min_parsed, len(verdicts)):
        return 0.0
    return Counter(errors).most_common(1)[0][1] / len(errors)


def majority(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """The first of the verdicts that name the most frequent place; None if none could be read."""
    read = [verdict for verdict in verdicts if verdict is not None]
    if not read:
        return None
    ((error, _),) = Counter(verdict.error for verdict in read).most_common(1)
    return next(verdict for verdict in read if verdict.error == error)


def segment(solution: str, keywords: Sequence[str]) -> list[str]:
    """The solution cut before every hesitation word that begins the text, a sentence or a line; a last part that is only such a word is dropped."""
    words = "|".join(re.escape(word) for word in sorted(keywords, key=len, reverse=True))
    parts = [part.strip() for part in re.split(rf"(?:\A|(?<=[.!?]\s)|(?<=\n))(?=(?:{words})\b)", plain(solution), flags=re.IGNORECASE)]
    parts = [part for part in parts if part]
    if len(parts) > 1 and re.fullmatch(rf"(?:{words})\W*", parts[-1], re.IGNORECASE):
        parts.pop()
    return parts
