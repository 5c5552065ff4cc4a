"""Mixed streams of items, and the files that they are written to, read from, and compared by."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from thinkwell.core.errors import ConfigError, DataError, MissingExtra, RunFolderError, UnknownName
from thinkwell.tasks.mix import Mix, category_of, leaks, numbers_of, weights_of, write_items
from thinkwell.tasks.puzzle import Item, item_of, load
from thinkwell.tasks.rows import read_rows


def test_a_mix_draws_by_weight_and_level() -> None:
    mix = Mix({"grid": 3, "puzzles/countdown": 1}, (0, 1, 0))
    drawn = [mix.item(5, j) for j in range(60)]
    assert {item.level for item in drawn} == {"medium"}
    assert 5 <= sum(item.task == "puzzles/countdown" for item in drawn) <= 27  # 15 expected; 4 standard deviations of 3.4 either side
    assert drawn[7] == Mix({"grid": 3, "puzzles/countdown": 1}, (0, 1, 0)).item(5, 7)
    for wrong in ({"grid": -1.0}, {"grid": 0.0}):
        with pytest.raises(ConfigError):
            Mix(wrong)
    with pytest.raises(UnknownName):
        Mix({"gird": 1.0})
    with pytest.raises(ConfigError, match="1:1:1"):
        Mix(ratio=(1, 1))


def test_a_category_shares_its_weight_and_a_name_adds_its_own() -> None:
    shares = Mix({"arithmetic": 2, "puzzles/game24": 1})._shares
    assert shares == {"puzzles/countdown": 1.0, "puzzles/game24": 2.0}
    assert category_of("puzzles/game24") == "arithmetic"
    assert len(Mix()._shares) == 40


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        (None, {}),
        ("grid", {"grid": 1.0}),
        ("grid=2,logic=0.5", {"grid": 2.0, "logic": 0.5}),
        ("maze=3 games", {"puzzles/maze": 3.0, "games": 1.0}),
    ],
)
def test_weights_are_read_as_they_are_typed(text: str | None, weights: dict[str, float]) -> None:
    assert weights_of(text) == weights


@pytest.mark.parametrize("text", ["grid=", "grid=two", "grid=1=2", "maze=1,puzzles/maze=1"])
def test_weights_that_cannot_be_read_are_refused(text: str) -> None:
    if text == "grid=":
        assert weights_of(text) == {"grid": 1.0}
        return
    with pytest.raises(ConfigError):
        weights_of(text)


def test_ratios_are_read_and_refused() -> None:
    assert numbers_of("1:2:0.5") == (1.0, 2.0, 0.5)
    with pytest.raises(ConfigError, match="no number"):
        numbers_of("1:two:3")


@pytest.fixture
def items() -> list[Item]:
    return [load(name, "easy").item(4, i) for name in ("puzzles/sudoku2", "puzzles/countdown") for i in range(3)]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_what_was_written_reads_back_the_same(tmp_path: Path, items: list[Item], suffix: str) -> None:
    file = tmp_path / f"items{suffix}"
    assert write_items(items, file) == 6
    assert [item_of(row) for row in read_rows(file)] == items
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_writer_that_is_interrupted_leaves_the_file_that_was_there(tmp_path: Path, items: list[Item]) -> None:
    file = tmp_path / "items.jsonl"
    write_items(items[:1], file)

    def cut():
        yield items[1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_items(cut(), file)
    assert [item_of(row) for row in read_rows(file)] == items[:1]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_places_and_suffixes_that_cannot_be_are_refused(tmp_path: Path, items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="suffix"):
        write_items(items, tmp_path / "items.txt")
    with pytest.raises(RunFolderError, match="cannot write"):
        write_items(items, tmp_path / "no" / "items.jsonl")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"thinkwell\[data\]"):
        write_items(items, tmp_path / "items.parquet")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_leaks_are_found_whatever_the_wording_and_say_where(tmp_path: Path, items: list[Item], suffix: str) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / f"b{suffix}"
    write_items(items[:3], first)
    write_items([*items[3:], replace(items[1], prompt="Another wording.", id="other")], second)
    (leak,) = leaks(first, second)
    assert leak["id"] == "other"
    assert "line 2" in leak["first"]
    assert ("row 4" if suffix == ".parquet" else "line 4") in leak["place"]
    assert leaks(first, first)
    assert len(leaks(first, first)) == 3


def test_files_without_canonical_forms_are_compared_by_their_questions(tmp_path: Path) -> None:
    for name, question in (("a", "How  many?"), ("b", "How many?")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"problem": question}) + "\n")
    assert len(leaks(tmp_path / "a.jsonl", tmp_path / "b.jsonl")) == 1
