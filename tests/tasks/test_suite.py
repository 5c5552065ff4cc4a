"""thinkwell-Eval: its items, its averages worked out by hand, reference players, answers from files; and the gallery."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.dom.minidom import parseString

import pytest

from thinkwell.answers.grade import grade_problem
from thinkwell.core.errors import ConfigError, DataError, UnknownName
from thinkwell.tasks import TASKS, gallery, suite
from thinkwell.tasks._greedy import HEURISTICS, answer
from thinkwell.tasks.puzzle import Item, is_test, load, puzzle_of
from thinkwell.tasks.validate import recognise

NAMES = ["games/ottt", "games/sttt", "puzzles/countdown"]


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(suite.make(3, NAMES))


def test_the_set_is_fixed_round_robin_and_of_the_test_part(items: list[Item]) -> None:
    cells = [(name, level) for name in NAMES for level in ("easy", "medium", "hard")]
    assert [(item.task, item.level) for item in items] == cells * 3
    assert items == list(suite.make(3, NAMES, workers=2))
    assert items[:18] == list(suite.make(2, NAMES))  # a smaller set is the beginning of a larger one
    assert all(is_test(item.canonical) for item in items)
    assert len({(item.task, item.canonical) for item in items}) == 27
    assert suite.digest(items) == suite.digest(list(items)) != suite.digest(items[::-1])
    assert items[0] == load("games/ottt", "easy", split="test").item(suite.SEED, 0)


def test_where_a_level_has_few_positions_other_wordings_of_them_fill_it() -> None:
    found = suite.cell_items(("games/ottt", "hard"), 20)
    assert len(found) == len({item.prompt for item in found}) == 20
    boards = len({item.canonical for item in found})
    assert boards == len({item.canonical for item in found[:boards]}) == 9  # tic-tac-toe has no more forks in its test part, up to symmetry


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(ConfigError, match="n=0"):
        suite.make(0)
    with pytest.raises(UnknownName, match="games/ottt"):
        suite.make(1, ["games/oott"])


def test_a_file_of_the_set_reads_back_and_is_a_task(items: list[Item], tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    assert suite.write(items, file) == 27
    assert suite.read(file) == items
    problems = TASKS.get("thinkwell_eval").load(file)
    assert [problem.id for problem in problems] == [item.id for item in items]
    assert all(grade_problem(f"```\n{item.answer}\n```", problem).correct for item, problem in zip(items, problems, strict=True))
    from thinkwell.tasks.rows import read_rows

    assert getattr(recognise(file, read_rows(file)[0]), "name", None) == "thinkwell_eval"  # not the first item's puzzle


def test_a_set_of_another_version_or_with_a_broken_line_is_refused(items: list[Item], tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    rows: list[dict[str, Any]] = [{**item.as_dict(), "suite": suite.VERSION} for item in items[:3]]

    def write(*lines: dict[str, Any]) -> Path:
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return file

    with pytest.raises(DataError, match=r"line 2 is of thinkwell-eval@0"):
        suite.read(write(rows[0], {**rows[1], "suite": "thinkwell-eval@0"}))
    with pytest.raises(DataError, match=r"line 2 lacks answer, meta"):
        suite.read(write(rows[0], {**rows[1], "answer": 3, "meta": None}))
    for broken in ({}, {**rows[0]["meta"], "solutions": ["?"]}, {**rows[0]["meta"], "solutions": 7}):
        with pytest.raises(DataError, match=r"line 1 holds facts by which its own answer is not right"):
            suite.read(write({**rows[0], "meta": broken}))
    with pytest.raises(UnknownName):
        suite.read(write({**rows[0], "task": "puzzles/nothing"}))
    with pytest.raises(DataError, match="twice"):
        suite.read(write(rows[0], rows[0]))
    with pytest.raises(DataError, match="cannot be written"):
        suite.write(items, tmp_path)


def made_up(task: str, category: str, level: str, number: int) -> Item:
    return Item(task, category, level, f"{task}/{level}/{number}", "", "", "", {})


def test_micro_counts_items_and_macro_categories() -> None:
    items = [made_up("puzzles/a", "grid", "easy", n) for n in range(4)] + [made_up("puzzles/b", "grid", "hard", n) for n in range(2)]
    items += [made_up("puzzles/c", "logic", "easy", n) for n in range(2)]
    scores = {
        "puzzles/a/easy/0": 1.0,
        "puzzles/a/easy/1": 1.0,
        "puzzles/a/easy/2": 0.0,
        "puzzles/b/hard/0": 0.5,
        "puzzles/b/hard/1": 0.0,
        "puzzles/c/easy/0": 1.0,
        "puzzles/c/easy/1": 1.0,
    }
    found = suite.averages("someone", items, scores)
    assert found["missing"] == 1  # and counts as 0
    assert found["overall"]["micro"] == pytest.approx(4.5 / 8)
    assert found["overall"]["macro"] == pytest.approx(((2 / 4 + 0.5 / 2) / 2 + 1) / 2)
    assert found["overall"]["se"] == pytest.approx((sum((x - 4.5 / 8) ** 2 for x in (1, 1, 0, 0, 0.5, 0, 1, 1)) / 7 / 8) ** 0.5)
    assert {name: part["macro"] for name, part in found["categories"].items()} == {"grid": pytest.approx(0.375), "logic": 1.0}
    assert found["levels"]["easy"] == {
        "n": 6,
        "micro": pytest.approx(4 / 6),
        "macro": pytest.approx(0.75),
        "se": pytest.approx((6 * (2 / 6) * (4 / 6) / 5 / 6) ** 0.5),
    }
    assert list(found["levels"]) == ["easy", "hard"]
    assert found["tasks"]["puzzles/a"] == {"easy": 0.5}


def test_the_solver_reaches_everything_and_chance_next_to_nothing(items: list[Item]) -> None:
    play = suite.Play(items)
    assert play.row("solver")["overall"]["micro"] == 1.0
    assert play.row("random") == play.row("random")
    assert play.row("random")["overall"]["micro"] < 0.4
    greedy = play.row("greedy")
    assert greedy["tasks"]["games/sttt"]["easy"] == 1.0  # it takes every win
    assert 0.0 < greedy["overall"]["micro"] < 1.0
    with pytest.raises(UnknownName, match="greedy"):
        play.row("gready")


@pytest.mark.parametrize("name", sorted(HEURISTICS))
def test_a_greedy_answer_has_the_right_form_and_looks_at_no_gold(name: str) -> None:
    for level in ("easy", "hard"):
        item = load(name, level).item(5, 0)
        text = answer(replace(item, answer="", prompt=""))
        assert puzzle_of(name).form_of(text) is not None, text


def test_outputs_in_a_file_are_scored_by_id(items: list[Item], tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    rows = [
        {"id": items[0].id, "output": f"```\n{items[0].answer}\n```"},
        {"id": items[0].id, "completion": "no"},
        {"id": items[1].id, "text": ""},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert suite.answered(items, file) == {items[0].id: 0.5, items[1].id: 0.0}
    assert suite.averages("m", items, suite.answered(items, file))["missing"] == 25
    assert suite.answered(items, file, thinking=True)[items[0].id] == 0.0
    file.write_text(json.dumps({"id": "puzzles/countdown/0", "output": "1"}))
    with pytest.raises(DataError, match="id of an item of this set"):
        suite.answered(items, file)
    file.write_text(json.dumps({"id": items[0].id, "answers": "1"}))
    with pytest.raises(DataError, match="none of the fields output"):
        suite.answered(items, file)


def test_the_gallery_shows_every_puzzle_drawn_or_as_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gallery.RULES, "names", lambda: ["games/cttt", "puzzles/countdown", "puzzles/sudoku"])
    page = tmp_path / "page.html"
    assert gallery.write(page) == 3
    text = page.read_text()
    assert text.index("puzzles/sudoku") < text.index("puzzles/countdown") < text.index("games/cttt")
    assert text.count("<svg ") == 2
    assert "Target: " in text
    assert gallery.write(tmp_path / "page.md", level="hard") == 3
    drawn = sorted(path.name for path in (tmp_path / "page").iterdir())
    assert drawn == ["cttt.svg", "sudoku.svg"]
    assert all(parseString((tmp_path / "page" / name).read_text()).documentElement.getAttribute("width") for name in drawn)
    assert 'src="page/sudoku.svg"' in (tmp_path / "page.md").read_text()
    with pytest.raises(DataError, match=r"\.html or \.md"):
        gallery.write(tmp_path / "page.pdf")
    with pytest.raises(DataError, match="cannot be written"):
        gallery.write(tmp_path / "nowhere" / "page.html")
