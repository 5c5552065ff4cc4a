"""AIME: plain integers from 0 to 999, and which of its files belongs to which year."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tasks.conftest import load
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import DataError
from thinkwell.tasks.aime import integer
from thinkwell.tasks.rows import Row
from thinkwell.tasks.validate import recognise


@pytest.mark.parametrize(
    "row",
    [
        {"problem": "p", "expected_answer": "73", "reference_solution": "so 73"},
        {"problem": "p", "answer": "073", "solution": "so", "question": "p"},
        {"problem": "p", "answer": 73},
        {"problem": "p", "answer": "73", "solution": ""},
        {"Problem": "p", "Answer": 73, "Solution": "so"},
        {"messages": [{"role": "user", "content": "p"}], "meta": {"problem": "p", "solution": "73"}},
        {"messages": [{"role": "user", "content": "p"}], "meta": {"solution": "73", "answer": "73", "Part": "II"}},
    ],
)
def test_aime_answers_come_out_as_plain_integers_whatever_the_layout(tmp_path: Path, row: dict[str, Any]) -> None:
    (problem,) = load(tmp_path, "aime24", row)
    assert (problem.question, problem.reference, problem.kind) == ("p", "73", AnswerKind.INTEGER)


def test_aime_refuses_answers_outside_its_range(tmp_path: Path) -> None:
    for answer in ("1000", "-1", "1/2", "x"):
        with pytest.raises(DataError, match=r"file\.jsonl, line 1 has the answer"):
            load(tmp_path, "aime24", {"problem": "p", "answer": answer})


@pytest.mark.parametrize(
    ("answer", "plain"), [("025", "25"), (27.0, "27"), ("1,450,000", "1450000"), ("so it is\n#### 12", "12"), ("-1", "-1")]
)
def test_an_integer_is_read_from_every_way_of_writing_it(answer: object, plain: str) -> None:
    assert integer(Row({"answer": answer}, "f, line 1")) == plain


def test_the_range_is_only_a_wish_where_it_is_given() -> None:
    row = Row({"answer": "1000"}, "f, line 1")
    assert integer(row) == integer(row, low=0) == integer(row, 1000, 1000) == "1000"
    with pytest.raises(DataError, match="an integer from 0 to 999 is expected"):
        integer(row, 0, 999)
    with pytest.raises(DataError, match=r"f, line 1 has the answer '2\.5'.*an integer is expected"):
        integer(Row({"answer": "2.5"}, "f, line 1"))


def test_the_paper_is_kept_where_the_file_says_it(tmp_path: Path) -> None:
    first, second, none = load(
        tmp_path,
        "aime25",
        {"problem": "p", "answer": 1, "Part": "II"},
        {"problem": "q", "answer": 2, "meta": {"Part": "I"}},
        {"problem": "r", "answer": 3, "Part": "III"},
    )
    assert [dict(problem.meta) for problem in (first, second, none)] == [{"part": "II"}, {"part": "I"}, {}]


@pytest.mark.parametrize(
    ("path", "row", "task"),
    [
        ("aime24/test.jsonl", {}, "aime24"),
        ("aime2024/test.jsonl", {}, "aime24"),
        ("data/AIME_2025.json", {}, "aime25"),
        ("data/aime.json", {"url": "https://example.org/2024_AIME_I"}, "aime24"),
        ("data/aime.json", {"Year": 2025}, "aime25"),
        ("data/aime.json", {"meta": {"unique_id": "2025-I-3"}}, "aime25"),
        ("data/aime.json", {"Year": 1999}, None),
        ("data/aime240/test.json", {}, None),
        ("data/other.json", {"url": "2024"}, None),
    ],
)
def test_a_file_is_of_the_year_that_its_name_or_its_rows_say(path: str, row: dict[str, Any], task: str | None) -> None:
    found = recognise(Path(path), Row({"problem": "p", "answer": 1, **row}, "f, line 1"))
    assert (found.name if found else None) == task
