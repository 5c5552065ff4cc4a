"""One answer from several paths."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.conftest import session_of
from thinkwell.core.events import Voted
from thinkwell.methods._selection import Select, carrier, select


def written(*texts):
    """Paths with these texts, in a session."""

    async def work():
        session = session_of({"*": list(texts)})
        return session, await session.extend(await session.open(len(texts)))

    return asyncio.run(work())


SEVEN, THREE, NONE = "so \\boxed{7}", "so \\boxed{3}", "no idea"


@pytest.mark.parametrize(
    ("rule", "scores", "answer", "chosen"),
    [
        (Select.BEST, (0.2, 0.9, 0.3, 0.1), "3", 1),
        (Select.WEIGHTED, (0.4, 0.6, 0.3, 0.9), "7", 0),  # 0.4 + 0.3 against 0.6; the path without an answer counts for nothing
        (Select.WEIGHTED, (0.1, 0.6, 0.3, 0.9), "3", 1),
        (Select.MAJORITY, (0.1, 0.9, 0.3, 0.9), "7", 2),  # shown is the better of the two that agree
        (Select.MAJORITY, None, "7", 0),
        (Select.BEST, (0.5, 0.5, 0.5, 0.9), "7", 0),  # ties go to the earlier path
    ],
)
def test_the_rules_by_hand(rule, scores, answer, chosen):
    session, paths = written(SEVEN, THREE, "or \\boxed{07}", NONE)
    found = select(session, paths, scores, rule)
    assert found.answer.canonical == answer
    assert found.chosen is paths[chosen]
    assert found.scores == scores
    assert found.paths == tuple(paths)
    assert (found.facts["candidates"], found.facts["with_answer"]) == (4, 3)


def test_best_takes_a_path_and_holds_no_vote():
    session, paths = written(SEVEN, THREE)
    select(session, paths, (0.1, 0.2), Select.BEST)
    assert not [event for event in session.events if isinstance(event, Voted)]
    select(session, paths, (0.1, 0.2), Select.WEIGHTED)
    (vote,) = [event for event in session.events if isinstance(event, Voted)]
    assert vote.rule == "weighted"


@pytest.mark.parametrize("rule", Select)
def test_without_an_answer_there_is_no_path_to_show(rule):
    session, paths = written(NONE, NONE)
    found = select(session, paths, (0.5, 0.9), rule, {"why": "none"})
    assert (found.answer, found.chosen, found.scores) == (None, None, (0.5, 0.9))
    assert found.facts == {"candidates": 2, "with_answer": 0, "why": "none"}
    empty = select(session, (), None, rule)
    assert (empty.answer, empty.paths) == (None, ())


def test_the_carrier_is_the_best_ranked_path_with_the_answer():
    session, paths = written(SEVEN, THREE, SEVEN, NONE)
    seven = session.answer(paths[0])
    assert carrier(session, paths, (0.1, 0.9, 0.2, 1.0), seven) is paths[2]
    assert carrier(session, paths[1:2], (1.0,), seven) is None
    assert carrier(session, paths, (1.0,) * 4, None) is None


@given(st.lists(st.tuples(st.sampled_from([SEVEN, THREE, NONE]), st.floats(0, 1)), min_size=1, max_size=6), st.sampled_from(list(Select)))
def test_the_path_that_is_shown_carries_the_answer_that_is_given(candidates, rule):
    session, paths = written(*(text for text, _ in candidates))
    found = select(session, paths, [score for _, score in candidates], rule)
    assert (found.answer is None) == all(text == NONE for text, _ in candidates)
    if found.answer is not None:
        assert session.answer(found.chosen).canonical == found.answer.canonical
