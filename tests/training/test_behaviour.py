from __future__ import annotations

import pytest

from thinkwell.core.errors import DataError
from thinkwell.lab import templates
from thinkwell.training.behaviour import ALTERNATIVE, BACKTRACKING, MARKERS, STYLES, VERIFICATION, centroids, counts, rates


@pytest.mark.parametrize("said", [*templates.CORRECTIONS, *templates.REREADINGS])
def test_every_way_in_which_the_lab_takes_a_step_back_is_one_backtracking(said: str) -> None:
    found = counts(said.format(x="3 + 4 = 7", say="Ann has 7."))
    assert found[BACKTRACKING] == 1
    assert found[VERIFICATION] == 0


@pytest.mark.parametrize("said", [*templates.RECHECKS, *templates.FULL_RECHECKS])
def test_every_check_of_the_lab_is_a_check_and_no_step_back(said: str) -> None:
    found = counts(said.format(x="3 + 4 = 7"))
    assert found[VERIFICATION] >= 1
    assert found[BACKTRACKING] == 0


def test_a_plain_calculation_marks_nothing() -> None:
    assert not any(counts("Ann has 3 pears.\n\nShe buys 4 more: 3 + 4 = 7.\n\n\\boxed{7}").values())


def test_behaviours_are_counted_one_by_one() -> None:
    text = "Let me check. Wait, that is wrong. Alternatively, try another way. Let me verify. That's wrong."
    found = counts(text, (VERIFICATION, BACKTRACKING, ALTERNATIVE))
    assert found == {VERIFICATION: 2, BACKTRACKING: 2, ALTERNATIVE: 2}
    assert rates([text, ""], [VERIFICATION]) == {VERIFICATION: 1.0}


STYLED = {
    "reasoning": ["It is 7 because 3 + 4 = 7, therefore 7.", "Since she buys 4, it is 7."],
    "planning": ["The plan: step 1, step 2.\n3 + 4 = 7", "Plan: step 1 +."],
    "code": ["x = 3 + 4\nprint(x)", "y = 3\nx = y + 4\nreturn x"],
    "knowledge": ["Recall the formula: more is +.", "We know by definition that more is +."],
    "null-example": ["For instance, a similar problem: 2 + 2 = 4.", "Look at the example: 2 + 2 = 4."],
}


def test_the_nearest_centroid_names_the_style_of_texts_that_it_has_not_seen() -> None:
    known = centroids(STYLED)
    assert tuple(known.means) == STYLES
    assert known.classify("for i in range(3)\nx = 7\nprint(x)") == "code"
    assert known.classify("My plan has step 1 and step 2.") == "planning"
    assert known.classify("Hence 7, since 3 + 4 = 7.") == "reasoning"


def test_a_behaviour_that_never_varies_does_not_divide_by_zero() -> None:
    known = centroids({"a": ["plan"], "b": ["plan because"]})
    assert known.spread["planning"] == 0
    assert (known.classify("plan"), known.classify("plan because")) == ("a", "b")


def test_a_long_hostile_text_is_read_in_one_pass() -> None:
    found = counts("let me " * 40_000 + "x " * 40_000 + "step " * 40_000)
    assert found[VERIFICATION] == 0


def test_bad_input_is_refused_with_a_sentence() -> None:
    with pytest.raises(DataError, match="no markers of 'dreaming'"):
        counts("", ["dreaming"])
    with pytest.raises(DataError, match="no text"):
        rates([])
    with pytest.raises(DataError, match="at least two"):
        centroids({"a": ["x"]})
    assert set(STYLES) < set(MARKERS)
