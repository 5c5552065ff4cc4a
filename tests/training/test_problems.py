"""Sources of problems of a run: puzzles and games as endless ones."""

from __future__ import annotations

import json

import pytest

from thinkwell.answers.grade import grade_problem
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.tasks import load
from thinkwell.tasks.puzzle import is_test
from thinkwell.training.problems import PuzzleProblems, read_problems
from thinkwell.training.recipe import RECIPES
from thinkwell.training.run_folder import Asked
from thinkwell.training.trainer import preset_of, problems_of


def asked(task: str, seed: int = 0) -> Asked:
    return Asked("grpo", "lab", seed, {}, task, None)


def test_a_puzzle_gives_endless_items_of_its_training_part_and_holds_out_its_test_part() -> None:
    recipe = RECIPES.get("grpo")
    source = problems_of(asked("puzzles/countdown", 3), recipe, recipe.Config())
    assert isinstance(source, PuzzleProblems)
    trained = {place: source.at(place) for place in (0, 1, 2, 3, 10**6)}
    assert trained[10**6] == source.at(10**6)
    assert len({problem.question for problem in trained.values()}) == 5
    for place, problem in trained.items():
        item = load("puzzles/countdown", str(problem.meta["level"]), split="train").item(3, place)
        assert (problem.question, problem.kind) == (item.prompt, AnswerKind.RULES)
        assert not is_test(item.canonical)
        assert grade_problem(f"```\n{item.answer}\n```", problem).correct
    held = source.held_out(12)
    assert held == PuzzleProblems("puzzles/countdown", seed=99).held_out(12)  # the same whatever the run's seed
    for problem in held:
        facts = json.loads(problem.reference or "")["meta"]
        assert is_test(f"{sorted(facts['numbers'])} {facts['target']}")
    assert {problem.meta["level"] for problem in held} == {"easy", "medium", "hard"}
    assert preset_of(asked("puzzles/countdown")).full_name == "puzzle@1"


def test_difficulty_chooses_the_levels() -> None:
    recipe = RECIPES.get("grpo")
    source = problems_of(asked("games/ottt"), recipe, recipe.Config.parse({"difficulty": "0,0,1"}, "grpo"))
    assert {problem.meta["level"] for problem in [*(source.at(i) for i in range(6)), *source.held_out(6)]} == {"hard"}
    with pytest.raises(ConfigError, match=r"three numbers.*1, 1, 1"):
        PuzzleProblems("games/ottt", (1.0, 1.0))
    with pytest.raises(ConfigError, match="one above 0"):
        PuzzleProblems("games/ottt", (0.0, 0.0, 0.0))
    with pytest.raises(UnknownName, match="games/ottt"):
        PuzzleProblems("games/otttt")


def test_a_file_of_items_is_read_as_a_list(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "items.jsonl"
    file.write_text("".join(json.dumps(load("puzzles/countdown").item(0, i).as_dict()) + "\n" for i in range(3)))
    assert [problem.question for problem in read_problems("puzzles/countdown", file, 0).problems] == [
        load("puzzles/countdown").item(0, i).prompt for i in range(3)
    ]
