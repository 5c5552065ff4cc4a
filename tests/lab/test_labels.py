"""Labels: exact for written traces, for cut ones, and harmless on hostile text."""

import random
import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from thinkwell.lab.labels import boxed, first_wrong_step, is_reflection, label, optimal_length, solvable, split_steps
from thinkwell.lab.trace import GOLD, Style, gold_trace, write
from thinkwell.lab.world import LEVELS, LabProblem, Step, generate

problems = st.builds(generate, st.integers(0, 2**48), st.sampled_from(list(LEVELS)), st.just("train"))
quick = settings(deadline=None, max_examples=80)


def plain(seed: int, level: int) -> LabProblem:
    """The first problem from this seed on without traps or distractors."""
    return next(p for s in range(seed, seed + 1000) for p in [generate(s, level, "train")] if not p.distractors and not p.traps)


def trapped(trap: str) -> LabProblem:
    """A problem with exactly this trap."""
    return next(p for s in range(5000) for p in [generate(s, 3, "train")] if p.traps == (trap,))


@given(problems)
@quick
def test_a_gold_trace_has_no_wrong_step_and_stays_solvable(problem):
    labels = label(problem, gold_trace(problem).text)
    assert first_wrong_step(problem, gold_trace(problem).text) is None
    assert all(step.solvable for step in labels)
    assert [step.plan for step in labels[: len(problem.plan)]] == list(range(len(problem.plan)))


@given(problems, st.integers(0, 2**32))
@quick
def test_the_end_of_any_written_trace_is_solvable_exactly_when_its_answer_is_right(problem, seed):
    trace = write(problem, random.Random(seed))
    assert label(problem, trace.text)[-1].solvable == (trace.answer == problem.answer)
    assert boxed(trace.text) == trace.answer


@given(problems, st.integers(0, 2**32))
@quick
def test_checks_are_reflections_that_change_nothing(problem, seed):
    trace = write(problem, random.Random(seed))
    for line, step in zip(trace.lines, label(problem, trace.text), strict=False):
        assert step.text == line.text + "\n\n"
        assert step.reflection == (line.kind in ("check", "recheck", "correction"))
        if line.kind in ("check", "recheck"):
            assert not step.changes


@given(st.integers(0, 10_000), st.data())
@quick
def test_a_planted_slip_is_the_first_wrong_step_and_a_correction_mends_it(seed, data):
    problem = plain(seed, 4)
    index = data.draw(st.sampled_from([i for i, s in enumerate(problem.plan) if s.op != "="]))
    lines = [line.text for line in gold_trace(problem).lines]
    value = problem.plan[index].value
    slipped = re.sub(rf"= {value}(?!\d)", f"= {value + 1}", lines[index])
    assume(slipped != lines[index])
    bad = "\n\n".join([*lines[:index], slipped]) + "\n\n"
    assert first_wrong_step(problem, bad) == index
    if all(step.op != "/" for step in problem.plan[index + 1 :]):  # a division that rounds down can swallow a slip
        assert not solvable(problem, bad)
    expression = re.search(r"\d+ . \d+ = \d+", lines[index])
    assert expression
    mended = bad + f"Wait, that is wrong: {expression[0]}.\n\n"
    assert solvable(problem, mended)
    assert label(problem, mended)[-1].changes
    assert first_wrong_step(problem, mended) == index


def test_every_misreading_is_labelled_wrong_and_ruins_the_problem():
    for trap in ("every_second", "reverse_more", "reverse_fewer", "reverse_twice", "reverse_half", "all_but", "half_again", "in_all"):
        problem = trapped(trap)
        trace = write(problem, random.Random(0), Style(slip=0, misread=1, reread=0, reflect=0, recheck=0))
        wrong = next(i for i, line in enumerate(trace.lines) if line.kind == "misread")
        assert first_wrong_step(problem, trace.text) == wrong, trap
        assert label(problem, trace.text)[-1].solvable == (trace.answer == problem.answer)


def test_a_distractor_added_in_is_wrong_until_it_is_taken_back():
    problem = trapped("distractor")
    trace = write(problem, random.Random(0), Style(slip=0, misread=1, reread=1, reflect=0, recheck=0))
    labels = label(problem, trace.text)
    index = next(i for i, line in enumerate(trace.lines) if line.kind == "tempted")
    assert labels[index].right is False
    assert not labels[index].solvable
    assert labels[index + 1].reflection
    assert labels[index + 1].changes
    assert labels[index + 1].solvable


def test_left_out_side_calculations_are_no_mistake():
    problem = next(p for s in range(500) for p in [generate(s, 1, "train")] if p.plan[1].op == "*" and p.plan[2].op == "+" and not p.traps)
    start, side, total = (s.value for s in problem.plan)
    text = f"We have {start}.\n\nThat makes {start} + {side} = {total}.\n\n"
    assert first_wrong_step(problem, text) is None
    assert solvable(problem, text)
    assert optimal_length(problem, text) == 0


def test_closing_the_thinking_before_the_end_leaves_nothing_solvable():
    problem = plain(0, 4)
    prefix = "".join(line.text + "\n\n" for line in gold_trace(problem).lines[:2])
    assert solvable(problem, prefix)
    assert not solvable(problem, prefix + "</think>\n\n")
    assert solvable(problem, prefix + f"</think>\n\nSo. \\boxed{{{problem.answer}}}")


@given(problems)
@quick
def test_the_optimal_length_counts_down_along_the_gold_trace(problem):
    lines = [line.text for line in gold_trace(problem).lines]
    for done in range(len(lines) + 1):
        assert optimal_length(problem, "".join(t + "\n\n" for t in lines[:done])) == len(lines) - done


pieces = st.sampled_from(
    [
        "5 + 3 = 8",
        "9 / 0 = 3",
        "999999 * 999999 = 1",
        "0000012",
        "Wait, ",
        "</think>",
        "\n\n",
        "\\boxed{",
        "\\boxed{7}",
        "}",
        "= = =",
        "٣ + ٤ = ٧",
        "wrong",
    ]
)


@given(st.integers(0, 300), st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=30))
@quick
def test_any_text_gets_labels_that_join_to_it(seed, parts):
    text = "".join(parts)
    labels = label(generate(seed, 1 + seed % 10, "train"), text)
    assert "".join(step.text for step in labels) == text
    assert "".join(split_steps(text)) == text


def test_endless_text_is_read_in_bounds():
    problem = generate(0, 10, "train")
    assert len(label(problem, "1 + 1 = 2\n\n" * 100_000)) < 3000
    assert label(problem, "9" * 1_000_000)[0].statement is None
    assert label(problem, "1 + 1 = 2, " * 100_000)[0].right is False


def test_words_that_only_begin_like_a_reflection_are_none():
    assert is_reflection("Wait, let me check.")
    assert not is_reflection("Waiters carry 3 cups.")


def test_the_boxed_answer_counts_only_after_the_thinking():
    assert boxed("a \\boxed{3} </think>\n\n\\boxed{4} \\boxed{5}") == 5
    assert boxed("a \\boxed{3}") is None
    assert boxed("</think>\n\n\\boxed{x}") is None


def test_the_gold_style_plants_nothing():
    assert all(line.kind == "step" for s in range(30) for line in write(generate(s, 7, "train"), random.Random(s), GOLD).lines)
    assert isinstance(generate(0, 1).plan[0], Step)
