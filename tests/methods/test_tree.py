"""Growing a tree of steps: what a node may cost, which children are new, and what is laid aside for the way to an end."""

import asyncio

import pytest

from tests.methods.conftest import PRESET, session_of
from thinkwell.core.budget import Budget
from thinkwell.core.events import Pruned
from thinkwell.core.scores import Aggregate
from thinkwell.engines.scripted import Reply
from thinkwell.methods._steps import Candidate, paths_worth, write_step
from thinkwell.methods._tree import branching_for, children_for, complete, fresh, grow, is_goal, rest_of

STEP = "a b\n\nc d\n\n"


@pytest.mark.parametrize(("tokens", "most", "children"), [(1, 4, 1), (44, 4, 1), (46, 4, 2), (90, 4, 3), (1000, 4, 4), (1000, 1, 1)])
def test_a_budget_pays_for_three_ways_down_at_full_width(tokens, most, children):
    paths = paths_worth(Budget(tokens=tokens), PRESET)
    assert branching_for(paths, most) == children  # a way down is ten tokens


async def root_of(script, judge=lambda text: 0.5, **more):
    session = session_of(script, judge, **more)
    return session, Candidate((await session.open())[0])


def test_a_goal_is_over_and_has_an_answer():
    async def work():
        session = session_of({"*": ["so \\boxed{7}", "no idea", "\\boxed{7} and so on"]})
        answered, empty, going = await session.open(3)
        answered, empty = await session.extend([answered, empty])
        (going,) = await session.extend([going], max_tokens=4)
        assert (is_goal(session, answered), is_goal(session, empty), is_goal(session, going)) == (True, False, False)

    asyncio.run(work())


def test_children_are_forks_one_step_further_and_scored():
    async def work():
        session, root = await root_of(lambda ask: f"step {ask.path[-1]}\n\nmore", {"1": 0.9})
        (children,) = await grow(session, [root], [3], Aggregate.LAST, last=[False])
        assert [child.path.text for child in children] == ["step 0\n\n", "step 1\n\n", "step 2\n\n"]
        assert [child.score for child in children] == [0.5, 0.9, 0.5]
        assert root.path.text == ""
        assert session._scorers["prm"].calls == [("p#0", ("0.0", "0.1", "0.2"))]  # one call for all

    asyncio.run(work())


def test_children_of_several_parents_stay_apart_and_some_go_to_their_ends():
    async def work():
        session = session_of({"*": [STEP + "x", STEP + "y"]})
        parents = [Candidate(path) for path in await session.open(2)]
        first, second = await grow(session, parents, [1, 2], Aggregate.LAST, last=[True, False])
        assert [child.path.text for child in first] == [STEP + "x"]
        assert [child.path.text for child in second] == ["a b\n\n"]  # the two say the same
        assert await grow(session, [], [], Aggregate.LAST, last=[]) == []

    asyncio.run(work())


def test_children_that_say_the_same_or_nothing_are_dropped_before_they_are_scored():
    async def work():
        session, root = await root_of({"0.0": "a\n\n", "0.1": "a\n\n", "0.2": Reply(""), "0.3": "b\n\n"})
        (children,) = await grow(session, [root], [4], Aggregate.LAST, last=[False])
        assert [child.path.id for child in children] == ["0.0", "0.3"]
        assert session.usage.scorer_calls == 2
        assert [event.path for event in session.events if isinstance(event, Pruned)] == ["0.1", "0.2"]

    asyncio.run(work())


def test_the_same_text_that_is_over_is_another_child_and_an_end_without_new_text_a_goal():
    async def work():
        session, root = await root_of({"*": "\\boxed{7}"})
        (answered,) = await write_step(session, [Candidate(session.fork(root.path, 1)[0])], step_tokens=3)  # not yet ended
        twins = [Candidate(path) for path in session.fork(answered.path, 2)]
        ended = await write_step(session, twins[:1])
        assert ended[0].path.text == answered.path.text
        assert fresh(session, answered, [*ended, *twins[1:]]) == ended

    asyncio.run(work())


def test_a_way_to_the_end_is_a_fork_written_in_one_go_and_scored():
    async def work():
        session, root = await root_of({"*": STEP + "\\boxed{7}"}, {"boxed": 0.8})
        done = await complete(session, root, Aggregate.LAST)
        assert (done.path.id, done.path.text, done.score) == ("0.0", STEP + "\\boxed{7}", 0.8)
        assert root.path.text == ""

    asyncio.run(work())


@pytest.mark.parametrize(("written", "rest"), [(0, 15.0), (6, 9.0), (10, 7.0), (30, 21.0)])
def test_what_is_laid_aside_for_the_way_to_an_end(written, rest):
    """1.5 typical lengths less what is written; half a typical length, or 0.7 of what is written, at least."""

    async def work():
        session, root = await root_of({"*": "a" + " a" * 50})
        path = root.path if not written else (await session.extend([root.path], max_tokens=written))[0]
        assert rest_of(session, Candidate(path)) == pytest.approx(rest)

    asyncio.run(work())


@pytest.mark.parametrize(
    ("tokens", "calls", "reserve", "children"),
    [
        (None, None, True, 4),
        (None, 3, True, 3),
        (None, 0, False, 0),
        (40, None, True, 4),
        (19, None, True, 3),  # 4 beyond the 15 laid aside, at twice a step's tenth of a typical path: two, and one for the way itself
        (15, None, True, 1),
        (5, None, True, 0),
        (5, None, False, 2),
        (1, None, False, 0),
    ],
)
def test_how_many_children_a_bare_prompt_may_have(tokens, calls, reserve, children):
    async def work():
        session, root = await root_of({"*": STEP}, tokens=tokens, calls=calls)
        return children_for(session, root, 4, reserve=reserve)

    assert asyncio.run(work()) == children


def test_steps_that_were_long_make_children_dear():
    async def work():
        session, root = await root_of({"*": STEP * 5}, tokens=30)
        (path,) = await session.extend([root.path], max_tokens=6)
        node = Candidate(path, 0.5, ((len(path), 0.5),))  # one step of six tokens: a child is taken to cost twelve
        return children_for(session, node, 4, reserve=False)

    assert asyncio.run(work()) == 2  # 24 left
