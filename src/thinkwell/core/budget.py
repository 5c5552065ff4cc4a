"""What a method may spend, and the sheet of what it did spend.

The currency of a budget is *generated tokens*: tokens the model sampled, of every role, kept or thrown away. Injected, prompt and
scored tokens are counted on the same sheet but not against the token ceiling; scorer calls have a ceiling of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from thinkwell.core.errors import BudgetError, UnknownName
from thinkwell.core.path import Role

SHORTEST_ANSWER = 4  # tokens: \boxed{x} in any tokenizer met so far, where none can be asked


@dataclass(frozen=True, slots=True)
class Budget:
    """Hard ceilings for one problem; None means no ceiling.

    tokens: generated tokens (int > 0). scorer_calls: paths put to a scorer (int >= 0). seconds: wall time (float > 0).
    """

    tokens: int | None = None
    scorer_calls: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, low in (("tokens", 1), ("scorer_calls", 0), ("seconds", 1e-9)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise BudgetError(f"budget {name}={value} leaves no room for an answer; give {name} of at least {low:g}.")

    @classmethod
    def parse(cls, items: list[str]) -> Budget:
        """Read `tokens=1024 scorer_calls=64 seconds=3` as given on a command line.

        Raises `UnknownName` for another key and `BudgetError` for a value that is not a positive number.
        """
        values: dict[str, Any] = {}
        for item in items:
            for pair in item.replace(",", " ").split():
                key, _, text = pair.partition("=")
                if key not in cls.__dataclass_fields__:
                    raise UnknownName("budget", key, cls.__dataclass_fields__, hint="Write for example tokens=1024.")
                try:
                    values[key] = float(text) if key == "seconds" else int(text)
                except ValueError:
                    raise BudgetError(f"budget {key}={text!r} is not a number; write for example {key}=1024.") from None
        return cls(**values)

    def describe(self) -> dict[str, float | int]:
        return {k: v for k in ("tokens", "scorer_calls", "seconds") if (v := getattr(self, k)) is not None}


@dataclass(slots=True)
class Usage:
    """The cost sheet of one problem (or, added up, of many).

    generated: sampled tokens by role. injected / tool: tokens the method or a tool wrote. prompt: prompt tokens of opened paths, each path counted.
    prefill_computed / prefill_reused: tokens an engine had to forward as prefix against those found in its cache; not of peeks, as engines do not say it.
    scorer_calls: paths scored; scored_tokens: tokens a scorer forwarded. engine_calls: requests, peeks included. engine_steps: forward passes of the
    batch, shared by all rows in it. seconds: wall time from open to answer.
    """

    generated: dict[str, int] = field(default_factory=lambda: {role.value: 0 for role in Role})
    injected: int = 0
    tool: int = 0
    prompt: int = 0
    prefill_computed: int = 0
    prefill_reused: int = 0
    scorer_calls: int = 0
    scored_tokens: int = 0
    engine_calls: int = 0
    engine_steps: int = 0
    seconds: float = 0.0

    @property
    def generated_tokens(self) -> int:
        return sum(self.generated.values())

    def add(self, other: Usage) -> None:
        for role, count in other.generated.items():
            self.generated[role] = self.generated.get(role, 0) + count
        for name in (
            "injected",
            "tool",
            "prompt",
            "prefill_computed",
            "prefill_reused",
            "scorer_calls",
            "scored_tokens",
            "engine_calls",
            "engine_steps",
            "seconds",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_dict(self) -> dict[str, Any]:
        return {
            "generated_tokens": self.generated_tokens,
            "generated_by_role": dict(self.generated),
            "injected_tokens": self.injected,
            "tool_tokens": self.tool,
            "prompt_tokens": self.prompt,
            "prefill_computed": self.prefill_computed,
            "prefill_reused": self.prefill_reused,
            "scorer_calls": self.scorer_calls,
            "scored_tokens": self.scored_tokens,
            "engine_calls": self.engine_calls,
            "engine_steps": self.engine_steps,
            "seconds": self.seconds,
        }


def equal_shares(wanted: Sequence[int], left: int) -> list[int]:
    """Split `left` tokens among paths: equal shares, none more than it wants, early paths first for the remainder."""
    shares = [0] * len(wanted)
    open_ = [i for i, want in enumerate(wanted) if want > 0]
    while open_ and left > 0:
        each, extra = divmod(left, len(open_))
        still = []
        for rank, i in enumerate(open_):
            give = min(wanted[i] - shares[i], each + (rank < extra))
            shares[i] += give
            left -= give
            if shares[i] < wanted[i]:
                still.append(i)
        open_ = still
    return shares
