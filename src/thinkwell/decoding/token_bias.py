"""A bias on the logits of a few tokens that follows the position in the path: the wave of CyclicReflex and what it is compared with.

    z'_v = z_v + bias.at(t)   for v in ids,   t = tokens of the path after its prompt
    triangular   u = ((t + phase * period) mod period) / period
                 4 A u for u <= 1/4;  A - 4 A (u - 1/4) for u <= 3/4;  -A + 4 A (u - 3/4) above      (mean over a period: 0)

Added to raw logits, before temperature and filters, so at temperature tau the probabilities feel A / tau. Nothing is added once the thinking is closed, nor
outside `windows` (start <= t < end). With `clock="thought"`, t counts from the last token of `ids` instead (at the first thought, from the prompt): the rule of
TIP, which penalises a switch of thought for the first tokens of each.

`TokenBias` is a logits hook for engines in this process; `wire` and `unwire` carry the same thing to a server and back (see `thinkwell.decoding.vllm`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from thinkwell.core.errors import ConfigError
from thinkwell.core.noise import NoiseKey, uniform

BLOCK = 256  # positions whose noise is drawn at once


class Schedule(StrEnum):
    """How the bias follows the position."""

    TRIANGULAR = "triangular"
    SINE = "sine"
    CONSTANT = "constant"
    LINEAR = "linear"
    NOISE = "noise"


class Clock(StrEnum):
    """What the position counts from."""

    PATH = "path"
    THOUGHT = "thought"


@dataclass(frozen=True, slots=True)
class Bias:
    """The bias at each position.

    amplitude: A, in logits; negative suppresses first. period, phase: of the waves, in tokens and as a share of the period. windows: (start, end)
    pairs, end excluded; none is everywhere. horizon: tokens in which `linear` falls from A to -A, where it stays. seed: of `noise`, drawn evenly from [-A, A], which
    is how the values of the wave are spread: it is the wave with its order taken away.
    """

    schedule: Schedule = Schedule.TRIANGULAR
    amplitude: float = 5.0
    period: int = 600
    phase: float = 0.0
    windows: tuple[tuple[int, int], ...] = ()
    horizon: int = 8192
    seed: int = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.amplitude):
            raise ConfigError(f"a token bias has amplitude {self.amplitude}; expected a finite number of logits.")
        for name, low in (("period", 1), ("horizon", 1)):
            if getattr(self, name) < low:
                raise ConfigError(f"a token bias has {name} {getattr(self, name)}; expected at least {low} token.")
        if not 0 <= self.phase < 1:
            raise ConfigError(f"a token bias has phase {self.phase}; expected a share of the period, 0 <= phase < 1.")
        for start, end in self.windows:
            if not 0 <= start < end:
                raise ConfigError(f"a token bias has the window ({start}, {end}); expected 0 <= start < end, in tokens.")

    def at(self, t: int) -> float:
        """Logits to add at position `t` (0: the first token after the prompt)."""
        if self.windows and not any(start <= t < end for start, end in self.windows):
            return 0.0
        match self.schedule:
            case Schedule.TRIANGULAR:
                return self.amplitude * triangle(self._turn(t))
            case Schedule.SINE:
                return self.amplitude * math.sin(math.tau * self._turn(t))
            case Schedule.CONSTANT:
                return self.amplitude
            case Schedule.LINEAR:
                return self.amplitude * (1 - 2 * min(1.0, t / self.horizon))
            case Schedule.NOISE:
                return self.amplitude * (2 * noise(self.seed, t // BLOCK)[t % BLOCK] - 1)

    def _turn(self, t: int) -> float:
        """Share of the running period that is over, in [0, 1)."""
        return (t + self.phase * self.period) % self.period / self.period


@lru_cache(maxsize=1024)
def noise(seed: int, block: int) -> list[float]:
    """Numbers in (0, 1) of BLOCK positions: one at a time would cost more than a small model's token."""
    values: list[float] = uniform(NoiseKey(seed, "", "token bias"), block, BLOCK).tolist()
    return values


def triangle(u: float) -> float:
    """One period of the wave: 0, up to 1 at a quarter, through 0 at the half, down to -1 at three quarters, back to 0."""
    return 4 * u if u <= 0.25 else 2 - 4 * u if u <= 0.75 else 4 * u - 4


class TokenBias:
    """The bias along one path, as a logits hook.

    ids: tokens it is added to. start: position of the first token after the prompt, where t is 0. ends: id sequences that close the thinking. Every token of the
    path is looked at once, however long the path gets; a sequence that is not the last one grown by a token is read again from `start`.
    """

    def __init__(
        self, ids: Iterable[int], bias: Bias, start: int = 0, ends: Iterable[Sequence[int]] = (), clock: Clock = Clock.PATH
    ) -> None:
        self.ids, self.bias, self.start, self.clock = tuple(sorted(set(ids))), bias, start, clock
        self.ends = tuple(tuple(end) for end in ends if end)
        if not self.ids or self.ids[0] < 0:
            raise ConfigError(f"a token bias has the ids {list(self.ids)}; expected at least one token id, none negative.")
        self._marked = frozenset(self.ids)
        self._reach = max(map(len, self.ends), default=1)
        self._tokens: Sequence[int] | None = None
        self.restart()

    def restart(self) -> None:
        """Back to the end of the prompt."""
        self.closed, self.t, self._thought = False, 0, 0
        self._last: int | None = None
        self._tail: deque[int] = deque(maxlen=self._reach)

    def push(self, token: int) -> None:
        """One more token of the path."""
        if token in self._marked:
            self._thought = self.t
        self.t += 1
        self._last = token
        if not self.closed and self.ends:
            self._tail.append(token)
            tail = tuple(self._tail)
            self.closed = any(tail[-len(end) :] == end for end in self.ends)

    @property
    def delta(self) -> float:
        """Logits to add for the next token."""
        return 0.0 if self.closed else self.bias.at(self.t - (self._thought if self.clock is Clock.THOUGHT else 0))

    def read(self, tokens: Sequence[int]) -> float:
        """Logits to add after `tokens`, prompt included."""
        seen = self.start + self.t
        grown = tokens is self._tokens and len(tokens) == seen + 1
        if grown and (self._last is None or tokens[seen - 1] == self._last):
            self.push(tokens[-1])
        else:
            self.restart()
            for place in range(self.start, len(tokens)):
                self.push(tokens[place])
        self._tokens = tokens
        return self.delta

    def __call__(self, logits_V: Any, tokens: Sequence[int]) -> Any:
        delta = self.read(tokens)
        if delta == 0:
            return logits_V
        changed_V = logits_V.clone() if hasattr(logits_V, "clone") else logits_V.copy()
        changed_V[list(self.ids)] += delta
        return changed_V


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a token was one of the marked ones, among `tokens` written under the same sign of the bias."""

    markers: int = 0
    tokens: int = 0

    def plus(self, marked: bool) -> Rate:
        return Rate(self.markers + marked, self.tokens + 1)


def rates(bias: TokenBias, tokens: Sequence[int], sampled: Sequence[bool]) -> dict[str, Rate]:
    """Marker rates of a path where the bias promoted ("up"), suppressed ("down") or left the logits alone ("off"). tokens: after `bias.start`;
    sampled: which of them the model wrote (others are read over)."""
    found = {"up": Rate(), "down": Rate(), "off": Rate()}
    bias.restart()
    for token, ours in zip(tokens, sampled, strict=True):
        if ours:
            sign = "up" if (delta := bias.delta) > 0 else "down" if delta < 0 else "off"
            found[sign] = found[sign].plus(token in bias.ids)
        bias.push(token)
    bias.restart()
    return found


# ---- to a server and back -----------------------------------------------------------------------------------------------------

PREFIX = "thinkwell_bias_"
KINDS: dict[str, Any] = {"schedule": Schedule, "amplitude": float, "period": int, "phase": float, "horizon": int, "seed": int}
FIELDS = ("ids", "schedule", "amplitude", "period", "phase", "windows", "horizon", "seed", "ends", "clock", "written")


def wire(bias: TokenBias, length: int) -> dict[str, Any]:
    """Flat parameters for a request whose prompt is the first `length` tokens of the path. `written`: how many of those the path wrote itself, so that the
    wave goes on where it stopped."""
    values = asdict(bias.bias) | {"ids": list(bias.ids), "clock": bias.clock.value, "written": length - bias.start}
    values |= {
        "schedule": bias.bias.schedule.value,
        "windows": [edge for window in bias.bias.windows for edge in window],
        "ends": [" ".join(map(str, end)) for end in bias.ends],
    }
    return {PREFIX + name: values[name] for name in FIELDS if values[name] != []}


def unwire(given: Mapping[str, Any] | None, length: int = 0) -> TokenBias | None:
    """The hook that a request's parameters ask for (None: they ask for none). length: tokens of the request's prompt.

    Raises `ConfigError` for a parameter that does not exist or fit.
    """
    values = {name.removeprefix(PREFIX): value for name, value in (given or {}).items() if name.startswith(PREFIX)}
    if not values:
        return None
    for name in values:
        if name not in FIELDS:
            raise ConfigError(f"unknown parameter {PREFIX + name}; expected one of {', '.join(FIELDS)} after {PREFIX!r}.")
    if "ids" not in values:
        raise ConfigError(f"{PREFIX}ids is missing; expected the list of token ids that get the bias.")
    try:
        edges = [int(edge) for edge in values.get("windows", ())]
        windows = tuple(zip(edges[::2], edges[1::2], strict=True))
        bias = Bias(**{name: kind(values[name]) for name, kind in KINDS.items() if name in values}, windows=windows)
        ends = [[int(token) for token in str(end).split()] for end in values.get("ends", ())]
        ids = [int(token) for token in values["ids"]]
        clock, written = Clock(values.get("clock", Clock.PATH)), int(values.get("written", 0))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"a {PREFIX}* parameter does not fit: {error}. See thinkwell.decoding.token_bias.") from None
    if written < 0 or (length and written > length):
        raise ConfigError(f"{PREFIX}written={written} does not fit a prompt of {length} tokens; expected 0 to its length.")
    return TokenBias(ids, bias, max(0, length - written), ends, clock)
