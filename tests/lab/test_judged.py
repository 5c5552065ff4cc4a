"""Solutions and steps to judge: their truth is that of the world's labels, and what is asked and read is the methods' own wording."""

from __future__ import annotations

import random

import pytest

from thinkwell.lab import judged
from thinkwell.lab.labels import first_wrong_step
from thinkwell.methods.wording.critic_guided import WORDINGS as CRITIC
from thinkwell.methods.wording.solve_detect_verify import WORDINGS as VERIFIER


def test_solutions_are_right_or_wrong_as_asked() -> None:
    rng = random.Random(0)
    for wrong in (True, False, True, False):
        made, parts = judged.solution(rng, (2, 4), wrong=wrong)
        assert (first_wrong_step(made.problem, made.text) is not None) is wrong
        assert len(parts) == len(made.steps)
        assert made.problem.level in (2, 4)
    assert judged.solution(rng, (3,), "test")[0].problem.split == "test"


def test_a_natural_critique_says_the_truth_in_the_lab_s_words() -> None:
    rights = []
    for seed in range(60):
        made = judged.natural_critique(random.Random(seed), (4,))
        assert made is not None
        rights.append(made.right)
        assert judged.read_label("lab", made.reply, "") is made.right
        assert "Now check step" in made.messages[0]["content"]
    assert 15 < sum(rights) < 55


@pytest.mark.parametrize("kind", ["lab", "reasoning", "instruct"])
def test_what_is_asked_is_the_methods_wording(kind: str) -> None:
    assert judged.verification(kind, "Q", ["a", "b"]) == VERIFIER[kind].verification("Q", ["a", "b"], slow=False)
    assert judged.criticism(kind, "Q", ["a", "b"]) == CRITIC[kind].messages("Q", ["a", "b"])
    assert judged.finished(kind) == VERIFIER[kind].finished


@pytest.mark.parametrize(
    ("kind", "reply", "close", "error"),
    [
        ("lab", "</think>\n\nStep 2 is wrong.", "</think>", 1),
        ("lab", "</think>\n\nAll correct.", "</think>", -1),
        ("lab", "Step 2 is wrong.", "</think>", None),
        ("reasoning", "...</think>\n\\boxed{1}", "</think>", 1),
        ("instruct", "\\boxed{-1}", "", -1),
        ("instruct", "\\boxed{7}", "", None),
    ],
)
def test_verdicts_are_read_in_every_wording(kind: str, reply: str, close: str, error: int | None) -> None:
    assert judged.read_error(kind, reply, 2, close) == error


def test_labels_that_cannot_be_read_are_none() -> None:
    assert judged.read_label("instruct", "<Answer>Correct</Answer>", "") is True
    assert judged.read_label("instruct", "<Answer>Incorrect</Answer>", "") is False
    assert judged.read_label("lab", "Answer: correct. Answer: incorrect", "") is None
    assert judged.read_label("lab", "hm", "") is None
