"""The pass-rate pool: rates, the band, resuming after a kill, files that belong to something else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.small import LAB, engine, writer
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError, DataError, RunFolderError
from thinkwell.core.problem import Problem
from thinkwell.core.sampling import Sampling
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.training.pool import Rate, in_band, measure, read
from thinkwell.training.problems import LabProblems
from thinkwell.training.stage import Writer


def problem(name: str) -> Problem:
    return Problem(name, f"What is {name}?", "7", AnswerKind.INTEGER, meta={"level": 1})


def scripted(right: dict[str, int], asked: list[str] | None = None) -> Writer:
    """Of each problem the first so many samples are right."""

    def line(ask: Ask) -> Reply:
        name = ask.problem.rpartition("/")[2]
        if asked is not None:
            asked.append(name)
        number = int(ask.path.partition(".")[2])
        return Reply(f"hm</think>\n\nThe answer is \\boxed{{{7 if number < right[name] else 8}}}")

    return Writer(ScriptedEngine(line), LAB, Sampling(1.0), 40, 0, "pool", 0)


def rates(by: Writer, names: str, file: Path, n: int = 4, at_once: int = 2) -> dict[str, Rate]:
    return asyncio.run(measure(by, [problem(name) for name in names], n, file, at_once=at_once))


def test_a_rate_is_the_share_of_right_samples(tmp_path: Path) -> None:
    found = rates(scripted({"a": 0, "b": 1, "c": 4}), "abc", tmp_path / "pool.jsonl")
    assert {name: rate.value for name, rate in found.items()} == {"a": 0.0, "b": 0.25, "c": 1.0}
    assert found == read(tmp_path / "pool.jsonl")
    assert all(rate.samples == rate.judged == 4 for rate in found.values())


def test_the_band_drops_what_is_hopeless_and_what_is_known() -> None:
    known = {
        "a": Rate("a", 4, 0, 4, 9.0, 0),
        "b": Rate("b", 4, 1, 4, 9.0, 0),
        "c": Rate("c", 4, 4, 4, 9.0, 0),
        "d": Rate("d", 4, 3, 4, 9.0, 1),
    }
    problems = [problem(name) for name in "abcd"]
    assert [(kept.id, kept.meta["pass_rate"]) for kept in in_band(problems, known)] == [("b", 0.25), ("d", 0.75)]
    assert [kept.id for kept in in_band(problems, known, low=0.25)] == ["d"]
    assert [kept.id for kept in in_band(problems, known, high=0.75)] == ["b"]


def test_a_problem_that_nobody_could_judge_has_no_rate_and_is_left_out() -> None:
    known = {"a": Rate("a", 4, 0, 0, 9.0, 0), "b": Rate("b", 4, 1, 2, 9.0, 0)}
    assert known["a"].value is None
    assert known["b"].value == 0.5
    assert [kept.id for kept in in_band([problem("a"), problem("b")], known)] == ["b"]


def test_only_what_is_missing_is_sampled_again(tmp_path: Path) -> None:
    file, asked = tmp_path / "pool.jsonl", list[str]()
    first = rates(scripted({"a": 1, "b": 2}), "ab", file)
    again = rates(scripted({"a": 4, "b": 4, "c": 3}, asked), "abc", file)
    assert set(asked) == {"c"}
    assert again == {**first, "c": again["c"]}


@pytest.mark.parametrize("cut", [1, 15, 60])
def test_a_kill_in_the_middle_of_a_line_loses_that_line_only(tmp_path: Path, cut: int) -> None:
    file, asked = tmp_path / "pool.jsonl", list[str]()
    whole = rates(scripted({"a": 1, "b": 2}), "ab", file)
    file.write_bytes(file.read_bytes()[:-cut])
    assert list(read(file)) == ["a"]
    assert rates(scripted({"a": 0, "b": 2}, asked), "ab", file) == whole
    assert set(asked) == {"b"}
    assert [json.loads(line).get("id") for line in file.read_text().splitlines()] == [None, "a", "b"]


def test_a_kill_before_the_head_was_written_starts_anew(tmp_path: Path) -> None:
    file = tmp_path / "pool.jsonl"
    file.write_bytes(b'{"pool": 1')
    assert rates(scripted({"a": 2}), "a", file)["a"].value == 0.5


def test_rates_do_not_depend_on_which_problems_are_sampled_together(tmp_path: Path) -> None:
    """A real model with keyed noise: one at a time, all at once, in another order and after a kill."""
    problems = [LabProblems((1,), 0).at(place) for place in range(5)]

    def run(name: str, of: list[Problem], at_once: int) -> dict[str, Rate]:
        return asyncio.run(measure(writer(engine(), 12), of, 2, tmp_path / name, at_once=at_once))

    whole = run("whole", problems, 5)
    assert run("single", problems[::-1], 1) == whole
    run("killed", problems[:2], 2)
    assert run("killed", problems, 2) == whole


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"max_tokens": 41}, "max_tokens"),
        ({"seed": 1}, "seed"),
        ({"sampling": Sampling(0.5)}, "sampling"),
        ({"preset": replace(LAB, version=9)}, "preset"),
    ],
)
def test_a_file_of_other_settings_is_refused_by_name(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    file = tmp_path / "pool.jsonl"
    by = scripted({"a": 1})
    rates(by, "a", file)
    with pytest.raises(RunFolderError, match=f"another {named}"):
        rates(replace(by, **change), "a", file)
    with pytest.raises(RunFolderError, match="another samples"):
        rates(by, "a", file, n=5)


@pytest.mark.parametrize("content", ["hello\n", '{"a": 1}\n', "[1]\n"])
def test_a_file_that_is_no_pool_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "pool.jsonl"
    file.write_text(content)
    with pytest.raises(RunFolderError, match="line 1"):
        read(file)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pool.jsonl"
    rates(scripted({"a": 1}), "a", file)
    file.write_text(file.read_text() + '{"id": "b"}\n')
    with pytest.raises(RunFolderError, match="line 3"):
        read(file)


def test_bad_input_is_refused(tmp_path: Path) -> None:
    by, file = scripted({"a": 1}), tmp_path / "pool.jsonl"
    with pytest.raises(ConfigError):
        rates(by, "a", file, n=0)
    with pytest.raises(DataError, match="an id that another one has"):
        rates(by, "aa", file)
    assert not file.exists()
    known = {"a": Rate("a", 4, 4, 4, 9.0, 0)}
    with pytest.raises(DataError, match="no line in the pool"):
        in_band([problem("b")], known)
    with pytest.raises(DataError, match="Widen the band"):
        in_band([problem("a")], known)
    with pytest.raises(ConfigError):
        in_band([problem("a")], known, low=0.8, high=0.2)
