"""Every command once for people, once for machines, and with input that is wrong."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from thinkwell.core.answer import VerdictValue
from thinkwell.core.method import METHODS
from thinkwell.runs.record import Record, Trace
from thinkwell.runs.store import Store
from thinkwell.tasks import TASKS

PAIR = ("single", "self_consistency")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Five problems, four samples each: problem i has i samples that are right."""
    file = tmp_path / "samples.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as out:
        for i in range(5):
            for k in range(4):
                answer = i if k < i else 90 + k
                row = {
                    "source": "test",
                    "benchmark": "toy",
                    "problem_id": f"toy/{i}",
                    "problem": f"What is {i} plus 0?",
                    "reference": str(i),
                    "model": "m",
                    "sample_index": k,
                    "completion": f"<think>\nlet me see\n</think>\n\n\\boxed{{{answer}}}",
                    "extracted": None,
                    "correct": None,
                    "step_labels": None,
                    "meta": {},
                }
                out.write(json.dumps(row) + "\n")
    return file


def compare(cli, data: Path, *more: object):
    return cli("compare", "--engine", "replay", "--task", "toy", "--data", data, "--methods", *PAIR, *more)


# ---- compare ----------------------------------------------------------------------------------------------------------------


def test_compare_prints_the_table_and_writes_json_and_report(cli, recorded, tmp_path):
    done = compare(cli, recorded, "--out", tmp_path / "run", "--json", tmp_path / "table.json")
    assert done.code == 0, done.err
    assert "self_consistency" in done.out
    table = json.loads((tmp_path / "table.json").read_text())
    assert (table["task"], table["model"], table["engine"], table["problems"], table["seed"]) == ("toy", "m", "replay", 5, 0)
    rows = {row["method"]: row for row in table["rows"]}
    assert rows["single"]["accuracy"] == pytest.approx(4 / 5)  # its one path is sample 0: right for problems 1 to 4
    assert rows["self_consistency"]["pass_at_1"] == pytest.approx((0 + 1 + 2 + 3 + 4) / 4 / 5)
    assert {"config", "ci95", "generated_tokens", "prompt_tokens", "scorer_calls", "seconds", "no_answer", "truncated", "errors"} <= rows[
        "single"
    ].keys()
    assert (tmp_path / "run" / "report.html").stat().st_size > 1000


def test_the_same_command_again_does_nothing_and_gives_the_same_table(cli, recorded, tmp_path):
    first = compare(cli, recorded, "--out", tmp_path / "run", "--json", tmp_path / "a.json")
    again = compare(cli, recorded, "--out", tmp_path / "run", "--json", tmp_path / "b.json")
    assert (first.code, again.code) == (0, 0)
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()


def test_json_on_stdout_is_nothing_but_json(cli, recorded):
    assert compare(cli, recorded, "--json", "-").json["rows"][0]["method"] == "single"


def test_differences_are_against_single_wherever_it_stands_else_the_first(cli, recorded):
    words = ("compare", "--engine", "replay", "--task", "toy", "--data", recorded, "--json", "-", "--methods")
    table = cli(*words, "self_consistency", "single").json
    assert table["baseline"] == "single"
    assert [row["difference"] is None for row in table["rows"]] == [False, True]
    table = cli(*words, "self_consistency", "adaptive_consistency").json
    assert table["baseline"] == "self_consistency"
    assert [row["difference"] is None for row in table["rows"]] == [True, False]
    said = " ".join(cli("compare", "--help").out.replace("│", " ").split())
    assert "differences are against `single`, or the first where it takes no part" in said


def test_set_changes_a_knob_and_leaves_the_label(cli, recorded):
    row = compare(cli, recorded, "--json", "-", "--set", "self_consistency.n_paths=2").json["rows"][1]
    assert row["method"] == "self_consistency"
    assert row["config"]["n_paths"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--methods", "self_consistancy"], "did you mean 'self_consistency'"),
        (["--set", "self_consistency.n_path=2"], "did you mean 'n_paths'"),
        (["--set", "dvts.n_paths=2"], "not among the methods compared"),
        (["--set", "self_consistency.n_paths=none"], "self_consistency.n_paths"),
        (["--set", "n_paths=2"], "METHOD.KNOB=VALUE"),
        (["--budget", "token=5"], "did you mean 'tokens'"),
        (["--budget", "tokens=0"], "no room for an answer"),
        (["--budget", "tokens=many"], "not a number"),
        (["--limit", "0"], "limit=0"),
        (["--in-flight", "0"], "in_flight=0"),
        (["--samples", "0"], "samples=0"),
        (["--order", "random"], "random"),
        (["--model", "n"], "known: m"),
        (["--methods", "beam_search"], "beam_search"),
        (["--methods", "best_of_n"], "'best_of_n' needs the scorer 'prm'"),
        (["--methods", "best_of_n:scorer=flexive"], "needs fresh_samples, which engine 'replay' does not offer"),
        (["--prm", "somewhere"], "Leave --prm out"),
        (["--json", "/nowhere/at/all.json"], "cannot write"),
        (["--base-url", "http://localhost:1/v1"], "--engine openai"),
        (["--temperature", "-1"], ""),
    ],
)
def test_what_cannot_be_is_refused_with_code_2_and_no_traceback(cli, recorded, tmp_path, words, says):
    done = compare(cli, recorded, "--out", tmp_path / "run", *words)
    assert done.code == 2, done.err
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "not a file"),
        ("", ""),
        ("{\n", "line 1"),
        ('{"problem": "no samples"}\n', ""),
    ],
)
def test_a_file_of_samples_that_is_missing_or_malformed_is_refused(cli, tmp_path, content, says):
    file = tmp_path / "broken.jsonl"
    if content is not None:
        file.write_text(content)
    done = compare(cli, file)
    assert done.code == 2, done.err
    assert says in done.err
    assert "broken.jsonl" in done.err


def test_replay_without_a_file_says_what_to_give(cli):
    done = cli("compare", "--engine", "replay", "--task", "toy", "--methods", "single")
    assert done.code == 2
    assert "--data FILE" in done.err


def test_a_task_that_does_not_exist_offers_the_nearest(cli):
    done = cli("compare", "--task", "aime2", "--methods", "single")
    assert done.code == 2
    assert "aime2" in done.err
    assert "aime24" in done.err


# ---- methods, tasks, lab ----------------------------------------------------------------------------------------------------


def test_methods_lists_every_method(cli):
    done = cli("methods")
    assert all(name in done.out for name in METHODS.names())
    listed = cli("methods", "--json").json
    assert [entry["name"] for entry in listed] == METHODS.names()
    assert all({"name", "paper", "arxiv", "family", "needs", "config", "summary"} <= entry.keys() for entry in listed)


@pytest.mark.parametrize("name", METHODS.names())
def test_methods_shows_one_with_every_knob(cli, name):
    done = cli("methods", name)
    assert done.code == 0
    assert all(knob["name"] in done.out for knob in cli("methods", name, "--json").json[0]["config"])


def test_an_unknown_method_is_refused_with_the_nearest(cli):
    done = cli("methods", "beam_serch")
    assert done.code == 2
    assert "'beam_search'" in done.err


def test_tasks_are_listed_and_shown(cli):
    assert all(name in cli("tasks", "list").out for name in TASKS.names())
    assert {entry["name"] for entry in cli("tasks", "list", "--json").json} == set(TASKS.names())
    shown = cli("tasks", "show", "lab/arithmetic", "--limit", "2", "--json").json
    assert len(shown["problems"]) == 2
    assert shown["problems"][0]["reference"].lstrip("-").isdigit()
    assert shown["problems"][0]["reference"] in cli("tasks", "show", "lab/arithmetic").out


def test_puzzles_are_listed_with_their_levels_and_shown_at_one(cli):
    entry = next(entry for entry in cli("tasks", "list", "--json").json if entry["name"] == "puzzles/sudoku")
    assert (entry["category"], entry["levels"]) == ("grid", ["easy", "medium", "hard"])
    shown = cli("tasks", "show", "puzzles/sudoku", "--level", "hard", "--seed", "3", "--json").json["problems"][0]
    assert shown["meta"]["level"] == "hard"
    assert shown["reference"].count("\n") == 8
    assert "easy" in cli("tasks", "show", "puzzles/sudoku", "--level", "brutal").err
    assert cli("tasks", "show", "puzzles/sudoku", "--level", "brutal").code == 2
    assert cli("tasks", "show", "puzzles/sudoku", "--task-set", "max_holes=60").code == 2


def test_a_sample_is_the_same_for_any_number_of_workers_and_shares_nothing_with_the_other_part(cli, tmp_path):
    mix = ("--mix", "sudoku=2,puzzles/countdown", "--levels", "1:0:1", "--seed", "4")
    for name, more in (("one", ()), ("two", ("--workers", "2")), ("test", ("--split", "test"))):
        assert cli("tasks", "sample", "--n", "12", *mix, *more, "--out", tmp_path / f"{name}.jsonl").code == 0
    assert (tmp_path / "one.jsonl").read_text() == (tmp_path / "two.jsonl").read_text()
    items = [json.loads(line) for line in (tmp_path / "one.jsonl").read_text().splitlines()]
    assert {item["task"] for item in items} == {"puzzles/sudoku", "puzzles/countdown"}
    assert {item["level"] for item in items} == {"easy", "hard"}
    assert items[0].keys() == {"prompt", "answer", "meta", "task", "category", "level", "id", "canonical"}
    assert cli("tasks", "leak-check", tmp_path / "one.jsonl", tmp_path / "test.jsonl").code == 0
    assert cli("tasks", "leak-check", tmp_path / "one.jsonl", tmp_path / "two.jsonl").code == 1
    assert cli("tasks", "sample", "--mix", "sudko=1").code == 2
    assert cli("tasks", "sample", "--levels", "1:x").code == 2
    assert cli("tasks", "sample", "--out", tmp_path / "items.txt").code == 2


def test_sampled_items_can_be_compared_and_validated_as_a_data_file(cli, tmp_path):
    file = tmp_path / "items.jsonl"
    assert cli("tasks", "sample", "--n", "3", "--mix", "countdown", "--out", file).code == 0
    assert cli("tasks", "show", "puzzles/countdown", "--data", file, "--limit", "3").code == 0
    assert cli("tasks", "validate", "--data", tmp_path).code == 0
    file.write_text('{"task": "puzzles/countdown", "prompt": "?"}\n')
    assert "line 1" in cli("tasks", "show", "puzzles/countdown", "--data", file).err


def test_the_fixed_set_is_made_and_averaged(cli, tmp_path):
    file, answers = tmp_path / "set.jsonl", tmp_path / "mine.jsonl"
    assert "6 items of thinkwell-eval@1" in cli("tasks", "eval-set", "--n", "2", "--puzzle", "games/ottt", "--out", file).out
    items = [json.loads(line) for line in file.read_text().splitlines()]
    report = cli("tasks", "eval", "--data", file, "--json").json
    assert [(row["player"], row["overall"]["n"]) for row in report["rows"]] == [("random", 6), ("greedy", 6), ("solver", 6)]
    assert report["rows"][2]["overall"]["micro"] == 1.0
    answers.write_text(json.dumps({"id": items[0]["id"], "output": items[0]["answer"]}))
    (row,) = cli("tasks", "eval", "--data", file, "--answers", answers, "--json").json["rows"]
    assert (row["player"], row["missing"], round(row["overall"]["micro"], 3)) == ("mine", 5, 0.167)
    assert "16.7 ± 16.7" in cli("tasks", "eval", "--data", file, "--answers", answers).out
    assert cli("tasks", "eval", "--data", file, "--players", "nobody").code == 2
    assert cli("tasks", "eval", "--data", file, "--players", ",").code == 2
    with Store.create(tmp_path / "run", {}) as store:
        for number, (item, verdict) in enumerate(zip(items, ("correct", "wrong", "correct"), strict=False)):
            store.save(Record(str(number), "single", item["id"], 0, 0, None, VerdictValue(verdict), "", 0.0, {}), Trace([], []))
    (row,) = cli("tasks", "eval", "--data", file, "--run", tmp_path / "run", "--json").json["rows"]
    assert (row["player"], row["missing"], round(row["overall"]["micro"], 3)) == ("single", 3, 0.333)
    assert cli("tasks", "eval-set", "--n", "1", "--puzzle", "games/sttt", "--out", tmp_path / "other.jsonl").code == 0
    assert "no answer to an item of this set" in cli("tasks", "eval", "--data", tmp_path / "other.jsonl", "--run", tmp_path / "run").err
    assert "--out FILE" in cli("tasks", "eval-set", "--out", tmp_path / "no" / "set.jsonl").err
    assert cli("tasks", "gallery", "--out", tmp_path / "page.pdf").code == 2


def test_a_mix_names_a_puzzle_once_and_a_place_that_cannot_be_written_is_refused_first(cli, tmp_path):
    assert "twice" in cli("tasks", "sample", "--mix", "countdown=1,puzzles/countdown=2").err
    done = cli("tasks", "sample", "--mix", "countdown", "--out", tmp_path / "no" / "items.jsonl")
    assert (done.code, "--out FILE" in done.err) == (2, True)


def test_validate_proves_puzzles_without_a_file(cli, tmp_path):
    reports = cli("tasks", "validate", "puzzles/countdown", "--n", "2", "--json").json
    assert [(r["task"], r["items"], r["gold_rate"], r["junk_rate"]) for r in reports] == [("puzzles/countdown", 2, 1.0, 0.0)] * 3
    assert cli("tasks", "validate", "puzzles/countdown", "--data", tmp_path).code == 2


def test_validate_passes_good_data_and_fails_bad_data(cli, tmp_path):
    good = tmp_path / "gsm8k"
    good.mkdir()
    row = {"question": "2 plus 3?", "answer": "2 and 3 make 5.\n#### 5"}
    (good / "test.jsonl").write_text(json.dumps(row) + "\n")
    done = cli("tasks", "validate", "--data", tmp_path, "--json")
    assert done.code == 0, done.out + done.err
    assert done.json[0]["gold_rate"] == 1.0
    assert done.json[0]["junk_rate"] == 0.0
    (good / "other.jsonl").write_text('{"nothing": 1}\n')
    bad = cli("tasks", "validate", "--data", tmp_path)
    assert bad.code == 1
    assert "other.jsonl" in bad.out
    assert cli("tasks", "validate", "--data", tmp_path / "absent").code == 2


def test_lab_sample_shows_problems_with_solutions(cli):
    problems = cli("lab", "sample", "--limit", "2", "--level", "3", "--json").json
    assert [problem["level"] for problem in problems] == [3, 3]
    assert all(str(problem["answer"]) in problem["trace"] for problem in problems)
    assert problems[0]["question"] in cli("lab", "sample", "--limit", "1", "--level", "3").out
    assert cli("lab", "sample", "--level", "11").code == 2


def test_report_of_a_folder_that_is_none_is_refused(cli, tmp_path):
    done = cli("report", tmp_path)
    assert done.code == 2
    assert "no run folder" in done.err


# ---- processes --------------------------------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_failure():
    done = subprocess.run(
        f"set -o pipefail; {sys.executable} -m thinkwell methods --json | head -n 1",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[")
    assert "Traceback" not in done.stderr


def test_a_fault_of_ours_says_so_and_keeps_the_traceback_for_debugging(cli, monkeypatch, recorded):
    import thinkwell.runs.recorded

    def broken(*args: object) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(thinkwell.runs.recorded, "open_recorded", broken)
    done = compare(cli, recorded)
    assert done.code == 1
    assert "the sky fell" in done.err
    assert "Traceback" not in done.err


# ---- turns that a model was not taught ---------------------------------------------------------------------------------------


def test_a_method_whose_turns_the_lab_was_not_taught_is_named_under_the_table(cli, tmp_path):
    said = "sift talks in turns that the model 'lab' was not taught; --engine lab-skills was."
    words = ("compare", "--task", "lab/arithmetic", "--methods", "single", "sift", "--limit", "1", "--budget", "tokens=256")
    done = cli(*words, "--json", tmp_path / "table.json")
    assert done.out.rstrip().endswith(said)
    assert said not in done.err
    assert json.loads((tmp_path / "table.json").read_text())["notes"] == [said]
    machine = cli(*words, "--json", "-")
    assert machine.json["notes"] == [said]  # stdout is nothing but JSON
    assert said in machine.err
    taught = cli(*words, "--engine", "lab-skills")
    assert "not taught" not in taught.out + taught.err


def test_solve_says_under_the_answer_that_the_turns_were_not_taught(cli):
    said = "self_refine talks in turns that the model 'lab' was not taught; --engine lab-skills was."
    words = ("solve", "Ann has 5 apples. Ann gets 7 apples from Ben. How many apples does Ann have now?", "--method", "self_refine")
    assert cli(*words).out.rstrip().endswith(said)
    machine = cli(*words, "--json")
    assert (machine.json["notes"], said in machine.err) == ([said], True)
