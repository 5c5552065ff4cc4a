from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.training._conventions import expect, finite, one_of, pick, within


@dataclass(frozen=True)
class Habits:
    eps: float
    kind: str


PRESETS = {"paper": Habits(0.2, "a"), "verl": Habits(0.3, "b")}


def test_a_presets_values_stand_until_a_knob_is_given_by_name():
    assert pick("loss", PRESETS, "verl", eps=None, kind=None) == Habits(0.3, "b")
    assert pick("loss", PRESETS, "verl", eps=0.0, kind=None) == Habits(0.0, "b")
    with pytest.raises(ConfigError, match="loss has no preset 'nobody'; expected one of 'paper', 'verl'"):
        pick("loss", PRESETS, "nobody")


def test_names_and_numbers_out_of_range_are_refused_by_name():
    one_of("kind", "a", ("a", "b"))
    with pytest.raises(ConfigError, match="kind='c' is unknown; expected one of 'a', 'b'"):
        one_of("kind", "c", ("a", "b"))
    within("clip", math.inf, 1.0, above=True)  # infinity turns a bound off
    for value in (1.0, math.nan):
        with pytest.raises(ConfigError, match="above 1"):
            within("clip", value, 1.0, above=True)
    finite("lam", 1.0, 0.0, 1.0)
    for value in (-0.1, 1.1, math.inf, math.nan):
        with pytest.raises(ConfigError, match="finite number from 0 to 1"):
            finite("lam", value, 0.0, 1.0)


def test_a_bound_that_is_outside_is_said_so():
    finite("scale", 0.1, above=True)
    for value in (0.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="finite number above 0"):
            finite("scale", value, above=True)
    finite("shift", -7.0, -math.inf)
    with pytest.raises(ConfigError, match=r"shift=inf is out of range; expected a finite number\."):
        finite("shift", math.inf, -math.inf)
    expect("window", 3, 3 >= 2, "at least n (2)")
    with pytest.raises(ConfigError, match=r"window=1 is out of range; expected at least n \(2\)\."):
        expect("window", 1, 1 >= 2, "at least n (2)")
