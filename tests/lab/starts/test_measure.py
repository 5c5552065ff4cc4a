"""What is measured of a starting point, on texts made by hand."""

import random
from collections import Counter

from thinkwell.lab.sample import Sample
from thinkwell.lab.starts.measure import is_right, marked, reads_right
from thinkwell.lab.starts.traces import tricky
from thinkwell.lab.trace import Style, write
from thinkwell.lab.world import generate


def test_a_phrase_is_read_as_meant_exactly_where_the_trace_does_so():
    """Every kind of phrase, rightly read, misread, and misread and then taken back."""
    checked = Counter()
    for seed in range(1500):
        problem = generate(seed, 3 + seed % 3, "train")
        if not tricky(problem) or len(problem.traps) != 1:
            continue
        for misread, reread in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)):
            trace = write(problem, random.Random(seed), Style(slip=0.0, misread=misread, reread=reread))
            assert reads_right(problem, trace.text) == (not misread or bool(reread)), (problem.traps, trace.text)
        checked[problem.traps[0]] += 1
    assert len(checked) >= 7
    assert min(checked.values()) > 5


def test_a_slip_in_a_phrase_that_is_read_rightly_is_no_misreading():
    problem = next(p for seed in range(500) if (p := generate(seed, 3, "train")).traps == ("reverse_more",))
    right = [write(problem, random.Random(seed), Style(slip=1.0, misread=0.0, reflect_on_slip=0.0, recheck=0.0)).text for seed in range(20)]
    assert all(reads_right(problem, text) for text in right)


def test_an_answer_between_marks_counts_like_one_after_the_thinking():
    problem = generate(3, 3, "train")
    for text, right in (
        (f"</think>\n\n\\boxed{{{problem.answer}}}", True),
        (f"<plan>\n</plan>\n\n<answer>\\boxed{{{problem.answer}}}</answer>", True),
        (f"\\boxed{{{problem.answer}}}", False),
        (f"</think>\n\n\\boxed{{{problem.answer + 1}}}", False),
    ):
        assert is_right(problem, Sample(0, (1,), text, True)) is right
        assert not is_right(problem, Sample(0, (1,), text, False))


def test_marks_must_stand_once_and_in_order():
    assert marked("<plan>\nx</plan>\n\n<answer>7</answer>", "plan", False)
    assert marked("x</think>\n\n<answer>7</answer>", "think", True)
    assert not marked("<answer>7</answer> <plan>x</plan>", "plan", False)
    assert not marked("<plan>x<plan></plan><answer>7</answer>", "plan", False)
    assert not marked("<plan>x</plan> 7", "plan", False)
