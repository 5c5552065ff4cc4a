"""How skills are measured: the statistics against numbers worked out by hand, the readers of stickers against the world."""

import random

import pytest

from thinkwell.lab import world
from thinkwell.lab.card import Vote
from thinkwell.lab.skills import sift
from thinkwell.lab.skills.conversation import Solution
from thinkwell.lab.skills.measure import balanced, base, is_faulty, operations, readings_of, value_of
from thinkwell.lab.trace import GOLD, NATURAL, gold_trace, write
from thinkwell.methods.wording.sift import read_sticker


def test_balanced_accuracy_does_not_profit_from_saying_always_the_same():
    truths = [True] * 8 + [False] * 2
    assert balanced(truths, [True] * 10)["balanced_accuracy"] == 0.5
    facts = balanced(truths, [True] * 6 + [None] * 2 + [False, True])
    assert (facts["right_kept"], facts["wrong_found"], facts["balanced_accuracy"], facts["unreadable"]) == (0.75, 0.5, 0.625, 0.2)


def test_where_one_kind_is_missing_nothing_is_balanced():
    assert balanced([True], [True])["balanced_accuracy"] is None
    assert balanced([], [])["n"] == 0


def test_the_change_of_solving_is_paired_by_problem():
    before = [Vote((1, 2), (1.0, 1.0), 1), Vote((3, 3), (1.0, 1.0), 3)]
    after = [Vote((1, 1), (1.0, 1.0), 1), Vote((3, None), (1.0, 1.0), 3)]
    facts = base({"policy": before, "skills": after}, 2)
    assert (facts["policy"]["pass_at_1"], facts["skills"]["pass_at_1"]) == (0.75, 0.75)
    assert facts["change_of_pass_at_1"]["mean"] == 0.0
    assert facts["change_of_maj_at_2"]["mean"] == 0.25  # a tie broken for the better
    assert facts["skills"]["unreadable"] == 0.25


def test_a_condition_is_what_it_says_to_do():
    assert operations(["Ann starts with 5 apples.", "Ann gets 7 more: it + 7.", "Now Ann has it + that."]) == ("5", "it + 7", "it + that")


@pytest.mark.parametrize("seed", range(40))
def test_the_value_of_a_sticker_is_what_a_trace_of_it_gives(seed):
    problem = world.generate(seed, 1 + seed % 10, "train")
    readings = sift.read(problem, random.Random(seed))
    sticker = sift.sticker(problem, readings)
    assert value_of(sticker) == write(problem, random.Random(0), GOLD, readings).answer
    assert operations(read_sticker(sticker).conditions) in readings_of(Solution(problem, gold_trace(problem).text))


def test_a_fault_is_no_reading():
    seen = set()
    for seed in range(60):
        problem = world.generate(seed, 5, "train")
        solution = Solution(problem, write(problem, random.Random(seed), NATURAL).text)
        one = sift.fix_sticker(random.Random(seed), solution)
        shown = read_sticker(one.turns[0].partition("\n\n")[2])
        faulty = is_faulty(solution, one)
        assert faulty or operations(shown.conditions) in readings_of(solution)
        seen.add(faulty)
    assert seen == {True, False}
