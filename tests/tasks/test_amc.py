"""AMC 2023 in integer form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tasks.conftest import load
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import DataError
from thinkwell.tasks.amc import read, recognise
from thinkwell.tasks.rows import Row
from thinkwell.tasks.task import NoKnobs


def test_amc_answers_are_floats_in_one_copy_and_may_be_negative(tmp_path: Path) -> None:
    problems = load(tmp_path, "amc23", {"problem": "p", "answer": 27.0}, {"problem": "q", "answer": -1.0})
    assert [problem.reference for problem in problems] == ["27", "-1"]


def test_a_row_is_an_integer_problem_named_by_its_text() -> None:
    one, same, other = (read(Row({"question": text, "answer": 3}, "f, line 1"), NoKnobs(), 0) for text in ("p", "p", "q"))
    assert (one.question, one.reference, one.kind) == ("p", "3", AnswerKind.INTEGER)
    assert one.id == same.id != other.id
    assert one.id.startswith("amc23/")
    with pytest.raises(DataError, match="an integer is expected"):
        read(Row({"question": "p", "answer": "3/2"}, "f, line 1"), NoKnobs(), 0)


@pytest.mark.parametrize(
    ("hint", "row", "known"),
    [
        ("amc23/test.jsonl", {}, True),
        ("amc2023/qwen_amc23_test.jsonl", {}, True),
        ("data/amc.jsonl", {"url": "https://example.org/2023_AMC_12A"}, True),
        ("data/amc.jsonl", {"url": "https://example.org/2022_AMC_12A"}, False),
        ("data/amc230.jsonl", {}, False),
        ("aime23/test.jsonl", {"url": "2023"}, False),
    ],
)
def test_a_file_is_known_by_its_name_or_its_rows(hint: str, row: dict[str, Any], known: bool) -> None:
    assert recognise(hint, Row(row, "f, line 1")) is known
