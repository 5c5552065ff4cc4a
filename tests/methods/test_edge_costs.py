"""What a step of A* costs, and what is left of a score that falls with depth."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from thinkwell.methods._edge_costs import Calibrate, EdgeCost, Yardstick, edge

F = Fraction

TRAILS = st.lists(st.floats(0, 1), min_size=2, max_size=8).map(lambda hs: tuple(F(h) for h in (1.0, *hs)))


def total(trail, kind, **knobs):
    return sum(Yardstick(kind, **knobs).measure(trail), F(0))


@pytest.mark.parametrize(
    ("kind", "falls", "rises"),
    [(EdgeCost.CONSISTENT, 0.5, 0.0), (EdgeCost.RISE, 0.0, 0.5), (EdgeCost.ZERO, 0.0, 0.0), (EdgeCost.UNIFORM, 0.25, 0.25)],
)
def test_what_a_step_costs(kind, falls, rises):
    """h from 3/4 to 1/4 (the score rose), and back."""
    assert edge(kind, F(3, 4), F(1, 4), 0.25) == falls
    assert edge(kind, F(1, 4), F(3, 4), 0.25) == rises


def test_the_first_step_is_free_where_only_falling_scores_cost():
    assert edge(EdgeCost.RISE, F(1, 4), F(1), first=True) == 0
    assert edge(EdgeCost.CONSISTENT, F(1), F(1, 4), first=True) == F(3, 4)


def test_a_path_measured_by_hand():
    """h 1, 1/4, 1/2, 1/8. Falls: 3/4 + 3/8 = 9/8; rises: 1/4."""
    trail = (F(1), F(1, 4), F(1, 2), F(1, 8))
    assert Yardstick(EdgeCost.CONSISTENT).measure(trail) == (F(9, 8), F(1, 8))
    assert Yardstick(EdgeCost.RISE).measure(trail) == (F(1, 4), F(1, 8))
    assert Yardstick(EdgeCost.ZERO).measure(trail) == (0, F(1, 8))
    assert Yardstick(EdgeCost.UNIFORM, 0.5).measure(trail) == (F(3, 2), F(1, 8))


@given(TRAILS)
def test_under_consistent_f_adds_up_the_rises_and_never_falls(trail):
    rises = sum((max(F(0), b - a) for a, b in pairwise(trail)), F(0))
    assert total(trail, EdgeCost.CONSISTENT) == trail[0] + rises
    assert total(trail, EdgeCost.RISE) == total(trail, EdgeCost.CONSISTENT) + trail[-1] - trail[0]
    prefixes = [total(trail[:n], EdgeCost.CONSISTENT) for n in range(1, len(trail) + 1)]
    assert prefixes == sorted(prefixes)


@given(TRAILS)
def test_only_the_consistent_cost_never_lets_h_promise_too_little(trail):
    assert all(a <= edge(EdgeCost.CONSISTENT, a, b) + b for a, b in pairwise(trail))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
@example([0.1, 0.2, 0.3, 0.7])  # summed as floats these do not tie
def test_paths_that_only_improve_tie_exactly(scores):
    trail = (F(1), *(1 - F(score) for score in sorted(scores)))
    assert total(trail, EdgeCost.CONSISTENT) == 1


def test_drift_is_the_median_of_the_least_rises_and_leaves_other_scorers_alone():
    yard = Yardstick(EdgeCost.ZERO, calibrate=Calibrate.DRIFT)
    yard.saw((F(1),), [(F(1), F(0))])  # from the prompt: a convention, not a rise
    assert yard.drift == 0
    drifts = []
    for least in (F(8, 10), F(1, 10), F(3, 10), F(2, 10)):
        yard.saw((F(1), F(0)), [(F(1), F(0), F(9, 10)), (F(1), F(0), least)])
        drifts.append(yard.drift)
    assert drifts == [0, F(1, 10), F(1, 10), F(2, 10)]  # medians of 0 .8 | .1 | .3 | .2: a single collapse is no drift
    assert yard.measure((F(1), F(1, 10), F(3, 10), F(6, 10)))[1] == F(6, 10) - 2 * F(2, 10)
    improving = Yardstick(EdgeCost.ZERO, calibrate=Calibrate.DRIFT)
    improving.saw((F(1), F(1, 2)), [(F(1), F(1, 2), F(1, 4))])
    assert improving.drift == 0
