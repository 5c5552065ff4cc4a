"""A*: which state comes next, what the events tell, and how a search ends."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.methods.conftest import wood
from thinkwell.core.budget import Budget
from thinkwell.core.errors import ConfigError
from thinkwell.core.events import Forked, NodeState, Pruned, SearchNode
from thinkwell.core.method import METHODS
from thinkwell.engines.scripted import Ask, Reply
from thinkwell.methods._edge_costs import EdgeCost

F = Fraction


# ---- which state comes next --------------------------------------------------------------------------------------------------


def expanded(run):
    return [event.path for event in run.events(SearchNode) if event.state is NodeState.EXPANDED]


def test_equal_states_are_taken_deepest_first_then_oldest(play):
    run = play("a_star", wood(2), lambda text: 0.5, branching=2)
    assert expanded(run) == ["0", "0.0", "0.0.0"]
    assert run.answer == "1000"


def test_the_search_goes_back_to_where_the_score_was_better(play):
    """ "a" looks better than "b" until its children come: both 0.1. Then "b" (0.6) is next."""
    rule = lambda text: 0.1 if text.count("\n\n") >= 2 and text[0] == "a" else 0.9 if text[0] == "a" else 0.6  # noqa: E731
    run = play("a_star", wood(2), rule, branching=2)
    assert expanded(run)[:3] == ["0", "0.0", "0.1"]
    assert run.answer is not None
    assert run.outcome.chosen.id.startswith("0.1")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # `play` is a plain function
@given(
    scores=st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1.0]), min_size=14, max_size=14), kind=st.sampled_from(EdgeCost)
)
def test_the_first_goal_has_the_least_cost_of_all(play, scores, kind):
    """Every path of a full tree measured by hand; ends have h = 0, so f is what the path cost. Only the cost that makes h consistent promises that the first goal
    is the cheapest; of the others the cost itself is checked."""
    ways = [way for n in (1, 2, 3) for way in product("ab", repeat=n)]
    table = dict(zip(ways, scores, strict=True))

    def rule(text):
        way = tuple(text.replace("\n", "")[:2]) if "box" not in text else None
        return 1.0 if way is None else table[way]

    run = play("a_star", wood(2), rule, branching=2, edge_cost=kind, calibrate="none")
    costs = {}
    for way in product("01", repeat=3):
        names = ["ab"[int(i)] for i in way]
        h = [F(1), *(1 - F(table[tuple(names[: n + 1])]) for n in range(2)), F(0)]
        rises = sum((max(F(0), b - a) for a, b in pairwise(h)), F(0))
        falls = sum((max(F(0), a - b) for a, b in pairwise(h)), F(0))
        costs["1" + "".join(way)] = {"consistent": falls, "rise": rises, "zero": F(0), "uniform": 3 * F(0.05)}[kind.value]
    if kind is EdgeCost.CONSISTENT:
        assert costs[run.answer] == min(costs.values())
    (values,) = run.outcome.facts["goal_values"]
    assert values["f"] == pytest.approx(float(costs[run.answer]))


def test_one_child_a_state_is_one_path_written_step_by_step(play):
    run = play("a_star", wood(3), branching=1)
    assert run.answer == "10000"
    assert len(run.outcome.paths) == 1
    assert run.usage.generated_tokens == sum(segment.n_tokens for segment in run.outcome.chosen.segments[1:])


def test_local_scope_stays_among_the_newest_children(play):
    """ "a" is followed down although "b" is better than all its children."""
    rule = lambda text: 0.9 if text == "a\n\n" else 0.8 if text == "b\n\n" else 0.1 if text[0] == "a" else 0.8  # noqa: E731
    near = play("a_star", wood(2), rule, branching=2, scope="children")
    far = play("a_star", wood(2), rule, branching=2)
    assert near.outcome.chosen.id.startswith("0.0")
    assert far.outcome.chosen.id.startswith("0.1")


def test_local_scope_goes_back_from_a_dead_end(play):
    def script(ask: Ask) -> str:
        way = ask.path.split(".")[1:]
        return f"{'ab'[int(way[-1])]}\n\n" if len(way) == 1 else "no idea" if way[0] == "0" else "\\boxed{7}"

    run = play("a_star", script, {"a": 0.9, "b": 0.1}, branching=2, scope="children")
    assert run.answer == "7"
    assert run.outcome.facts["dead_ends"] == 1  # "no idea" twice is one


def test_several_states_can_be_expanded_at_once(play):
    slow = lambda ask: Reply(wood(3)(ask), delay=1)  # noqa: E731
    one = play("a_star", slow, branching=2)
    two = play("a_star", slow, branching=2, expand_batch=2)
    assert one.engine.most_live == 2
    assert two.engine.most_live == 4
    assert expanded(two)[:3] == ["0", "0.0", "0.1"]


def test_falling_scores_alone_do_not_keep_the_search_at_the_top(play):
    """Every step costs a tenth of the score, whatever it says: measured as it is, all states of a depth come before any deeper one."""
    rule = lambda text: 0.9 ** text.count("\n\n")  # noqa: E731
    plain = play("a_star", wood(3), rule, branching=2, calibrate="none")
    aware = play("a_star", wood(3), rule, branching=2)
    assert len(expanded(plain)) == 1 + 2 + 4 + 1  # whole levels, then the first end (it costs nothing more)
    assert len(expanded(aware)) < len(expanded(plain))
    assert aware.outcome.facts["drift"] > 0
    assert plain.outcome.facts["drift"] == 0


# ---- what is kept and paid for -----------------------------------------------------------------------------------------------


def test_repeated_and_empty_children_are_not_scored(play):
    run = play("a_star", {"*": "a\n\n\\boxed{7}"}, branching=4)
    assert run.answer == "7"
    assert run.usage.scorer_calls == 2  # one state after each step, of four that read the same
    assert Counter(event.reason for event in run.events(Pruned)) == {"nothing new": 6}
    assert run.outcome.facts["sampled_steps"] == 8


def test_an_end_that_adds_no_text_is_still_an_end(play):
    """The answer is followed by a blank line, the end comes in a step of its own."""
    run = play("a_star", {"*": "so \\boxed{7}\n\n"}, branching=2)
    assert run.answer == "7"
    assert run.outcome.chosen.complete


def test_an_end_without_an_answer_is_a_dead_end(play):
    script = lambda ask: "no idea" if ask.path.endswith("0") else "so \\boxed{7}"  # noqa: E731
    run = play("a_star", script, {"no idea": 0.99, "so": 0.01}, branching=2)
    assert run.answer == "7"
    assert run.outcome.facts["dead_ends"] == 1


def test_where_all_ends_are_dead_the_prompt_is_tried_once_more(play):
    script = lambda ask: "\\boxed{7}" if ask.path == "0.2" else "no idea"  # noqa: E731
    run = play("a_star", script, branching=2)
    assert run.answer == "7"
    assert run.outcome.facts["completed"] == 1


def test_the_worst_states_leave_a_full_frontier(play):
    run = play("a_star", wood(1), {"a": 0.9, "b": 0.1}, branching=2, frontier_max=1)
    assert [event.path for event in run.events(Pruned) if event.reason == "the frontier is full"] == ["0.1"]
    assert run.answer == "100"


def test_several_goals_vote(play):
    """The best-scored end says 3, the next two say 7: 0.9 against 0.8 + 0.7."""
    script = lambda ask: {"0.0": "x \\boxed{3}", "0.1": "y \\boxed{7}", "0.2": "z \\boxed{7}", "0.3": "w \\boxed{1}"}[ask.path]  # noqa: E731
    rule = {"x": 0.9, "y": 0.8, "z": 0.7, "w": 0.6}
    assert play("a_star", script, rule).answer == "3"
    run = play("a_star", script, rule, n_goals=3)
    assert run.answer == "7"
    assert len(run.outcome.paths) == 3
    assert play("a_star", script, rule, n_goals=3, select="best").answer == "3"


def test_the_last_step_is_written_to_its_end(play):
    run = play("a_star", {"*": "a\n\nb\n\nc\n\n\\boxed{7}"}, branching=1, max_steps=2)
    assert run.answer == "7"
    assert run.usage.scorer_calls == 2


# ---- budgets -----------------------------------------------------------------------------------------------------------------


def endless(ask: Ask) -> str:
    """Every state has two different children for ever; only a path that is asked without a stop comes to an end."""
    step = "on \\boxed{7}" if not ask.request.stop else "ab"[int(ask.path[-1])] + "\n\n"
    return step


def test_without_a_goal_the_best_state_is_written_to_its_end_within_the_budget(play):
    """Steps of 2 tokens; an end is 4. 15 tokens (a long path of 10) are kept back for it."""
    run = play("a_star", endless, {"b": 0.9, "a": 0.1}, branching=2, budget=Budget(tokens=40))
    assert run.answer == "7"
    assert run.usage.generated_tokens <= 40
    assert run.outcome.facts["popped"] == 0
    assert run.outcome.facts["completed"] == 1
    assert run.outcome.chosen.text.startswith("b")


def test_a_goal_still_on_the_frontier_answers_when_the_budget_is_spent(play):
    """Fork 0 ends at once with a bad score; fork 1 promises more and never ends."""

    def script(ask: Ask) -> Reply:
        return Reply("bad \\boxed{7}") if ask.path == "0.0" else Reply("fine\n\n" if ask.path[-1] == "1" else "fair\n\n", eos=False)

    rule = {"bad": 0.2, "fine": 0.9, "fair": 0.8}
    run = play("a_star", script, rule, branching=2, budget=Budget(tokens=60))
    assert run.answer == "7"
    assert (run.outcome.facts["popped"], run.outcome.facts.get("completed", 0)) == (0, 0)
    other = play("a_star", script, rule, branching=2, budget=Budget(tokens=60), on_exhausted="complete_best")
    assert other.answer == "7"
    assert other.outcome.facts["completed"] == 1


def test_scorer_calls_bound_the_search(play):
    none = play("a_star", endless, branching=2, budget=Budget(scorer_calls=0))
    assert none.usage.scorer_calls == 0
    assert none.outcome.facts["completed"] == 1
    few = play("a_star", endless, branching=2, budget=Budget(scorer_calls=5))
    assert few.usage.scorer_calls == 5
    assert few.answer == "7"


def test_expansions_bound_a_search_that_nothing_else_bounds(play):
    run = play("a_star", endless, branching=2, max_expansions=3)
    assert len(expanded(run)) == 3
    assert run.answer == "7"


def test_fit_sizes_the_branching_to_the_budget(toy):
    """Three ways down, of 10 tokens or scorer calls a child."""
    cls = METHODS.get("a_star")
    assert [cls().fit(Budget(tokens=n), toy).config.branching for n in (1, 30, 60, 90, 120, 1000)] == [1, 1, 2, 3, 4, 4]
    assert cls(cls.Config(branching=3)).fit(Budget(tokens=20), toy).config.branching == 3
    assert [cls().fit(Budget(scorer_calls=n), toy).config.branching for n in (3, 60, 90, 1000)] == [1, 2, 3, 4]  # ten calls a way down
    assert cls().fit(Budget(seconds=3), toy).config.branching == 4


# ---- what a reader can see ---------------------------------------------------------------------------------------------------


def test_the_tree_can_be_drawn_from_the_events(play):
    run = play("a_star", wood(2), {"b": 0.75, "a": 0.5}, branching=2, calibrate="none")
    nodes = {event.path: event for event in run.events(SearchNode)}
    assert set(nodes) == {"0", *(event.path for event in run.events(Forked))}
    for path, node in nodes.items():
        assert node.parent == path.rpartition(".")[0]
        assert node.depth == path.count(".")
        assert node.values["f"] == pytest.approx(node.values["g"] + node.values["h"])
    assert nodes["0.1"].state is NodeState.EXPANDED
    assert nodes["0.1"].values == {"g": 0.75, "h": 0.25, "f": 1.0}
    assert nodes["0.0"].values == {"g": 0.5, "h": 0.5, "f": 1.0}
    assert nodes[run.outcome.chosen.id].state is NodeState.GOAL


@pytest.mark.parametrize("knobs", [{"branching": 0}, {"edge_cost": "free"}, {"h0": 2.0}, {"step_cost": -1.0}, {"scope": "all"}])
def test_knobs_out_of_range_are_refused(knobs):
    with pytest.raises(ConfigError, match=r"a_star\."):
        METHODS.get("a_star").Config.parse(knobs, "a_star")
