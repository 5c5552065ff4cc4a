"""Files of the original's pools: both layouts of each, what is refused, and that their items are judged as any others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from thinkwell.answers.grade import grade_problem
from thinkwell.core.answer import VerdictValue
from thinkwell.core.errors import ConfigError, DataError
from thinkwell.tasks import TASKS, load
from thinkwell.tasks.pools import POOLS, read_pool
from thinkwell.tasks.validate import passed, validate

GAME = "1. f3 e5 2. g4"  # Black mates with Qh4
GRID = "[[0, 1], [2, 0]]"


def suite(task: str, answer: Any, question: str, **meta: Any) -> dict[str, Any]:
    facts = json.dumps({"question": question, "answer": answer, **meta})
    return {"prompt": f"Solve it:\n{question}", "answer": answer, "task_name": task, "ability": "logic", "language": "en", "meta": facts}


def chat(ideal: str, *lines: str) -> dict[str, Any]:
    said = [{"role": "system", "content": "Find the pattern."}, *({"role": "system", "content": line} for line in lines)]
    return {"input": [*said[:-1], {"role": "user", "content": lines[-1]}], "ideal": ideal}


CROSSWORD = suite(
    "full_crosswords",
    json.dumps({"across": ["stone", "early"], "down": ["she", "our"]}),
    "_ _ _ _ _\n_ * _ * *\n_ _ _ _ _\nacross: ...",
    difficulty_level="easy",
)
ROWS: dict[str, list[dict[str, Any]]] = {
    "puzzles/full_crosswords": [CROSSWORD],
    "puzzles/symbolic_hard": [
        suite("symbolic_hard", GRID, "[[1]] -> [[2]]\n[[3]] ->"),
        chat(GRID, "[[1, 0]] -> [[0, 1]]", "[[1, 0], [0, 2]] -> "),
    ],
    "puzzles/big_bench_symbolic": [
        suite("big_bench_symbolic", [-1, 2], "[1] -> [2]\n[3] ->"),
        suite("big_bench_symbolic", [], "[1] -> [2]\n[4] ->"),
        chat("[]", "[6] -> []", "[8] -> "),
    ],
    "puzzles/checkmate_in_one": [
        {**suite("checkmate_in_one", "Qh4#", GAME), "meta": {"question": GAME}},
        {"input": f"{GAME} ", "target": "Qh4#"},
    ],
    "puzzles/knights_and_knaves": [
        suite("knights_and_knaves", '"Unknown"', "A says: B is a knave. ..."),
        {"puzzle_text": "A says: I am a knight.", "question": "A is a knave.", "answer": "Ambiguous"},
    ],
    "puzzles/folio": [
        suite("FOLIO", "Unknown", "All cats purr. Conclusion: Tom purrs."),
        {"premises": ["All cats purr.", "Tom is a cat."], "conclusion": "Tom purrs.", "label": "True"},
    ],
}


def written(tmp_path: Path, *rows: Any, name: str = "pool.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


@pytest.mark.parametrize("name", POOLS)
def test_items_of_both_layouts_are_judged_by_the_puzzle_s_verifier(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, *ROWS[name])
    items = read_pool(name, path)
    assert [item.meta["pool"] for item in items] == ["enigmata" if "task_name" in row else "source" for row in ROWS[name]]
    task = load(name)
    for item in items:
        assert task.verify(f"```\n{item.answer}\n```", item).value == 1.0
        assert (item.task, item.category) == (name, task.category)
        assert json.loads(json.dumps(dict(item.meta))) == item.meta
    problems = TASKS.get(name).load(path)
    for problem, item in zip(problems, items, strict=True):
        assert grade_problem(f"```\n{item.answer}\n```", problem).value is VerdictValue.CORRECT
        assert grade_problem("```\nno idea\n```", problem).value is VerdictValue.WRONG
    (report,) = validate(tmp_path)
    assert (report["task"], report["items"], report["failures"]) == (
        "folio" if name == "puzzles/folio" and "premises" in ROWS[name][0] else name,
        len(items),
        [],
    )
    assert passed([report])


def test_answers_come_in_our_own_form_and_levels_where_they_are_stated() -> None:
    from thinkwell.tasks.pools import item_of
    from thinkwell.tasks.rows import Row

    def item(name: str, number: int) -> Any:
        return item_of(name, Row(ROWS[name][number], "here"))

    assert item("puzzles/full_crosswords", 0).answer == "across: STONE, EARLY\ndown: SHE, OUR"
    assert item("puzzles/full_crosswords", 0).meta["grid"] == ["_____", "_*_**", "_____"]
    assert item("puzzles/full_crosswords", 0).level == "easy"
    assert item("puzzles/symbolic_hard", 1).answer == "0 1\n2 0"
    assert [item("puzzles/big_bench_symbolic", i).answer for i in range(3)] == ["[-1, 2]", "[]", "[]"]
    assert item("puzzles/knights_and_knaves", 1).answer == "Unknown"
    assert item("puzzles/folio", 0).answer == "Uncertain"
    prompt = item("puzzles/symbolic_hard", 1).prompt
    assert "[[1, 0]] -> [[0, 1]]\n[[1, 0], [0, 2]] -> ?" in prompt
    assert "Find the pattern" not in prompt


def test_any_mate_counts_in_a_pool_s_game_and_the_paper_s_rule_wants_its_own(tmp_path: Path) -> None:
    (item,) = read_pool("puzzles/checkmate_in_one", written(tmp_path, ROWS["puzzles/checkmate_in_one"][1]))
    task = load("puzzles/checkmate_in_one")
    assert item.meta["fen"].startswith("rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b")
    assert [(task.verify(f"```\n{move}\n```", item).value, task.verify(f"```\n{move}\n```", item, "paper").value) for move in ("Qh4#", "Qh4", "d8h4", "Qg5")] == [
        (1.0, 1.0), (1.0, 0.0), (1.0, 0.0), (0.0, 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("puzzles/full_crosswords", {"prompt": "x", "answer": "y"}, "has no layout of the pool"),
        ("puzzles/full_crosswords", {**CROSSWORD, "answer": "stone, early"}, "no object with the lists across and down"),
        ("puzzles/full_crosswords", {**CROSSWORD, "answer": {"across": ["stone"], "down": ["4"]}}, "no word of letters"),
        (
            "puzzles/full_crosswords",
            {**CROSSWORD, "answer": {"across": ["stone", "early"], "down": ["the", "our"]}},
            "which is wrong: word 1 across has S",
        ),
        ("puzzles/full_crosswords", {**CROSSWORD, "meta": "{"}, "a meta that is no JSON"),
        ("puzzles/full_crosswords", {**CROSSWORD, "meta": "[1]"}, "a meta that is no object"),
        ("puzzles/symbolic_hard", chat("[[1, x]]", "[[1]] -> [[1]]", "[[1]] -> "), "cannot be read"),
        ("puzzles/symbolic_hard", chat("[[1]]", "[[1]] is [[1]]", "[[1]] -> "), "no examples"),
        ("puzzles/symbolic_hard", {"input": "[[1]]", "ideal": "[[1]]"}, "has no layout of the pool"),
        ("puzzles/big_bench_symbolic", chat("[[1]]", "[1] -> [1]", "[1] -> "), "has no layout of the pool"),
        ("puzzles/big_bench_symbolic", suite("big_bench_symbolic", "none", "[1] ->"), "cannot be read"),
        ("puzzles/checkmate_in_one", {"input": "1. f3 e5 2. g4", "target": "Qg5"}, "which is wrong: after Qg5 there is the answer"),
        ("puzzles/checkmate_in_one", {"input": "1. f3 e5 2. g9", "target": "Qh4#"}, "cannot be read"),
        ("puzzles/checkmate_in_one", suite("checkmate_in_one", "Qh4#", "no game"), "no game that begins"),
        (
            "puzzles/knights_and_knaves",
            {"puzzle_text": "x", "question": "y", "answer": "maybe"},
            "none of Entailment, Contradiction, Unknown",
        ),
        ("puzzles/folio", {"premises": ["x"], "conclusion": "y", "label": "Maybe"}, "none of True, False, Uncertain"),
        ("puzzles/folio", {"premises": ["x"], "conclusion": "y"}, "has no layout of the pool"),
    ],
)
def test_a_row_of_another_layout_is_refused_with_its_line(tmp_path: Path, name: str, row: dict[str, Any], reason: str) -> None:
    path = written(tmp_path, ROWS[name][0], row)
    for read in (lambda: read_pool(name, path), lambda: TASKS.get(name).load(path)):
        with pytest.raises(DataError, match=r"pool\.jsonl, line 2 ") as raised:
            read()
        assert reason in str(raised.value)


def test_what_has_no_pool_is_refused_and_broken_files_name_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="puzzles/sudoku has no pool; expected one of"):
        read_pool("puzzles/sudoku", tmp_path / "x.jsonl")
    with pytest.raises(DataError, match="line 2"):
        read_pool("puzzles/folio", written(tmp_path, ROWS["puzzles/folio"][1], '{"premises": ['))


def test_a_canary_stays_with_the_items(tmp_path: Path) -> None:
    path = written(tmp_path, {"canary": "never in training corpora", "examples": [ROWS["puzzles/checkmate_in_one"][1]]}, name="task.json")
    (item,) = read_pool("puzzles/checkmate_in_one", path)
    assert item.meta["canary"] == "never in training corpora"
    assert "canary" not in item.prompt


@pytest.mark.parametrize(
    ("file", "labels"),
    [
        ("folio-validation.jsonl", {"True": 72, "False": 63, "Uncertain": 69}),
        ("folio-train.jsonl", {"True": 388, "False": 286, "Uncertain": 330}),
    ],
)
def test_folio_s_own_files_are_read_whole(data: Path, file: str, labels: dict[str, int]) -> None:
    items = read_pool("puzzles/folio", data / "folio" / file)
    assert {label: sum(item.answer == label for item in items) for label in labels} == labels
    assert {item.level for item in items} == {"easy", "medium", "hard"}
    task = load("puzzles/folio")
    for item in items[:50]:
        assert task.verify(f"```\n{item.answer}\n```", item).value == 1.0
        assert task.verify("```\nTrue\n```", item).value == float(item.answer == "True")
    # the third label is spelled Unknown in one file and Uncertain in the other; both are right answers to both
    unknown = next(item for item in items if item.answer == "Uncertain")
    assert [task.verify(f"```\n{text}\n```", unknown).value for text in ("Unknown", "uncertain")] == [1.0, 1.0]


def test_the_card_s_counts_by_number_of_premises(data: Path) -> None:
    levels = [
        item.level for file in ("folio-train.jsonl", "folio-validation.jsonl") for item in read_pool("puzzles/folio", data / "folio" / file)
    ]
    assert [levels.count(level) for level in ("easy", "medium", "hard")] == [741, 303, 164]
