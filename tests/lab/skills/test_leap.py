"""The oracle of LeaP's skills: what it sums up, when it puts a step right, what the filter keeps."""

import random
import re
from dataclasses import replace

import pytest

from thinkwell.lab.labels import boxed, label, solvable
from thinkwell.lab.skills.leap import LAB, agreed, corrected, found, gold, keep, shown, standing, summary, write_talk
from thinkwell.lab.trace import GOLD, NATURAL, gold_trace, write, write_on
from thinkwell.lab.world import LabProblem, Ref, Step, apply, generate


def count(text: str) -> int:
    return len(text.split())


def problem() -> LabProblem:
    """12, 12 + 5 = 17, 17 - 3 = 14, 14 * 2 = 28."""
    steps = [("=", 0, 12), ("+", Ref(0), 5), ("-", Ref(1), 3), ("*", Ref(2), 2)]
    says = ["Ann starts with {x} pens.", "Add 5: {x}.", "Take off 3: {x}.", "Double it: {x}."]
    values, plan = [], []
    for (op, left, right), say in zip(steps, says, strict=True):
        values.append(apply(op, values[-1] if values else 0, right))
        plan.append(Step(op, left, right, values[-1], say, True))
    return LabProblem("x", 3, "train", "?", tuple(plan), (), 28, "Ann", "pens")


RIGHT = "Ann starts with 12 pens.\n\nAdd 5: 12 + 5 = 17.\n\nTake off 3: 17 - 3 = 14.\n\n"
WRONG = RIGHT.replace("14", "15")
SHORT = "Ann starts with 12 pens.\n\nAdd 5: 12 + 5 = 17.\n\n"


def test_a_summary_lists_what_the_path_stands_by():
    assert summary(standing(problem(), RIGHT)) == " 12, 12 + 5 = 17, 17 - 3 = 14.\n\n"
    assert summary(standing(problem(), SHORT + "Wait, let me check. 12 + 5 = 17. Yes.\n\n")) == " 12, 12 + 5 = 17.\n\n"


def test_what_was_taken_back_is_left_out_and_what_followed_from_it_too():
    late = WRONG + "Double it: 15 * 2 = 30.\n\nLet me check it all again. I made a mistake: 17 - 3 = 14.\n\n"
    assert summary(standing(problem(), late)) == " 12, 12 + 5 = 17, 17 - 3 = 14.\n\n"


def test_a_step_is_put_right_when_a_peer_has_it_right():
    mine, good, short, bad = (standing(problem(), text) for text in (WRONG, RIGHT, SHORT, WRONG))
    assert found(problem(), mine, [short, good]) == 2
    assert found(problem(), mine, [short]) is None  # nobody has come to it
    assert found(problem(), mine, [bad]) is None  # nobody has it right
    assert found(problem(), good, [bad, bad]) is None  # a majority of wrong comments changes nothing
    assert corrected(problem(), 2) == " that is wrong: 17 - 3 = 14.\n\n"
    assert agreed(good) == " 17 - 3 = 14. Yes.\n\n"


def test_only_the_first_wrong_step_counts():
    """Both steps are wrong; the peer has the later one right, but that is of no use."""
    mine = standing(problem(), WRONG.replace("12 + 5 = 17", "12 + 5 = 18").replace("17 - 3", "18 - 3"))
    assert found(problem(), mine, [standing(problem(), RIGHT)]) == 1
    assert found(problem(), mine, [{2: gold(problem(), 2)}]) is None


def tempted() -> tuple[LabProblem, str, str]:
    """A problem with a tempting distractor, a trace that adds it in, and one that does not."""
    for seed in range(400):
        p = generate(seed, 4, "train")
        if any(d.tempting for d in p.distractors):
            bad = write(p, random.Random(0), replace(GOLD, misread=1.0))
            at = next(i for i, line in enumerate(bad.lines) if line.kind == "tempted")
            return p, "".join(line.text + "\n\n" for line in bad.lines[: at + 1]), gold_trace(p).thinking
    raise AssertionError("no such problem")


def test_a_distractor_added_in_stands_in_the_summary_and_is_found_by_one_who_went_on_without_it():
    p, bad, good = tempted()
    mine, theirs = standing(p, bad), standing(p, good)
    at = max(mine)
    assert at != int(at)
    assert shown(mine[at]) in summary(mine)
    if int(at) + 1 < len(p.plan):
        assert found(p, mine, [theirs]) == int(at)
    assert found(p, mine, [standing(p, bad)]) is None


@pytest.mark.parametrize("seed", range(60))
def test_after_a_correction_the_problem_is_solvable_again(seed):
    """Checked by the labels, which read the path's own words: frames and summaries taken out, the bridge left in."""
    p = generate(seed, 3 + seed % 6, "train")
    trace = write_talk(p, random.Random(seed), blocks=2)
    own = ""
    for piece in trace.pieces:
        if piece.text in trace.summaries or piece.text == LAB.openings[0]:
            continue
        own += LAB.bridge if piece.text.startswith("[ comments:") else "" if piece.text == LAB.nobody else piece.text
        if piece.text.startswith(" that is wrong:"):
            assert solvable(p, own)
            assert label(p, own)[-1].right
    assert boxed(own) == trace.answer == boxed(trace.text)


@pytest.mark.parametrize("seed", range(20))
def test_what_the_model_learns_is_what_the_model_writes(seed):
    p = generate(seed, 5, "train")
    trace = write_talk(p, random.Random(seed))
    put_in = [piece.text for piece in trace.pieces if not piece.learn]
    learnt = "".join(piece.text for piece in trace.pieces if piece.learn)
    assert "".join(piece.text for piece in trace.pieces) == trace.text
    assert put_in[0::2] == ["Summary:"] * len(trace.summaries)
    assert all(text == LAB.nobody or text.endswith(LAB.bridge) for text in put_in[1::2])
    assert "[" not in learnt
    assert "peer" not in learnt
    assert all(re.fullmatch(r" [0-9+*/=, -]+\.\n\n", text) for text in trace.summaries)
    assert write_talk(p, random.Random(seed)) == trace


def test_the_filter_keeps_right_answers_with_short_summaries():
    p = problem()
    trace = write_talk(p, random.Random(3), GOLD)
    assert trace.answer == 28
    assert keep(trace, p, count)
    assert not keep(replace(trace, answer=27), p, count)
    longest = max(map(count, trace.summaries))
    assert keep(trace, p, count, most=longest + 1)
    assert not keep(trace, p, count, most=longest)  # "less than"


def test_comments_are_used_and_the_filter_bites():
    """Of natural traces about a third is put right by a comment, and most, not all, are kept."""
    pairs = [(p := generate(seed, 3 + seed % 6, "train"), write_talk(p, random.Random(seed), NATURAL, 2)) for seed in range(300)]
    assert 60 < sum("comments: that is wrong" in trace.text for _, trace in pairs) < 150
    assert 180 < sum(keep(trace, p, count) for p, trace in pairs) < 270


def test_a_trace_can_go_on_from_anywhere():
    trace = write_on(problem(), {0: 12, 1: 18}, 2, random.Random(0), GOLD)
    assert [line.text for line in trace.lines] == ["Take off 3: 18 - 3 = 15.", "Double it: 15 * 2 = 30."]
    assert trace.answer == 30
