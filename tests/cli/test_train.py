"""`thinkwell train`: what a person sees of a run, how it goes on, and what is refused. Where the run itself does not matter, a stand-in writes its record."""

from __future__ import annotations

import json
import shutil
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.training.small import tiny_model
from thinkwell.cli.watch import Watch, described
from thinkwell.training.checkpoint import CheckpointError
from thinkwell.training.curves import Curves
from thinkwell.training.experience import RewardError
from thinkwell.training.recipe import RECIPES
from thinkwell.training.record import Record, Report
from thinkwell.training.run_folder import Asked, opened
from thinkwell.training.trainer import TrainingError, train

SMALL = ("--set", "prompts=2", "group_size=2", "max_tokens=24", "levels=1", "--eval-every", "1", "--eval-problems", "2")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def finished(model, tmp_path_factory) -> Path:
    """The folder of a finished run of one step."""
    knobs = {"prompts": 2, "group_size": 2, "max_tokens": 24, "levels": 1, "steps": 1}
    folder = tmp_path_factory.mktemp("finished") / "run"
    train("grpo", out=folder, model=str(model), seed=5, knobs=knobs, eval_every=1, eval_problems=2)
    return folder


@pytest.fixture
def begun(finished, tmp_path) -> Path:
    """A copy of it, to go on in."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def fake(rows: Sequence[dict[str, Any]], ends: BaseException | None = None) -> Callable[..., Report]:
    """A trainer that records given rows (an evaluation after each second one) and ends as told."""

    def run(
        recipe: str, *, out: Path, knobs: dict[str, Any], resume: bool, listener: Callable[..., None], seed: int = 0, **more: Any
    ) -> Report:
        opened(out, Asked(recipe, "lab", seed, dict(knobs)), resume=resume)
        record = Record(out)
        record.evaluation({"step": 0, "accuracy": 0.25, "tokens": 120.4, "problems": 64})
        for row in rows:
            record.step(row)
            listener(row)
            if row["step"] % 2 == 0:
                record.evaluation({"step": row["step"], "accuracy": row["step"] / 8, "tokens": 100.0, "problems": 64})
        if ends is not None:
            raise ends
        final = {"accuracy": 0.5, "start_accuracy": 0.25, "tokens": 100.0, "start_tokens": 120.4, "problems": 64}
        return Report(recipe, seed, list(rows), final)

    return run


def row(step: int, **more: Any) -> dict[str, Any]:
    return {
        "step": step,
        "stage": "rl",
        "kind": "rl",
        "reward": step / 8,
        "accuracy": 0.5,
        "tokens": 99.6,
        "seconds": 1.25,
        "loss": 0.1,
        **more,
    }


# ---- what there is ---------------------------------------------------------------------------------------------------------------


def test_list_names_every_recipe_with_its_paper_and_what_it_does(cli):
    facts = cli("train", "--list", "--json", "-").json
    assert [fact["name"] for fact in facts] == RECIPES.names()
    assert all(fact["paper"] and fact["summary"] for fact in facts)
    said = cli("train", "--list").out
    assert all(name in said for name in RECIPES.names())


def test_knobs_shows_type_default_and_meaning_of_every_knob(cli):
    knobs = {knob["name"]: knob for knob in cli("train", "grpo", "--knobs", "--json", "-").json}
    assert (knobs["steps"]["type"], knobs["steps"]["default"]) == ("int", 40)
    said = cli("train", "grpo", "--knobs")
    assert said.code == 0
    for name in (*knobs, "constant|cosine", "Samples of each problem.", "arXiv 2402.03300"):
        assert name in said.out


# ---- a run -----------------------------------------------------------------------------------------------------------------------


def test_a_run_prints_a_line_a_step_and_leaves_json_page_and_a_model_that_compare_takes(cli, model, tmp_path):
    out, table = tmp_path / "run", tmp_path / "run.json"
    done = cli("train", "grpo", "--model", model, "--steps", "2", "--out", out, "--json", table, *SMALL)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line.split("  ")[0] for line in lines if line.startswith("step ") and "reward" in line] == ["step 1/2", "step 2/2"]
    assert [line.split(":")[0] for line in lines if "held-out accuracy" in line] == ["step 0", "step 1", "step 2", lines[-3].split(":")[0]]
    report = json.loads(table.read_text())
    assert report.keys() == {"recipe", "seed", "steps", "final"}
    assert (report["recipe"], report["seed"]) == ("grpo", 0)
    assert [step["step"] for step in report["steps"]] == [1, 2]
    assert {"step", "reward", "accuracy", "tokens", "seconds"} <= report["steps"][0].keys()
    assert report["final"]["problems"] == 2
    assert '"live":false' in (out / "curves.html").read_text()
    compared = cli(
        "compare", "--task", "lab/arithmetic", "--methods", "single", "--model", out, "--limit", "2", "--budget", "tokens=24", "--json", "-"
    )
    assert compared.code == 0, compared.err
    assert compared.json["rows"][0]["method"] == "single"


def test_resume_prolongs_a_finished_run_with_what_its_folder_says(cli, begun, tmp_path):
    before = Record(begun).read().steps
    done = cli("train", "grpo", "--out", begun, "--resume", "--steps", "3", "--json", "-")
    assert done.code == 0, done.err
    assert done.json["seed"] == 5
    assert [step["step"] for step in done.json["steps"]] == [1, 2, 3]
    assert done.json["steps"][0] == before[0]
    assert done.json["steps"][1]["samples"] == 4  # prompts and group_size of the folder


def test_the_same_command_again_is_refused_and_offers_to_go_on_or_another_folder(cli, begun, model):
    done = cli("train", "grpo", "--model", model, "--steps", "1", "--seed", "5", "--out", begun, *SMALL)
    assert done.code == 2
    assert "--resume" in done.err
    assert "another --out" in done.err
    assert len(Record(begun).read().steps) == 1


def test_json_on_stdout_is_nothing_but_json(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("thinkwell.training.trainer.train", fake([row(1), row(2)]))
    assert cli("train", "grpo", "--out", tmp_path / "run", "--json", "-").json["steps"] == [row(1), row(2)]


def test_lines_say_step_reward_accuracy_tokens_and_seconds_and_evaluations_where_they_fell(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("thinkwell.training.trainer.train", fake([row(1), row(2), row(3)]))
    done = cli("train", "grpo", "--steps", "4", "--out", tmp_path / "run")
    assert done.out.splitlines()[1:7] == [
        "step 0: held-out accuracy 25.0 %, tokens 120 (64 problems)",
        "step 1/4  reward 0.125  accuracy 50.0 %  tokens 100  1.2 s",
        "step 2/4  reward 0.250  accuracy 50.0 %  tokens 100  1.2 s",
        "step 2: held-out accuracy 25.0 %, tokens 100 (64 problems)",
        "step 3/4  reward 0.375  accuracy 50.0 %  tokens 100  1.2 s",
        "held-out accuracy 25.0 % -> 50.0 %, tokens 120 -> 100 (64 problems)",
    ]


def test_a_run_that_goes_on_tells_an_evaluation_again_that_it_makes_again_and_no_other(tmp_path, capsys):
    record = Record(tmp_path)
    for step in (0, 2, 4):
        record.evaluation({"step": step, "accuracy": 0.5, "tokens": 90.0, "problems": 8})
    opened(tmp_path, Asked("grpo", "lab", 0, {"steps": 5}), resume=False)
    with Watch(RECIPES.get("grpo"), tmp_path) as watch:
        record.truncate(3)  # the checkpoint it goes on from
        watch(row(4))
        record.evaluation({"step": 4, "accuracy": 0.75, "tokens": 90.0, "problems": 8})
        watch(row(5))
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split(" ")[1] for line in lines] == ["4/5", "4:", "5/5"]
    assert "75.0 %" in lines[1]


def test_a_line_counts_the_steps_of_all_stages(cli, tmp_path, monkeypatch):
    run = fake([row(1)])

    def with_page(recipe: str, *, out: Path, listener: Callable[..., None], **more: Any) -> Report:
        def listen(one: dict[str, Any]) -> None:
            Curves(out, total=200).update()
            listener(one)

        return run(recipe, out=out, listener=listen, **more)

    monkeypatch.setattr("thinkwell.training.trainer.train", with_page)
    assert "step 1/200  " in cli("train", "grpo", "--steps", "4", "--out", tmp_path / "run").out


def test_a_supervised_step_shows_its_loss_for_it_has_no_samples():
    assert described(row(1, stage="cold start", kind="sft", reward=None, accuracy=None, tokens=None)) == "cold start  loss 0.100"
    assert described(row(1, accuracy=None)) == "reward 0.125  accuracy -  tokens 100"


def test_a_terminal_gets_a_bar_in_place_of_lines(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("thinkwell.training.trainer.train", fake([row(1), row(2)]))
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    done = cli("train", "grpo", "--out", tmp_path / "run")
    assert done.code == 0
    assert "step 1/" not in done.out
    assert "held-out accuracy" in done.out


def test_trackers_get_rows_and_evaluations_in_the_order_of_the_run(cli, tmp_path, monkeypatch):
    logged: list[Any] = []
    run = types.SimpleNamespace(define_metric=lambda *a, **k: None, log=logged.append, finish=lambda: logged.append("finished"))
    module = types.ModuleType("wandb")
    module.init = lambda **more: logged.append(more["config"]["recipe"]) or run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr("thinkwell.training.trainer.train", fake([row(1), row(2), row(3)]))
    assert cli("train", "grpo", "--out", tmp_path / "run", "--track", "wandb").code == 0
    assert logged[0] == "grpo"
    assert [(one["step"], "held-out/accuracy" in one) for one in logged[1:-1]] == [(0, True), (1, False), (2, False), (2, True), (3, False)]
    assert logged[-1] == "finished"


# ---- how it ends -----------------------------------------------------------------------------------------------------------------


def test_an_interrupt_says_how_to_go_on_and_the_page_waits_no_longer(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("thinkwell.training.trainer.train", fake([row(1)], KeyboardInterrupt()))
    done = cli("train", "grpo", "--steps", "4", "--out", tmp_path / "run")
    assert done.code == 130
    assert f"thinkwell train grpo --out {tmp_path / 'run'} --resume" in done.err
    text = (tmp_path / "run" / "curves.html").read_text()
    assert '"live":false' in text
    assert '"stopped":true' in text
    assert '"done":1' in text


@pytest.mark.parametrize(
    "error",
    [
        RewardError("the reward raised ValueError: no\non this sample:\n  problem lab/train/3: What is 1 + 1?"),
        TrainingError("the loss is not finite at step 2; the micro-batch is in failed-step-000002.pt"),
        CheckpointError("cannot write the checkpoint of step 2: No space left on device; the checkpoint step-000001 is whole."),
    ],
)
def test_a_run_that_fails_ends_with_code_1_and_its_own_words(cli, tmp_path, monkeypatch, error):
    monkeypatch.setattr("thinkwell.training.trainer.train", fake([row(1)], error))
    done = cli("train", "grpo", "--out", tmp_path / "run")
    assert done.code == 1
    assert str(error) in done.err
    assert "Traceback" not in done.err
    assert len(Record(tmp_path / "run").read().steps) == 1
    assert '"stopped":true' in (tmp_path / "run" / "curves.html").read_text()


def test_a_reward_that_raises_shows_the_sample_or_is_counted(cli, model, tmp_path, monkeypatch):
    from thinkwell.training.rewards.applied import Correct

    class Failing(Correct):
        def __call__(self, batch: Any, step: int) -> Any:
            if any(sample.group.endswith("/0") for sample in batch.samples):
                raise ValueError("a fault")
            return super().__call__(batch, step)

    monkeypatch.setattr("thinkwell.training.recipes.grpo.Correct", Failing)
    words = ("train", "grpo", "--model", model, "--steps", "1", *SMALL)
    done = cli(*words, "--out", tmp_path / "stops")
    assert done.code == 1
    assert "ValueError: a fault" in done.err
    assert "problem lab/train/" in done.err
    counted = cli(*words, "--out", tmp_path / "counts", "--on-reward-error", "count", "--json", "-")
    assert counted.code == 0, counted.err
    assert counted.json["steps"][0]["reward_errors"] == 2


# ---- what is refused ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["grpoo"], "did you mean 'grpo'"),
        ([], "no recipe is named"),
        (["grpo", "--set", "rat=1"], "did you mean 'rate'"),
        (["grpo", "--set", "rate"], "KNOB=VALUE"),
        (["grpo", "--set", "rate=["], "not YAML"),
        (["grpo", "--set", "rate=fast"], "thinkwell train grpo --knobs"),
        (["grpo", "--steps", "0"], "grpo.steps"),
        (["grpo", "--set", "group_size=1"], "at least 2"),
        (["grpo", "--set", "levels=11"], "1 to 10"),
        (["grpo", "--on-reward-error", "zero"], "expected stop or count"),
        (["grpo", "--track", "wandbb"], "did you mean 'wandb'"),
        (["grpo", "--eval-every", "-1"], "eval_every"),
        (["grpo", "--eval-problems", "-1"], "eval_problems"),
        (["grpo", "--data", "problems.jsonl"], "--task"),
        (["grpo", "--task", "gsm9k"], "did you mean 'gsm8k'"),
        (["grpo", "--task", "gsm8k", "--data", "nowhere.jsonl"], "nowhere.jsonl"),
        (["grpo", "--model", "./nowhere"], "nowhere"),
        (["grpo", "--resume"], "no training run"),
        (["grpo", "--json", "/nowhere/at/all.json"], "cannot write"),
    ],
)
def test_what_cannot_be_is_refused_with_code_2_and_leaves_no_folder(cli, tmp_path, words, says):
    done = cli("train", *words, "--out", tmp_path / "run")
    assert done.code == 2, done.err
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("kind", "module"), [("wandb", "wandb"), ("tensorboard", "torch.utils.tensorboard")])
def test_a_tracker_that_is_not_installed_is_refused_before_the_run(cli, tmp_path, monkeypatch, kind, module):
    monkeypatch.setitem(sys.modules, module, None)
    done = cli("train", "grpo", "--track", kind, "--out", tmp_path / "run")
    assert done.code == 2
    assert f"pip install {kind}" in done.err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_refused(cli, tmp_path):
    (tmp_path / "file").write_text("")
    done = cli("train", "grpo", "--out", tmp_path / "file" / "run")
    assert done.code == 2
    assert "cannot write in" in done.err


def test_a_data_set_without_answers_is_refused_where_the_reward_needs_them(cli, tmp_path):
    file = tmp_path / "problems.jsonl"
    file.write_text(json.dumps({"question": "What is 2 + 2?"}) + "\n")
    done = cli("train", "grpo", "--task", "gsm8k", "--data", file, "--out", tmp_path / "run")
    assert done.code == 2
    assert "answer" in done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["dapo-like"], "unknown recipe"),
        (["rloo"], "holds a run of 'grpo', not of 'rloo'"),
        (["grpo", "--model", "skills"], "not 'skills'"),
        (["grpo", "--seed", "6"], "holds a run with seed=5, not 6"),
        (["grpo", "--eval-every", "7"], "Leave --eval-every out"),
        (["grpo", "--set", "prompts=3"], "prompts"),
        (["grpo", "--task", "gsm8k"], "holds a run with task=None, not 'gsm8k'"),
    ],
)
def test_a_run_goes_on_as_it_was_begun_or_not_at_all(cli, begun, words, says):
    files = {file.name: file.read_bytes() for file in begun.iterdir() if file.is_file() and file.name != "curves.html"}
    done = cli("train", *words, "--out", begun, "--resume")
    assert done.code == 2, done.out
    assert says in done.err
    assert {file.name: file.read_bytes() for file in begun.iterdir() if file.is_file() and file.name != "curves.html"} == files


def test_fewer_steps_than_are_done_are_refused(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("thinkwell.training.trainer.train", fake([row(1), row(2), row(3)]))
    assert cli("train", "grpo", "--steps", "3", "--out", tmp_path / "run").code == 0
    done = cli("train", "grpo", "--steps", "2", "--out", tmp_path / "run", "--resume")
    assert done.code == 2
    assert "holds 3 steps already" in done.err
