"""Knobs and their presets, as advantages, losses and rewards share them: the values of a preset, explicit ones before them, and refusals that name the knob."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from thinkwell.core.errors import ConfigError

C = TypeVar("C")


def pick(function: str, presets: Mapping[str, C], preset: str, **knobs: object) -> C:
    """The conventions of a preset, with the knobs that are not None in place of its values. Raises `ConfigError`."""
    if preset not in presets:
        raise ConfigError(
            f"{function} has no preset {preset!r}; expected one of {', '.join(map(repr, presets))}. Choose one, then change single knobs by name."
        )
    chosen: Any = presets[preset]
    return replace(chosen, **{name: value for name, value in knobs.items() if value is not None})


def expect(knob: str, value: object, fits: bool, expected: str) -> None:
    """Raises `ConfigError` unless `fits`, a comparison, which NaN never passes."""
    if not fits:
        raise ConfigError(f"{knob}={value!r} is out of range; expected {expected}. Choose one.")


def one_of(knob: str, value: object, known: Iterable[str]) -> None:
    """Raises `ConfigError` if the value is none of the known names."""
    names = tuple(known)
    if value not in names:
        raise ConfigError(f"{knob}={value!r} is unknown; expected one of {', '.join(map(repr, names))}. Choose one of them.")


def within(knob: str, value: float, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Raises `ConfigError` if the number is not in [low, high] (in (low, high] if `above`) or is no number; infinity is inside where `high` is."""
    expect(knob, value, (low < value if above else low <= value) and value <= high, f"a number {_reach(low, high, above)}")


def finite(knob: str, value: float, low: float = 0.0, high: float = math.inf, *, above: bool = False) -> None:
    """Raises `ConfigError` if the number is not in [low, high] (in (low, high] if `above`), infinite or no number."""
    inside = (low < value if above else low <= value) and value <= high and math.isfinite(value)
    expect(knob, value, inside, f"a finite number {_reach(low, high, above)}".rstrip())


def _reach(low: float, high: float, above: bool) -> str:
    if high < math.inf:
        return f"above {low:g} and at most {high:g}" if above else f"from {low:g} to {high:g}"
    return "" if low == -math.inf else f"above {low:g}" if above else f"of at least {low:g}"
