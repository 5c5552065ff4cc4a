"""Solutions to judge: exact truth, the skill's own words, verdicts read as the method reads them, ProcessBench's score."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest
import torch

from tests.training.small import engine, sample, writer
from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.core.path import Origin
from thinkwell.lab import judged as lab
from thinkwell.lab.labels import first_wrong_step
from thinkwell.training.rewards.flexive import UNPARSED
from thinkwell.training.verification import Solutions, Verify, judged, located, measure_verifier, read_solutions, to_judge

STEPS = ["Ann starts with 5 apples.", "Ann gets 3 more: 5 + 3 = 9.", "Ann has 9 apples. \\boxed{9}"]


def test_the_question_is_the_skills_own_turn_and_the_reference_the_first_wrong_paragraph() -> None:
    problem = to_judge("p", "How many?", STEPS, 1, "lab")
    assert problem.question.startswith("How many?\n\nStep 1: Ann starts with 5 apples.\n\nStep 2:")
    assert problem.question.endswith("Now find the first wrong step.")
    assert problem.reference == "1"
    assert to_judge("p", "How many?", STEPS, None, "lab").reference == "-1"
    assert "<paragraph_2>" in to_judge("p", "How many?", STEPS, None, "reasoning").question


def test_solutions_are_a_function_of_the_position_with_exact_truth() -> None:
    source = Solutions((2, 3), seed=4)
    assert source.at(7) == source.at(7) != source.at(8)
    wrong = [int(source.at(i).meta["first_wrong"]) >= 0 for i in range(120)]
    assert 0.35 < sum(wrong) / 120 < 0.65
    rng = random.Random(1)
    for kind in (True, False):
        made, parts = lab.solution(rng, (3,), wrong=kind)
        assert (first_wrong_step(made.problem, made.text) is not None) is kind
        assert len(parts) == len(made.steps)
        assert made.problem.split == "train"


def test_all_or_none_of_the_solutions_can_be_wrong() -> None:
    assert all(int(Solutions((2,), wrong_share=1.0).at(i).meta["first_wrong"]) >= 0 for i in range(20))
    assert all(Solutions((2,), wrong_share=0.0).at(i).reference == "-1" for i in range(20))
    with pytest.raises(ConfigError, match="share"):
        Solutions((2,), wrong_share=1.5)
    with pytest.raises(ConfigError, match="levels"):
        Solutions((11,))


def test_solutions_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "solutions.jsonl"
    rows = [
        {"question": "Q", "steps": STEPS, "error": 1},
        {"question": "R", "steps": STEPS, "error": None},
        {"question": "S", "steps": STEPS, "error": -1},
    ]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    problems = read_solutions(file, "lab", 0)
    assert problems.held_out(5) == []
    file.write_text("\n")
    with pytest.raises(DataError, match="no solution"):
        read_solutions(file, "lab", 0)
    assert sorted(problems.at(i).reference or "" for i in range(3)) == ["-1", "-1", "1"]
    for broken in (
        {"question": "Q", "steps": STEPS},
        {"question": "Q", "steps": STEPS, "error": 3},
        {"question": "Q", "steps": [], "error": None},
        5,
    ):
        file.write_text(json.dumps(rows[0]) + "\n" + json.dumps(broken))
        with pytest.raises(DataError, match="line 2"):
            read_solutions(file, "lab", 0)


@pytest.mark.parametrize(
    ("said", "predicted", "value"),
    [
        ("</think>\n\nStep 2 is wrong: 5 + 3 = 8.", 1, VerdictValue.CORRECT),
        ("</think>\n\nStep 1 is wrong.", 0, VerdictValue.WRONG),
        ("</think>\n\nAll correct.", -1, VerdictValue.WRONG),
        ("</think>\n\nStep 4 is wrong.", UNPARSED, VerdictValue.NO_ANSWER),
        ("</think>\n\nhm", UNPARSED, VerdictValue.NO_ANSWER),
        ("Step 2 is wrong.", UNPARSED, VerdictValue.NO_ANSWER),
    ],
)
def test_what_a_verification_says(said: str, predicted: int, value: VerdictValue) -> None:
    from dataclasses import replace

    found = judged(replace(sample(said), problem=to_judge("p", "Q", STEPS, 1, "lab")), "lab", "</think>")
    assert (found.meta["predicted"], found.meta["target"]) == (predicted, 1)
    assert found.verdict is not None
    assert found.verdict.value is value


def test_verifications_are_asked_with_the_thinking_closed() -> None:
    by = engine()

    async def run() -> None:
        source = Solutions((1,))
        samples = await Verify("lab", 2, 2).collect(writer(by, 12), lambda n: [source.at(i) for i in range(n)])
        assert len(samples) == 4
        for one in samples:
            prompt, opening, own = one.path.segments
            assert (opening.text, opening.origin) == ("</think>\n\n", Origin.INJECTED)
            assert prompt.text.endswith("<think>\n")
            assert sum(one.mask()) == own.n_tokens
            assert one.judged
        await by.aclose()

    asyncio.run(run())


def test_the_score_is_the_harmonic_mean_of_both_kinds_of_solution() -> None:
    predicted = torch.tensor([-1, -1, 0, UNPARSED, 2, 1, -1, 3])
    target = torch.tensor([-1, -1, -1, -1, 2, 0, 1, 3])
    found = located(predicted, target, torch.full((8,), 5))
    assert (found.right, found.wrong, found.flagged, found.unread, found.tokens) == (0.5, 0.5, 0.75, 0.125, 5.0)
    assert found.f1 == 0.5
    assert located(torch.tensor([0, 0]), torch.tensor([-1, 0]), torch.tensor([1, 1])).f1 == 0.0
    with pytest.raises(ConfigError, match="one kind"):
        located(torch.tensor([0]), torch.tensor([0]), torch.tensor([1]))


def test_a_model_that_says_nothing_readable_scores_zero() -> None:
    by = engine()
    source = Solutions((1,), test=True)

    async def run() -> None:
        from tests.training.small import LAB

        found = await measure_verifier(by, LAB, [source.at(i) for i in range(6)], max_tokens=6)
        assert (found.f1, found.unread, found.n) == (0.0, 1.0, 6)
        await by.aclose()

    asyncio.run(run())
