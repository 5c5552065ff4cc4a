"""Positions of the game and steps rewritten into attacks, against the labels of the world."""

from __future__ import annotations

import random

import pytest

from thinkwell.lab.labels import solvable
from thinkwell.lab.sneaky import KINDS, is_attack, position, read_rewrite, rewriting, sneak


def test_a_position_is_right_and_a_sneaky_step_loses_the_problem() -> None:
    seen = set()
    for seed in range(150):
        place = position(random.Random(seed), (4, 6))
        assert solvable(place.problem, place.before + place.step + "\n\n")
        assert not is_attack(place, place.step)
        found = sneak(random.Random(seed), place)
        if found is not None:
            seen.add(found[0])
            assert found[1] != place.step
            assert not solvable(place.problem, place.before + found[1] + "\n\n")
            assert read_rewrite(f"Step: wrong {found[0]}. {found[1]}") == found
    assert {"result", "number", "sum"} <= seen <= set(KINDS)


@pytest.mark.parametrize("said", ["", "Ann has 3.", "Step: wrong result.", "Step: wrong result. a\n\nb", "Step: wrong . a"])
def test_a_rewriting_that_cannot_be_read(said: str) -> None:
    assert read_rewrite(said) is None


def test_the_generators_turn_shows_the_step_last() -> None:
    place = position(random.Random(1), (3,))
    (turn,) = rewriting(place)
    assert turn["content"].startswith(place.problem.question)
    assert f"Step {len(place.parts)}: {place.step}\n\nNow make step {len(place.parts)} wrong." in turn["content"]


def test_an_attack_must_be_wrong_and_lose_the_problem() -> None:
    place = position(random.Random(3), (4,))
    assert not is_attack(place, "Let me think about it.")  # claims nothing
    assert not is_attack(place, place.step.replace(".", " ."))  # the same step
    assert place.problem.split == "train"
