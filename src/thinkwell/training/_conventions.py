"""Knobs and their presets, as advantages and losses share them: the values of a preset, explicit ones before them, and refusals that name the knob."""

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


def one_of(knob: str, value: object, known: Iterable[str]) -> None:
    """Raises `ConfigError` if the value is none of the known names."""
    names = tuple(known)
    if value not in names:
        raise ConfigError(f"{knob}={value!r} is unknown; expected one of {', '.join(map(repr, names))}. Choose one of them.")


def within(knob: str, value: float, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Raises `ConfigError` if the number is not in [low, high] (in (low, high] if `above`) or is no number; infinity is inside where `high` is."""
    if not ((low < value if above else low <= value) and value <= high):
        reach = f"{'above' if above else 'of at least'} {low:g}{f' and at most {high:g}' if high < math.inf else ''}"
        raise ConfigError(f"{knob}={value} is out of range; expected a number {reach}. Choose one.")


def finite(knob: str, value: float, low: float = 0.0, high: float = math.inf) -> None:
    """Raises `ConfigError` if the number is not in [low, high], infinite or no number."""
    if not (low <= value <= high and math.isfinite(value)):
        reach = f"from {low:g} to {high:g}" if high < math.inf else f"of at least {low:g}"
        raise ConfigError(f"{knob}={value} is out of range; expected a finite number {reach}. Choose one.")
