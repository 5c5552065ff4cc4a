"""Monte-Carlo tree search: the bonus, what is backed up, where the next way down goes, and how the ends answer."""

import math

import pytest

from tests.methods.conftest import wood
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import ConfigError
from thinkwell.core.events import NodeState, Pruned, SearchNode
from thinkwell.core.method import METHODS
from thinkwell.core.path import Path
from thinkwell.engines.scripted import Ask, Reply
from thinkwell.methods._steps import Candidate
from thinkwell.methods.mcts import Node, back_up, puct, softmax, uct


def ends(run):
    return [path.id for path in run.outcome.paths]


def nodes(run):
    return {event.path: event for event in run.events(SearchNode)}


# ---- the formulas ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parent", "child", "prior", "bonus"),
    [(0, 0, 1.0, 0.0), (1, 0, 0.25, 0.3125254), (4, 1, 0.5, 0.6251272), (100, 9, 0.5, 0.6275633)],
)
def test_the_bonus_of_puct(parent, child, prior, bonus):
    """c = 1.25 + ln((N + 19653) / 19652): for N = 1, 4, 100 it is 1.2501018, 1.2502544, 1.2551262 (the last: ln 1.0051394)."""
    assert puct(parent, child, prior, 1.25, 19652) == pytest.approx(bonus, abs=1e-6)


def test_the_bonus_of_uct():
    """sqrt 2 * sqrt(ln 8 / 2) = 1.4142 * 1.0197."""
    assert uct(8, 2, math.sqrt(2)) == pytest.approx(1.44203, abs=1e-5)
    assert uct(1, 1, math.sqrt(2)) == 0
    assert uct(5, 0, 0.1) == math.inf


def test_a_value_is_backed_up_to_the_root_as_a_running_mean():
    root = Node(Candidate(Path("0")))
    left, right = (Node(Candidate(Path(f"0.{i}"), 0.9), root) for i in range(2))
    root.children = [left, right]
    assert left.value == 0.9  # its own score until it is visited
    left.closed = True
    back_up(left, 0.2)
    back_up(right, 0.5)
    assert (root.visits, root.value) == (2, pytest.approx(0.35))
    assert (left.visits, left.value) == (1, pytest.approx(0.2))
    assert not root.closed
    right.closed = True
    back_up(right, 0.8)
    assert root.closed
    assert right.value == pytest.approx(0.65)


# ---- where it goes -----------------------------------------------------------------------------------------------------------

PROMISE = {"box": 0.0, "a": 0.6, "b": 0.5}


def judge(text: str) -> float:
    """ "a" promises more (0.6 against 0.5), but its ends are worth 0.2 and those of "b" 0.9."""
    if "box" in text:
        return 0.2 if text.startswith("a") else 0.9
    return 0.6 if text.startswith("a") else 0.5


def test_four_ways_down_worked_out_by_hand(play):
    """1: a (0.6 > 0.5), worth 0.2. 2: a 0.2 + 0.5 * 1.25 * 1 / 2 = 0.51 against b 0.5 + 0.625 = 1.13: b, worth 0.9.
    3: a 0.2 + 0.5 * 1.25 * 1.41 / 2 = 0.64 against b 0.9 + 0.44: b again, its other end. 4: b has no more ends: a's other end."""
    run = play("mcts", wood(1), judge, width=2)
    assert ends(run) == ["0.0.0", "0.1.0", "0.1.1", "0.0.1"]
    assert run.outcome.facts["iterations"] == 4
    assert run.outcome.facts["tree_exhausted"]
    assert run.answer == "110"  # four different answers: the best score, the earlier of two


def test_fewer_iterations_are_fewer_ways_down(play):
    run = play("mcts", wood(1), judge, width=2, n_iterations=2)
    assert ends(run) == ["0.0.0", "0.1.0"]
    assert run.outcome.scores == (0.2, 0.9)
    assert run.answer == "110"


def test_without_exploration_the_search_stays_where_it_was_good(play):
    rule = lambda text: 0.6 if text.startswith("a") else 0.5  # noqa: E731
    run = play("mcts", wood(1), rule, width=2, n_iterations=2, c_init=0.0, c_base=1e12)
    assert ends(run) == ["0.0.0", "0.0.1"]


def test_uct_tries_every_child_once_before_any_again(play):
    rule = lambda text: 0.9 if text.startswith("c") else 0.1  # noqa: E731
    run = play("mcts", wood(1), rule, width=3, n_iterations=3, selection="uct")
    assert [path.split(".")[1] for path in ends(run)] == ["2", "0", "1"]  # the best first, then in order


def test_a_rollout_writes_a_new_node_to_its_end_in_one_go(play):
    """The root's children first, each once; then the better one is expanded (fork 0 of it was its rollout) and a child of it is written to an end."""

    def script(ask: Ask) -> str:
        return "ab"[int(ask.path[-1]) % 2] + "\n\n" if ask.request.stop else f"so \\boxed{{{len(ask.path)}}}"

    run = play("mcts", script, {"so": 0.8, "a": 0.6, "b": 0.5}, width=2, n_iterations=3, selection="uct", value="rollout")
    whole = [request.key.path for request in run.engine.requests if not request.stop]
    assert whole == ["0.0.0", "0.1.0", "0.0.1.0"]
    assert all(path.complete for path in run.outcome.paths)
    assert nodes(run)["0.1"].values["value"] == pytest.approx(0.8)  # the rollout's score, not its own 0.6


def test_priors_of_the_model_are_the_softmax_of_mean_log_probs(play):
    """exp(-0.1) / (exp(-0.1) + exp(-2.1)) = 1 / (1 + exp(-2)) = 0.8808."""

    def script(ask: Ask) -> Reply:
        way = ask.path.split(".")[1:]
        sure = way[-1] == "0"
        return Reply(f"{'ab'[not sure]}\n\n" if len(way) < 2 else f"\\boxed{{{way[-1]}}}", logprobs=(-0.1 if sure else -2.1,))

    run = play("mcts", script, width=2, prior="model", n_iterations=1)
    assert nodes(run)["0.0"].values["prior"] == pytest.approx(0.880797, abs=1e-6)
    assert nodes(run)["0.0.1"].values["prior"] == pytest.approx(1 - 0.880797, abs=1e-6)  # of the step alone, not of the path
    assert softmax([-1000.0, -1000.0]) == [0.5, 0.5]


def test_only_the_models_prior_needs_log_probs():
    cls = METHODS.get("mcts")
    assert cls().needs == {Capability.CONTINUE_PREFIX}
    assert cls(cls.Config(prior="model")).needs == {Capability.CONTINUE_PREFIX, Capability.LOGPROBS}


# ---- what counts -------------------------------------------------------------------------------------------------------------


def test_ends_vote_with_their_scores_once_each(play):
    """One end says 3 with 0.9, two say 7 with 0.5 each."""
    script = lambda ask: {"0.0": "x \\boxed{3}", "0.1": "y \\boxed{7}", "0.2": "z \\boxed{7}"}[ask.path]  # noqa: E731
    run = play("mcts", script, {"x": 0.9, "y": 0.5, "z": 0.5}, width=3)
    assert run.answer == "7"
    assert len(run.outcome.paths) == 3
    assert play("mcts", script, {"x": 0.9, "y": 0.5, "z": 0.5}, width=3, select="best").answer == "3"


def test_an_end_without_an_answer_is_worth_nothing(play):
    script = lambda ask: "no idea" if ask.path.endswith("0") else "so \\boxed{7}"  # noqa: E731
    run = play("mcts", script, {"no idea": 0.9, "so": 0.3}, width=2, n_iterations=1)
    assert run.answer is None
    run = play("mcts", script, {"no idea": 0.9, "so": 0.3}, width=2, n_iterations=2)
    assert run.answer == "7"
    assert nodes(run)["0"].values["value"] == pytest.approx(0.15)  # mean of 0 and 0.3
    assert nodes(run)["0.0"].state is NodeState.DEAD_END


def test_repeated_steps_are_dropped_before_they_are_scored(play):
    run = play("mcts", {"*": "a\n\n\\boxed{7}"}, width=4)
    assert run.answer == "7"
    assert run.usage.scorer_calls == 2
    assert len(run.events(Pruned)) == 6


def test_the_last_step_is_written_to_its_end(play):
    run = play("mcts", {"*": "a\n\nb\n\nc\n\n\\boxed{7}"}, width=1, max_steps=2)
    assert run.answer == "7"
    assert run.usage.scorer_calls == 2


def test_without_scorer_calls_one_path_is_written_to_its_end(play):
    run = play("mcts", {"*": "a\n\n\\boxed{7}"}, width=2, budget=Budget(scorer_calls=0))
    assert run.answer == "7"
    assert run.usage.scorer_calls == 0
    assert len(run.engine.requests) == 1


def endless(ask: Ask) -> str:
    """Every node has two different children for ever; only a path that is asked without a stop comes to an end."""
    return "on \\boxed{7}" if not ask.request.stop else "ab"[int(ask.path[-1]) % 2] + "\n\n"


@pytest.mark.parametrize("value", ["prm", "rollout"])
def test_tokens_are_kept_for_a_first_end(play, value):
    run = play("mcts", endless, width=2, budget=Budget(tokens=40), value=value)
    assert run.answer == "7"
    assert run.usage.generated_tokens <= 40


def test_fit_leaves_the_end_of_the_search_to_the_tokens(toy):
    """Three ways down of 10 tokens a child; four ways down a typical path are more than tokens can pay for."""
    cls = METHODS.get("mcts")
    fitted = cls().fit(Budget(tokens=200), toy).config
    assert (fitted.width, fitted.n_iterations) == (4, 80)
    assert cls().fit(Budget(tokens=20), toy).config.width == 1
    kept = cls(cls.Config(width=3, n_iterations=2)).fit(Budget(tokens=20), toy).config
    assert (kept.width, kept.n_iterations) == (3, 2)
    assert cls().fit(Budget(seconds=1), toy).config.n_iterations == 16


def test_the_tree_can_be_drawn_from_the_events(play):
    run = play("mcts", wood(1), judge, width=2)
    tree = nodes(run)
    assert set(tree) == {"0", "0.0", "0.1", "0.0.0", "0.0.1", "0.1.0", "0.1.1"}
    assert all(node.parent == path.rpartition(".")[0] and node.depth == path.count(".") for path, node in tree.items())
    assert {path: node.values["visits"] for path, node in tree.items()} == {
        "0": 4, "0.0": 2, "0.1": 2, "0.0.0": 1, "0.0.1": 1, "0.1.0": 1, "0.1.1": 1,
    }  # fmt: skip
    assert tree["0"].values["value"] == pytest.approx((0.2 + 0.9 + 0.9 + 0.2) / 4)
    assert {tree["0"].state, tree["0.0"].state, tree["0.1"].state} == {NodeState.EXPANDED}
    assert tree["0.1.1"].state is NodeState.GOAL


@pytest.mark.parametrize("knobs", [{"width": 0}, {"c_base": 0.0}, {"selection": "ucb"}, {"c_init": -1.0}, {"n_iterations": 0}])
def test_knobs_out_of_range_are_refused(knobs):
    with pytest.raises(ConfigError, match=r"mcts\."):
        METHODS.get("mcts").Config.parse(knobs, "mcts")
