"""Another method under a token bias: what `cyclic_reflex` and `tip` share.

The bias is set on the session, so the inner method need not know of it: every path it extends is steered, by its own position. Only paths of the solver are;
what a verifier or critic writes in the same session is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from thinkwell.core.config import Knobs
from thinkwell.core.method import Method, Outcome, Vocabulary
from thinkwell.core.path import Origin, Path, Role
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.decoding.markers import Markers, closings_of, markers_of
from thinkwell.decoding.token_bias import Bias, Clock, Schedule, TokenBias, rates
from thinkwell.session import Session

WORDS = ("wait", "Wait", "but", "But", "Alternatively")
LAB_WORDS = ("Wait", "Hmm", "But", "Alternatively", "However")  # what opens a reflection in the lab's world
STEERED, STEERS = ("cyclic_reflex", "tip"), "steer what is steered"
SHARE = 4  # a scale in tokens that was published for long thoughts is at most this part of a typical path


def scaled(tokens: int, preset: Preset) -> int:
    """A published number of tokens, for paths that are shorter than those it was published for."""
    return max(1, min(tokens, preset.typical_tokens // SHARE))


class Steering(Knobs):
    """The knobs of a method that biases marker words; such methods inherit them."""

    words: tuple[str, ...] | None = None
    """Marker words; none: wait, Wait, but, But, Alternatively, or what opens a reflection in the lab's world."""
    space_variants: bool = False
    """Also the tokens of the words after a space, in the middle of a line."""
    case_variants: bool = False
    """Also the words in lower case and capitalised."""
    first_pieces: bool = False
    """Where a vocabulary cuts a word, take the first piece, which may begin other words too, instead of refusing."""
    inner: str = "single"
    """The method that runs under the bias."""
    inner_knobs: dict[str, Any] = Field(default={})
    """Knobs of that method; sized to the budget unless set."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What is biased and what ends it, in one vocabulary."""

    markers: Markers
    ends: tuple[tuple[int, ...], ...]


async def targets_of(vocabulary: Vocabulary, preset: Preset, knobs: Steering) -> Targets:
    """Raises `ConfigError` for a word that the vocabulary has no token for."""
    chosen = knobs.words if knobs.words is not None else LAB_WORDS if preset.kind == "lab" else WORDS
    markers = await markers_of(
        vocabulary, chosen, space_variants=knobs.space_variants, case_variants=knobs.case_variants, first_pieces=knobs.first_pieces
    )
    return Targets(markers, await closings_of(vocabulary, preset.think_close))


async def steered(
    inner: Method,
    problem: Problem,
    session: Session,
    targets: Targets,
    bias: Bias,
    clock: Clock = Clock.PATH,
    restart_per_step: bool = False,
) -> Outcome:
    """Run `inner` with every path of the solver under the bias. restart_per_step: count from where each extension begins, and forget what stands before it."""

    def hook_for(path: Path) -> TokenBias | None:
        close = session.preset.think_close
        if path.role is not Role.SOLVER or (close and close in path.text and not restart_per_step):
            return None
        start = len(path) if restart_per_step else path.count(Origin.PROMPT)
        own = bias
        if bias.schedule is Schedule.NOISE:  # forks must not share the noise of what they write later
            own = replace(bias, seed=int(session.rng(f"token bias:{path.id}").integers(1 << 31)))
        return TokenBias(targets.markers.ids, own, start, targets.ends, clock)

    session.steer(hook_for)
    try:
        outcome = await inner.solve(problem, session)
    finally:
        session.steer(None)
    along_the_path = bias.schedule is not Schedule.NOISE and not restart_per_step
    facts = reflection(outcome.paths, TokenBias(targets.markers.ids, bias, 0, targets.ends, clock), by_sign=along_the_path)
    return replace(outcome, facts={**outcome.facts, "inner": inner.name, "missing": list(targets.markers.missing), **facts})


def reflection(paths: Sequence[Path], hook: TokenBias, by_sign: bool) -> dict[str, Any]:
    """How often the model wrote a marker: `markers` of `sampled` tokens; `by_sign`: the same where the bias promoted, suppressed and left alone."""
    signs: dict[str, list[int]] = {"up": [0, 0], "down": [0, 0], "off": [0, 0]}
    for path in paths:
        start = path.count(Origin.PROMPT)
        for sign, rate in rates(hook, path.tokens[start:], path.loss_mask()[start:]).items():
            signs[sign][0] += rate.markers
            signs[sign][1] += rate.tokens
    found: dict[str, Any] = {"markers": sum(m for m, _ in signs.values()), "sampled": sum(n for _, n in signs.values())}
    return found | ({"by_sign": signs} if by_sign else {})
