"""Every task's layouts and traps, on small files made by hand."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.conftest import load
from thinkwell.answers.grade import grade_problem
from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import ConfigError, DataError, MissingExtra, UnknownName
from thinkwell.core.problem import Problem
from thinkwell.tasks import TASKS
from thinkwell.tasks.presets import PRESETS, preset
from thinkwell.tasks.validate import passed, validate


def test_math500_takes_the_box_when_the_answer_is_a_whole_solution(tmp_path: Path) -> None:
    facts = {"subject": "Algebra", "level": 3, "unique_id": "a/1.json"}
    short = load(tmp_path, "math500", {"problem": "p", "solution": r"so $\boxed{\frac12}$", "answer": r"\frac12", **facts})
    whole = load(tmp_path, "math500", {"question": "p", "answer": r"First \boxed{1}, no: $\boxed{\frac12}$", **facts})
    assert short[0].reference == whole[0].reference == r"\frac12"
    assert short[0].id == whole[0].id
    assert dict(short[0].meta) == {"level": 3, "subject": "Algebra"}
    with pytest.raises(DataError, match="without a complete"):
        load(tmp_path, "math500", {"question": "p", "answer": r"so \boxed{\frac12", **facts})


def test_gsm8k_takes_what_follows_the_hashes_without_commas(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, "gsm8k", {"question": "q", "answer": "It is <<1+1=2>>2 times.\n#### 1,450,000"})
    assert problem.reference == "1450000"


GPQA = {
    "Question": "Which?",
    "Correct Answer": "gold",
    "Incorrect Answer 1": "x",
    "Incorrect Answer 2": "y",
    "Incorrect Answer 3": "z\n",
    "High-level domain": "Physics",
}


def test_gpqa_options_are_shuffled_by_question_and_seed_and_stored(tmp_path: Path) -> None:
    rows = [{**GPQA, "Question": f"Which {i}?"} for i in range(60)]
    problems = load(tmp_path, "gpqa", *rows, seed=3)
    assert {problem.reference for problem in problems} == set("ABCD")
    assert all(problem.options[ord(problem.reference or "") - 65] == "gold" for problem in problems)
    assert problems == load(tmp_path, "gpqa", *rows, seed=3)
    assert problems[30:] == load(tmp_path, "gpqa", *rows[30:], seed=3)  # not the place in the file
    assert [p.options for p in problems] != [p.options for p in load(tmp_path, "gpqa", *rows, seed=4)]
    constant = sum(grade_problem("Answer: D", problem).correct for problem in problems)
    assert constant < 30  # a model that always says D must not win


def test_gpqa_is_read_from_csv(tmp_path: Path) -> None:
    with (tmp_path / "gpqa.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(GPQA))
        writer.writeheader()
        writer.writerow(GPQA)
    (problem,) = TASKS.get("gpqa").load(tmp_path / "gpqa.csv")
    assert sorted(problem.options) == ["gold", "x", "y", "z"]
    assert dict(problem.meta) == {"domain": "Physics"}


BBH = {"input": "Between what times could they have gone?\nOptions:\n(A) 1pm to 2pm\n(B) 3pm to 4pm", "target": "(B)"}


def test_bbh_options_leave_the_question_and_the_canary_never_enters_it(tmp_path: Path) -> None:
    path = tmp_path / "temporal_sequences.json"
    path.write_text(json.dumps({"canary": "NEVER TRAIN ON THIS", "examples": [BBH]}))
    (problem,) = TASKS.get("bbh_temporal_sequences").load(path)
    assert (problem.question, problem.options, problem.reference) == (
        "Between what times could they have gone?",
        ("1pm to 2pm", "3pm to 4pm"),
        "B",
    )
    assert problem.meta["canary"] == "NEVER TRAIN ON THIS"
    sent = preset("bbh-cot").messages(problem)[-1]["content"]
    assert "NEVER" not in sent
    assert "(B) 3pm to 4pm" in sent


@pytest.mark.parametrize("change", [{"target": "(C)"}, {"target": "maybe"}, {"input": "no options here"}])
def test_bbh_refuses_rows_that_cannot_be_right(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(DataError, match="line 1"):
        load(tmp_path, "bbh_temporal_sequences", {**BBH, **change})


def test_folio_labels_unknown_and_uncertain_are_one(tmp_path: Path) -> None:
    rows = [
        {"premises": ["All men are mortal.", "Socrates is a man."], "conclusion": "c", "label": label}
        for label in ("True", "False", "Unknown", "Uncertain")
    ]
    problems = load(tmp_path, "folio", *rows)
    assert [problem.reference for problem in problems] == ["True", "False", "Uncertain", "Uncertain"]
    assert "1. All men are mortal.\n2. Socrates is a man." in problems[0].question
    joined = load(tmp_path, "folio", {**rows[0], "premises": "All men are mortal.\nSocrates is a man."})
    assert joined[0].question == problems[0].question
    with pytest.raises(DataError, match="label 'Perhaps'"):
        load(tmp_path, "folio", {**rows[0], "label": "Perhaps"})


MUSIQUE = {
    "id": "3hop1__1_2",
    "paragraphs": [
        {"idx": 0, "title": "T0", "paragraph_text": "chaff", "is_supporting": False},
        {"idx": 1, "title": "T1", "paragraph_text": "grain", "is_supporting": True},
    ],
    "question": "who?",
    "answer": "the Beatles",
    "answer_aliases": ["Beatles, The"],
    "answerable": True,
}


def test_musique_settings_and_aliases(tmp_path: Path) -> None:
    (full,) = load(tmp_path, "musique", MUSIQUE)
    assert "chaff" in full.question
    assert full.aliases == ("Beatles, The",)
    assert full.meta["hops"] == 3
    (support,) = load(tmp_path, "musique", MUSIQUE, knobs={"setting": "supporting"})
    assert "chaff" not in support.question
    assert "grain" in support.question
    (closed,) = load(tmp_path, "musique", MUSIQUE, knobs={"setting": "closed_book"})
    assert closed.question == "who?"
    assert len(load(tmp_path, "musique", MUSIQUE, {**MUSIQUE, "answerable": False})) == 1


def test_olympiadbench_lists_tolerances_and_proofs(tmp_path: Path) -> None:
    base = {"subfield": "Algebra", "answer_type": "Numerical", "unit": None, "is_multiple_answer": False}
    problems = load(
        tmp_path,
        "olympiadbench",
        {"question": "a", "final_answer": ["$2n$"], "error": None, **base},
        {"question": "b", "final_answer": ["1", "3"], "error": None, **base},
        {"question": "c", "final_answer": ["$50$"], "error": "5e-1", **base},
        {"question": "d", "final_answer": None, "error": None, **base},
    )
    assert [problem.reference for problem in problems] == ["2n", "1, 3", "50"]
    assert grade_problem(r"\boxed{3, 1}", problems[1]).correct
    assert not grade_problem(r"\boxed{3}", problems[1]).correct
    assert problems[2].meta["tolerance"] == pytest.approx(0.01)
    assert grade_problem(r"\boxed{50.4}", problems[2]).correct
    assert not grade_problem(r"\boxed{50.6}", problems[2]).correct


def test_minerva_takes_the_box_and_says_its_tolerance(tmp_path: Path) -> None:
    row = {"problem": "p", "solution": r"So \boxed{4.5e33} erg.", "type": "Astronomy", "idx": 0}
    (problem,) = load(tmp_path, "minerva", row)
    assert problem.reference == "4.5e33"
    assert grade_problem(r"\boxed{4.52 \times 10^{33}}", problem).correct
    (exact,) = load(tmp_path, "minerva", row, knobs={"tolerance": 0})
    assert not grade_problem(r"\boxed{4.52 \times 10^{33}}", exact).correct
    with pytest.raises(ConfigError, match="tolerance"):
        load(tmp_path, "minerva", row, knobs={"tolerance": 2})


def test_lab_arithmetic_is_generated_from_its_seed() -> None:
    task = TASKS.get("lab/arithmetic")
    problems = task.load(seed=5, limit=20)
    assert problems == task.load(seed=5, limit=20)
    assert problems != task.load(seed=6, limit=20)
    assert problems[:10] == task.load(seed=5, limit=20)[:10]
    assert all(problem.kind is AnswerKind.INTEGER and 1 <= int(problem.meta["level"]) <= 10 for problem in problems)
    assert len({problem.id for problem in problems}) == 20
    assert len(task.load()) == 100


def test_lab_arithmetic_can_be_held_to_levels(tmp_path: Path) -> None:
    task = TASKS.get("lab/arithmetic")
    assert {problem.meta["level"] for problem in task.load(limit=8, knobs={"levels": [2, 9]})} == {2, 9}
    assert {problem.meta["level"] for problem in task.load(limit=4, knobs={"levels": "7"})} == {7}
    with pytest.raises(ConfigError, match="levels go from 1 to 10"):
        task.load(limit=4, knobs={"levels": [11]})
    rows = [{"question": f"q{level}", "answer": level, "level": level} for level in (1, 2, 3)]
    assert len(load(tmp_path, "lab/arithmetic", *rows, knobs={"levels": [1, 3]})) == 2


def test_limits_knobs_and_wrong_files_are_refused(tmp_path: Path) -> None:
    row = {"problem": "p", "answer": "1"}
    assert len(load(tmp_path, "aime24", row, {**row, "problem": "q"}, limit=1)) == 1
    with pytest.raises(ConfigError, match="limit=0"):
        load(tmp_path, "aime24", row, limit=0)
    with pytest.raises(UnknownName, match="knob of aime24"):
        load(tmp_path, "aime24", row, knobs={"level": 3})
    with pytest.raises(DataError, match="line 1 has none of the fields Correct Answer"):
        load(tmp_path, "gpqa", {"Question": "q"})
    with pytest.raises(DataError, match="no file"):
        TASKS.get("aime24").load(tmp_path / "none.jsonl")
    with pytest.raises(UnknownName, match="aime24"):
        TASKS.get("aime2024")


def test_the_second_line_at_fault_is_the_one_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"file\.jsonl, line 2"):
        load(tmp_path, "aime24", {"problem": "p", "answer": "1"}, {"problem": "q"})


def test_repeated_questions_keep_distinct_ids(tmp_path: Path) -> None:
    row = {"problem": "p", "answer": "1"}
    first, second = load(tmp_path, "aime24", row, row)
    assert second.id == first.id + "-2"


def test_without_a_file_or_the_hubs_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"thinkwell\[data\]"):
        TASKS.get("math500").load()


def test_a_hub_that_cannot_be_reached_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    def load_dataset(name: str, config: str | None, split: str) -> list[dict[str, Any]]:
        if split == "broken":
            raise ConnectionError("offline\nlong trace")
        assert (name, config) == ("openai/gsm8k", "main")
        return [{"question": "q", "answer": "#### 5"}]

    fake = types.ModuleType("datasets")
    fake.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", fake)
    assert TASKS.get("gsm8k").load()[0].reference == "5"
    with pytest.raises(DataError, match=r"could not be fetched from the hub: offline; give a local copy with --data"):
        TASKS.get("gsm8k").load(split="broken")


def test_every_task_has_a_preset_a_summary_and_a_source() -> None:
    for name, task in TASKS.items():
        assert task.name == name
        assert task.preset in PRESETS
        assert task.summary
        assert task.hub_id or task.generate
    assert {
        "aime24",
        "aime25",
        "amc23",
        "math500",
        "gsm8k",
        "gpqa",
        "bbh_temporal_sequences",
        "folio",
        "musique",
        "olympiadbench",
        "minerva",
        "lab/arithmetic",
    } <= set(TASKS.names())


def test_presets_are_named_with_their_version() -> None:
    assert preset("r1").full_name == "r1@1"
    assert (preset("r1@1").temperature, preset("r1@1").top_p) == (0.6, 0.95)
    assert preset("lab@1").messages(Problem.ask("1+1?"))[-1]["content"] == "1+1?"
    choice = Problem("p", "Which?", "B", AnswerKind.CHOICE, ("x", "y"))
    assert "Which?\n\n(A) x\n(B) y" in preset("choice").messages(choice)[-1]["content"]
    with pytest.raises(UnknownName, match="did you mean"):
        preset("boxd@1")


def test_validation_finds_a_gold_that_cannot_be_graded_and_a_file_nobody_knows(tmp_path: Path) -> None:
    folder = tmp_path / "aime24"
    folder.mkdir()
    (folder / "ok.jsonl").write_text('{"problem": "p", "answer": "7"}\n{"problem": "q", "answer": "8"}\n')
    assert passed(validate(tmp_path))
    (folder / "notes.json").write_text('{"nothing": "known"}')
    (folder / "bad.jsonl").write_text('{"problem": "p", "answer": "7"}\n{"problem": \n')
    reports = {report["file"]: report for report in validate(tmp_path)}
    assert not passed(list(reports.values()))
    assert "notes.json" in reports["aime24/notes.json"]["failures"][0]
    assert "line 2" in reports["aime24/bad.jsonl"]["failures"][0]
    json.dumps(list(reports.values()))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no data file"):
        validate(tmp_path / "empty")
    with pytest.raises(DataError, match="no folder"):
        validate(tmp_path / "none")
