"""The world: pure functions of a seed, exact plans, splits that cannot meet."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkwell.lab.world import DEFAULT_MIX, LARGEST, LEVELS, TRAPS, Ref, apply, canonical, default_mix, generate, split_of

seeds = st.integers(0, 2**48)
levels = st.sampled_from(list(LEVELS))
splits = st.sampled_from(["train", "test"])


@given(seeds, levels, splits)
@settings(deadline=None, max_examples=60)
def test_a_problem_is_a_pure_function_of_its_seed_level_and_split(seed, level, split):
    assert generate(seed, level, split) == generate(seed, level, split)


@given(seeds, levels)
@settings(deadline=None, max_examples=60)
def test_every_value_follows_from_the_plan_and_stays_in_range(seed, level):
    problem = generate(seed, level, "train")
    values: list[int] = []
    for step in problem.plan:
        left, right = (values[x.step] if isinstance(x, Ref) else x for x in (step.left, step.right))
        values.append(apply(step.op, left, right))
        assert values[-1] == step.value
        assert 0 <= step.value <= LARGEST
        if step.op == "/":
            assert left == step.value * right
    assert problem.answer == values[-1]
    assert len(problem.plan) == level + 2


@given(seeds, levels)
@settings(deadline=None, max_examples=60)
def test_a_misreading_gives_another_value_than_the_gold_one(seed, level):
    problem = generate(seed, level, "train")
    for step in problem.plan:
        if step.misread:
            assert step.trap in TRAPS
            assert step.misread.value != step.value


def test_train_and_test_never_share_a_canonical_form():
    forms = {
        split: {canonical(p.plan, p.distractors) for s in range(150) for level in (1, 2, 5) for p in [generate(s, level, split)]}
        for split in ("train", "test")
    }
    assert not forms["train"] & forms["test"]
    assert all(split_of(form) == split for split, found in forms.items() for form in found)


def test_a_test_problem_keeps_its_split_whatever_the_wording():
    first = generate(3, 4, "test")
    assert split_of(canonical(first.plan, first.distractors)) == "test"
    assert first.name not in canonical(first.plan, first.distractors)


def test_every_number_of_the_plan_is_in_the_question():
    for seed in range(40):
        problem = generate(seed, 6, "train")
        numbers = set(re.findall(r"\d+", problem.question))
        read = {str(x) for step in problem.plan for x in (step.left, step.right) if isinstance(x, int) and x > 5}
        assert read <= numbers


def test_the_default_mix_has_traps_in_about_a_third_of_its_problems_and_rarely_two():
    problems = default_mix(600, 1)
    trapped = sum(bool(p.traps) for p in problems) / 600
    assert 0.28 <= trapped <= 0.45
    assert sum(len(p.traps) > 1 for p in problems) / 600 < 0.06
    assert {p.level for p in problems} == set(DEFAULT_MIX)
    assert all(p.split == "test" for p in problems)
    assert default_mix(5, 1) == problems[:5]


def test_every_kind_of_trap_occurs():
    seen = {trap for seed in range(1200) for trap in generate(seed, 5, "train").traps}
    assert seen == set(TRAPS)


@pytest.mark.parametrize(("level", "split"), [(0, "test"), (11, "train"), (3, "validation")])
def test_an_unknown_level_or_split_is_refused(level, split):
    with pytest.raises(ValueError, match="expected"):
        generate(0, level, split)
