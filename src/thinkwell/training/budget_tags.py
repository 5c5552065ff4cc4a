"""What a budget tag in front of an answer does: accuracy and length with no tag, `[Easy]` and `[Hard]` on the same problems (AdaCtrl, arXiv 2505.18822)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thinkwell.core.errors import ConfigError
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.core.sampling import Sampling
from thinkwell.engines.protocol import Engine
from thinkwell.training.experience import judge
from thinkwell.training.rewards.adactrl import Tag, tags_of
from thinkwell.training.stage import Writer
from thinkwell.training.turns import Turn, reply

OPENINGS: Mapping[str, str] = {"adaptive": "", "easy": "[Easy]", "hard": "[Hard]"}
"""Mode -> what to write in front of a response; the model chooses in the first. The space behind a tag is the answer's."""


def opening(mode: str) -> str:
    """What to write in front of a response to ask for a budget. Raises `ConfigError` for a mode that does not exist."""
    if mode not in OPENINGS:
        raise ConfigError(f"mode={mode!r} is unknown; expected one of {', '.join(map(repr, OPENINGS))}. Choose one of them.")
    return OPENINGS[mode]


@dataclass(frozen=True, slots=True)
class Mode:
    """Responses in one mode. tokens: mean that the model wrote, its own tag among them; easy, hard: share of the responses that begin with that tag."""

    mode: str
    accuracy: float
    tokens: float
    easy: float
    hard: float
    samples: int


async def measure_modes(
    engine: Engine,
    preset: Preset,
    problems: Sequence[Problem],
    *,
    n: int = 1,
    temperature: float = 0.7,
    max_tokens: int | None = None,
    seed: int = 0,
) -> list[Mode]:
    """Every mode on the same problems, n responses each, at the temperature at which the paper validates. Raises `ConfigError` without a problem."""
    if not problems or n < 1:
        raise ConfigError(f"{len(problems)} problems and n={n}; expected a problem and a response at least.")
    found = []
    for mode, tag in OPENINGS.items():
        writer = Writer(engine, preset, Sampling(temperature), max_tokens or preset.max_tokens, seed, f"mode/{mode}", 0)
        turns = [Turn(problem, tuple(preset.messages(problem)), tag) for problem in problems]
        samples = judge(await reply(writer, turns, n), preset)
        tags = tags_of([sample.path.text for sample in samples]).tolist()
        count = len(samples)
        found.append(
            Mode(
                mode,
                sum(sample.correct for sample in samples) / count,
                sum(sample.length for sample in samples) / count,
                tags.count(int(Tag.EASY)) / count,
                tags.count(int(Tag.HARD)) / count,
                count,
            )
        )
    return found
