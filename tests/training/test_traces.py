"""Supervised rows: pure functions of seed and step, the loss on what the model learns to write alone."""

from __future__ import annotations

import random

import pytest

from tests.training.small import LAB, tokenizer
from thinkwell.core.errors import ConfigError, ModelError
from thinkwell.lab.labels import boxed
from thinkwell.lab.tokenizer import END, THINK
from thinkwell.lab.trace import GOLD, Style
from thinkwell.lab.world import split_of
from thinkwell.training.traces import Lesson, Lessons, drawn, encode, solving


def test_the_loss_is_on_the_reply_and_its_end_alone() -> None:
    ids, flags = encode(tokenizer(), LAB, Lesson(({"role": "user", "content": "Ann has 5 apples."},), " that is 5.", given="Ann"))
    learnt = tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if flag])
    shown = tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if not flag])
    assert learnt == " that is 5." + END
    assert shown.endswith(f"{THINK}\nAnn")
    assert len(ids) == len(flags)


def test_rows_are_a_function_of_seed_and_step() -> None:
    def rows(seed: int, step: int) -> list[tuple[list[int], list[bool]]]:
        return Lessons(tokenizer(), LAB, solving(LAB, (1, 2), GOLD, right_only=True), seed, "test", 4)(step)

    assert rows(1, 3) == rows(1, 3)
    assert rows(1, 3) != rows(1, 4)
    assert rows(1, 3) != rows(2, 3)
    assert len(rows(1, 3)) == 4


def test_only_right_traces_are_lessons_where_asked() -> None:
    careless = Style(slip=0.6, reflect_on_slip=0, recheck=0, reflect=0)
    wrong = 0
    rng, again = random.Random(5), random.Random(5)
    for _ in range(40):
        free = solving(LAB, (2,), careless, right_only=False)(rng)
        kept = solving(LAB, (2,), careless, right_only=True)(again)
        assert free is not None
        assert kept is None or kept == free
        wrong += kept is None
    assert wrong > 0


def test_problems_are_never_of_the_test_split() -> None:
    from thinkwell.lab.world import canonical

    for seed in range(50):
        problem = drawn(random.Random(seed), (1, 2, 3))
        assert split_of(canonical(problem.plan, problem.distractors)) == "train"


def test_a_maker_that_never_gives_a_lesson_is_named() -> None:
    with pytest.raises(ConfigError, match="nothing"):
        Lessons(tokenizer(), LAB, lambda rng: None, 0, "nothing")(0)


def test_a_tokenizer_without_a_chat_template_is_refused() -> None:
    class Bare:
        chat_template = None
        eos_token = "x"

    with pytest.raises(ModelError, match="chat template"):
        encode(Bare(), LAB, Lesson((), "a"))


def test_a_gold_trace_ends_in_the_answer() -> None:
    lesson = solving(LAB, (3,), GOLD, right_only=True)(random.Random(1))
    assert lesson is not None
    assert boxed(lesson.reply) is not None
