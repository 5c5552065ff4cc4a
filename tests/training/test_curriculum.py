"""Mixtures and phases: the same position gives the same problem, shares converge, no source's problem is lost."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.core.errors import ConfigError
from thinkwell.core.problem import Problem
from thinkwell.training.curriculum import CHUNK, Mixture, Part, Phase, Phased, by_difficulty
from thinkwell.training.problems import LabProblems


@dataclass(frozen=True)
class Numbered:
    """A source that says which position it was asked for."""

    name: str = "s"

    def at(self, position: int) -> Problem:
        return Problem(str(position), f"{self.name} {position}", "1", meta={"place": position})

    def held_out(self, n: int) -> list[Problem]:
        return [Problem(f"out{i}", f"{self.name} out {i}", "1") for i in range(n)]


def mixture(*weights: float, seed: int = 0) -> Mixture:
    return Mixture({f"part{i}": Part(Numbered(f"s{i}"), weight) for i, weight in enumerate(weights)}, seed)


WEIGHTS = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 10)), min_size=1, max_size=5).filter(lambda values: sum(values) > 0)


@settings(deadline=None)
@given(WEIGHTS, st.integers(0, 5), st.integers(1, 400))
def test_shares_converge_faster_than_independent_draws_would(weights: list[float], seed: int, n: int) -> None:
    found = mixture(*weights, seed=seed)
    counts = found.before(n)
    for name, share in found.shares.items():
        assert abs(counts[name] - share * n) <= 3 + 2 * math.log(n)
        assert share > 0 or counts[name] == 0
    assert sum(counts.values()) == n


@settings(deadline=None)
@given(WEIGHTS, st.integers(0, 5), st.permutations(range(40)))
def test_a_position_has_its_problem_in_whatever_order_it_is_asked_for(weights: list[float], seed: int, order: list[int]) -> None:
    whole = [mixture(*weights, seed=seed).at(place) for place in range(40)]
    again = mixture(*weights, seed=seed)
    assert {place: again.at(place) for place in order} == dict(enumerate(whole))


@settings(deadline=None)
@given(WEIGHTS, st.integers(0, 5))
def test_every_source_gives_its_problems_in_turn_and_none_twice(weights: list[float], seed: int) -> None:
    found = mixture(*weights, seed=seed)
    seen: dict[object, list[object]] = {}
    for place in range(60):
        problem = found.at(place)
        seen.setdefault(problem.meta["part"], []).append(problem.meta["place"])
        assert problem.id == f"{problem.meta['part']}/{problem.meta['place']}"
    assert all(places == list(range(len(places))) for places in seen.values())


def test_equal_weights_take_turns() -> None:
    """At any time, of two sources with equal weights neither is more than two ahead."""
    found = mixture(1, 1)
    for n in range(1, 200):
        counts = found.before(n)
        assert abs(counts["part0"] - counts["part1"]) <= 2


def test_a_step_sees_nearly_the_weights() -> None:
    found = mixture(3, 1)
    steps = [Counter(found.at(place).meta["part"] for place in range(first, first + 16)) for first in range(0, 320, 16)]
    assert all(11 <= step["part0"] <= 13 for step in steps)


def test_positions_beyond_one_chunk_count_on() -> None:
    found = mixture(2, 1)
    far = CHUNK + 1000
    counts = found.before(far)
    assert counts["part0"] / far == pytest.approx(2 / 3, abs=1e-4)
    following = found.at(far).meta["part"]
    assert found.before(far + 1)[str(following)] == counts[str(following)] + 1


def test_another_seed_begins_elsewhere() -> None:
    def order(seed: int) -> list[object]:
        return [mixture(1, 1, 1, seed=seed).at(place).meta["part"] for place in range(30)]

    assert len({tuple(map(str, order(seed))) for seed in range(6)}) > 1


def test_sources_that_name_their_problems_alike_are_told_apart() -> None:
    found = by_difficulty((1, 1, 1))
    problems = [found.at(place) for place in range(60)]
    assert len({problem.id for problem in problems}) == 60
    levels = {"easy": {1, 2, 3}, "medium": {4, 5, 6}, "hard": {7, 8}}
    assert all(problem.meta["level"] in levels[str(problem.meta["part"])] for problem in problems)
    assert all(18 <= count <= 22 for count in Counter(problem.meta["part"] for problem in problems).values())


def test_held_out_problems_have_the_weights_and_names_of_the_parts() -> None:
    held = mixture(3, 1).held_out(40)
    assert Counter(problem.meta["part"] for problem in held) == mixture(3, 1).before(40)
    assert mixture(3, 1).held_out(40) == held


def test_mixtures_can_be_mixed() -> None:
    outer = Mixture({"inner": Part(mixture(1, 1), 1), "other": Part(Numbered("o"), 1)})
    assert {outer.at(place).id.rpartition("/")[0] for place in range(30)} == {"inner/part0", "inner/part1", "other"}


def test_phases_follow_each_other_and_the_last_one_never_ends() -> None:
    found = Phased([Phase(Numbered("a"), 3), Phase(Numbered("b"), 2), Phase(Numbered("c"), 1)])
    assert [found.at(place).question for place in range(8)] == ["a 0", "a 1", "a 2", "b 3", "b 4", "c 5", "c 6", "c 7"]
    assert found.held_out(1)[0].question == "c out 0"


def test_a_source_that_comes_back_goes_on_and_repeats_nothing() -> None:
    again = Numbered("a")
    found = Phased.steps([(2, again), (1, again)], prompts=4)
    assert [found.phase(place) for place in (0, 7, 8, 11, 500)] == [0, 0, 1, 1, 1]
    assert len({found.at(place).id for place in range(20)}) == 20


@pytest.mark.parametrize("weights", [(), (0.0, 0.0), (-1.0, 2.0), (math.inf,), (math.nan, 1.0)])
def test_weights_that_are_none_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError):
        mixture(*weights)


def test_bad_phases_and_ratios_are_refused() -> None:
    for phases in ([], [Phase(Numbered(), 0)]):
        with pytest.raises(ConfigError):
            Phased(phases)
    with pytest.raises(ConfigError, match="three"):
        by_difficulty((1, 1))


def test_levels_stay_training_problems() -> None:
    assert all(isinstance(part.source, LabProblems) for part in by_difficulty().parts.values())
