"""Reading data files: every layout by content, and every fault named with its file and line."""

import gzip
import json
from pathlib import Path

import pytest

from thinkwell.core.errors import DataError
from thinkwell.tasks.rows import Row, read_rows


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


ITEMS = [{"q": "one"}, {"q": "two"}]
LINES = "\n".join(map(json.dumps, ITEMS)) + "\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", LINES),
        ("lines_named.json", LINES),
        ("bom.jsonl", "\ufeff" + LINES),
        ("blank_lines.jsonl", LINES.replace("\n", "\n\n")),
        ("array.json", json.dumps(ITEMS)),
        ("pretty.json", json.dumps(ITEMS, indent=4)),
        ("object.json", json.dumps({"canary": "c", "examples": ITEMS})),
        ("pretty_object.json", json.dumps({"canary": "c", "data": ITEMS}, indent=2)),
        ("table.csv", 'q,a\none,1\n"two",2\n'),
    ],
)
def test_every_layout_gives_its_rows(tmp_path: Path, name: str, text: str) -> None:
    assert [row.text("q") for row in read_rows(write(tmp_path / name, text))] == ["one", "two"]


def test_parquet_gives_rows_with_lists_and_records_inside(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "train-00000-of-00001.parquet"
    parquet.write_table(
        pyarrow.Table.from_pylist([{"q": "one", "more": {"answers": ["1", "2"]}}, {"q": "two", "more": {"answers": []}}]), path
    )
    rows = read_rows(path)
    assert [row.text("q") for row in rows] == ["one", "two"]
    assert rows[0].texts("more.answers") == ["1", "2"]
    assert rows[1].where.endswith(".parquet, row 2")


def test_parquet_that_is_cut_or_empty_is_refused(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([{"q": "one"}]), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="as Parquet"):
        read_rows(path)
    parquet.write_table(pyarrow.table({"q": pyarrow.array([], pyarrow.string())}), path)
    with pytest.raises(DataError, match="no rows"):
        read_rows(path)


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(LINES.encode()))
    assert len(read_rows(path)) == 2


def test_what_stands_beside_the_rows_is_shared_by_them(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path / "o.json", json.dumps({"canary": "c", "examples": ITEMS})))
    assert [row.get("canary") for row in rows] == ["c", "c"]


def test_one_object_on_one_line_is_one_row(tmp_path: Path) -> None:
    assert len(read_rows(write(tmp_path / "one.jsonl", '{"q": "one"}'))) == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"q": 1}\n{"q": 2\n{"q": 3}\n', r"a\.jsonl, line 2, column"),
        ("a.jsonl", '{"q": 1}\n[1]\n', r"line 2 holds a list"),
        ("a.jsonl", '{"q": \n{"q": 2}\n', r"line 1, column|line 2, column"),
        ("a.json", '[\n {"q": 1},\n {"q": }\n]', r"a\.json, line 3, column"),
        ("a.json", '[{"q": 1}, 2]', r"item 2 is a int"),
        ("a.json", "[]", "holds no rows"),
        ("a.json", '{\n "examples": [\n {"q": 1},,\n]}', r"line 3, column"),
        ("a.json", "", "is empty"),
        ("a.json", "   \n", "is empty"),
        ("a.txt", "Q: why?", "starts with 'Q'"),
        ("a.csv", "q,a\n1,2\n3\n", r"line 3 has not as many columns"),
        ("a.csv", "q,a\n", "no rows"),
        ("a.json", "[" * 100_000, "nested too deeply|line 1, column"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_rows(write(tmp_path / name, text))


def test_missing_files_folders_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="is a folder"):
        read_rows(tmp_path)
    (tmp_path / "b.jsonl").write_bytes(b'{"q": 1}\n{"q": "\xff\xfe"}\n')
    with pytest.raises(DataError, match="line 2 is not UTF-8"):
        read_rows(tmp_path / "b.jsonl")
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(LINES.encode())[:-12])
    with pytest.raises(DataError, match="cannot be read"):
        read_rows(tmp_path / "c.jsonl.gz")


def test_fields_are_found_by_name_and_path() -> None:
    row = Row({"meta": {"answer": 7}, "messages": [{"content": "why?"}], "empty": "", "flag": True}, "f, line 1")
    assert row.text("nope", "meta.answer") == "7"
    assert row.text("messages.0.content") == "why?"
    assert row.get("empty", "messages.1.content", "meta.answer.x") is None
    with pytest.raises(DataError, match="f, line 1 has none of the fields q, p; fields found: meta"):
        row.text("q", "p")
    with pytest.raises(DataError, match="has a bool in 'flag'"):
        row.text("flag")
    with pytest.raises(DataError, match="no list of texts"):
        row.texts("meta")
