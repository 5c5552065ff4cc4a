"""A budget of scorer calls alone sizes the methods that judge by a scorer, as a budget of tokens does; the ceiling holds, and knobs set by hand stay."""

from __future__ import annotations

from typing import Any

import pytest

from tests.methods.conftest import PRESET, play
from thinkwell.core.budget import Budget
from thinkwell.core.method import METHODS
from thinkwell.core.prompt import Preset
from thinkwell.engines.scripted import Ask
from thinkwell.methods._steps import paths_worth

LONG = Preset("toy", 1, "{question}", max_tokens=400, typical_tokens=60)
SIZED = ("best_of_n", "beam_search", "dvts", "particle_filtering", "particle_gibbs", "mcts", "a_star")


def fitted(name: str, budget: Budget, **knobs: Any) -> dict[str, Any]:
    kind = METHODS.get(name)
    return dict(kind(kind.Config(**knobs)).fit(budget, PRESET).config.model_dump())


def test_ten_scorer_calls_are_worth_a_path_and_tokens_come_first() -> None:
    assert paths_worth(Budget(scorer_calls=64), PRESET) == 6.4
    assert paths_worth(Budget(tokens=30, scorer_calls=64), PRESET) == 3.0
    assert paths_worth(Budget(tokens=30, scorer_calls=64), PRESET, cost=2) == 1.5
    assert paths_worth(Budget(), PRESET) is None
    assert paths_worth(Budget(scorer_calls=0), PRESET) is None  # nothing is judged: nothing to size by


@pytest.mark.parametrize(
    ("name", "calls", "sized"),
    [
        ("best_of_n", 6, {"n_paths": 6, "fill": False}),
        ("beam_search", 64, {"n_beams": 6}),
        ("beam_search", 5, {"n_beams": 1}),
        ("dvts", 40, {"n_subtrees": 2, "n_expand": 2}),
        ("dvts", 160, {"n_subtrees": 4, "n_expand": 4}),
        ("particle_filtering", 80, {"n_particles": 8}),
        ("particle_gibbs", 80, {"n_particles": 8, "num_iterations": 2}),
        ("mcts", 60, {"width": 2, "n_iterations": 24}),
        ("mcts", 30, {"width": 1, "n_iterations": 16}),
        ("a_star", 60, {"branching": 2}),
        ("a_star", 1000, {"branching": 4}),
    ],
)
def test_knobs_are_sized_to_scorer_calls_alone(name: str, calls: int, sized: dict[str, Any]) -> None:
    knobs = fitted(name, Budget(scorer_calls=calls))
    assert {knob: knobs[knob] for knob in sized} == sized


@pytest.mark.parametrize("name", SIZED)
def test_a_budget_of_tokens_sizes_alone_and_one_of_nothing_not_at_all(name: str) -> None:
    assert fitted(name, Budget(tokens=90, scorer_calls=4)) == fitted(name, Budget(tokens=90))
    assert fitted(name, Budget(scorer_calls=0)) == fitted(name, Budget()) == fitted(name, Budget(seconds=3))


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("best_of_n", {"n_paths": 9}),
        ("beam_search", {"n_beams": 9}),
        ("dvts", {"n_subtrees": 9, "n_expand": 3}),
        ("particle_filtering", {"n_particles": 9}),
        ("particle_gibbs", {"n_particles": 9, "num_iterations": 3}),
        ("mcts", {"width": 3, "n_iterations": 5}),
        ("a_star", {"branching": 3}),
    ],
)
def test_knobs_set_by_hand_stay(name: str, knobs: dict[str, int]) -> None:
    found = fitted(name, Budget(scorer_calls=20), **knobs)
    assert {knob: found[knob] for knob in knobs} == knobs


def ten_steps(ask: Ask) -> str:
    """Paths of ten steps, as the sizing takes them to have, each step unlike those of other paths."""
    return "".join(f"step {i} of {ask.path}\n\n" for i in range(ask.so_far.count("\n\n"), 9)) + "\\boxed{7}"


def used(name: str, calls: int) -> tuple[str | None, int]:
    """The answer, and the scorer calls that it took; the judge likes every other text."""
    played = play(name, ten_steps, lambda text: 0.3 + 0.4 * (len(text) % 2), preset=LONG, budget=Budget(scorer_calls=calls), fit=True)
    return played.answer, played.usage.scorer_calls


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize("calls", [1, 7, 40, 120])
def test_a_fitted_method_keeps_the_ceiling_and_answers(name: str, calls: int) -> None:
    answer, spent = used(name, calls)
    assert answer == "7"
    assert 0 < spent <= calls


@pytest.mark.parametrize("name", ["best_of_n", "beam_search", "particle_filtering"])
def test_more_scorer_calls_are_spent_where_they_are_given(name: str) -> None:
    spent = [used(name, calls)[1] for calls in (20, 60, 180)]
    assert spent[0] < spent[1] < spent[2]
    assert all(own >= calls / 2 for own, calls in zip(spent, (20, 60, 180), strict=True))
