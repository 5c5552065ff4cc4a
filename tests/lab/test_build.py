"""The build: a miniature of the whole of it, exact resume, and what it leaves behind."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import torch
import transformers

from thinkwell.lab import build as lab_build
from thinkwell.lab import tokenizer as lab_tokenizer
from thinkwell.lab.card import render_card
from thinkwell.lab.data import PolicyBatches, pad
from thinkwell.lab.labels import boxed, label
from thinkwell.lab.models import first_score, new_policy, new_prm
from thinkwell.lab.prm import PrmBatches, scored_row, step_end_ids, step_labels, written_rows
from thinkwell.lab.sample import sample
from thinkwell.lab.trace import gold_trace
from thinkwell.lab.train import Schedule, fit, policy_loss
from thinkwell.lab.world import generate


@pytest.fixture(scope="session")
def mini(tmp_path_factory, worker_id):
    """A miniature of the whole build, made once: where tests run in several processes, the others wait for the one that came first."""
    if worker_id == "master":
        return lab_build.build(tmp_path_factory.mktemp("lab"), scale="mini", seed=0, log=lambda _: None)
    shared = tmp_path_factory.getbasetemp().parent  # the same folder in every process
    with (shared / "lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed when the file closes
        return lab_build.build(shared / "lab", scale="mini", seed=0, log=lambda _: None)


@pytest.fixture(scope="module")
def tokens():
    return lab_tokenizer.make()


def test_the_miniature_learns_to_write_readable_right_answers(mini):
    losses = json.loads((mini / ".build" / "policy.json").read_text())["losses"]
    assert losses[-1] < 0.25 * losses[0]
    model = transformers.AutoModelForCausalLM.from_pretrained(mini / "policy")
    tokens = transformers.AutoTokenizer.from_pretrained(mini / "policy")
    problems = [generate(i, 1, "test") for i in range(40)]
    found = sample(model, tokens, [p.question for p in problems], 2, temperature=0.5)
    answers = [(boxed(s.text), problems[s.problem].answer) for s in found]
    assert sum(a is not None for a, _ in answers) / len(answers) > 0.8
    assert sum(a == gold for a, gold in answers) / len(answers) > 0.05  # two-digit answers: chance is about 0.01


def test_the_miniature_card_is_complete(mini):
    card = json.loads((mini / "card.json").read_text())
    assert card["mix"]["samples"] == 4
    for key in ("pass_at_1", "pass_at_4", "maj_at_4", "bo4", "mean_tokens", "unreadable", "idle_reflection", "step_ends", "with_trap"):
        assert isinstance(card["mix"][key], int | float), key
    assert set(card["levels"]) == {str(level) for level in range(1, 11)}
    assert card["training"]["policy"]["tokens"] > 0
    assert card["training"]["seed"] == 0
    assert 0 < card["parameters"]["policy"] < card["parameters"]["prm"]
    assert "pass_at_1" in render_card(card)


def test_the_miniature_models_load_as_any_other(mini):
    prm = transformers.AutoModelForTokenClassification.from_pretrained(mini / "prm")
    assert prm.config.num_labels == 1
    policy = transformers.AutoModelForCausalLM.from_pretrained(mini / "policy")
    assert policy.config.model_type == "qwen3"
    assert policy.dtype == torch.float32
    assert policy.generation_config.eos_token_id == transformers.AutoTokenizer.from_pretrained(mini / "policy").eos_token_id


def test_a_finished_build_does_nothing_when_run_again(mini):
    before = {f: f.stat().st_mtime_ns for f in mini.rglob("*.safetensors")}
    lab_build.build(mini, scale="mini", seed=0, log=lambda _: None)
    assert before == {f: f.stat().st_mtime_ns for f in mini.rglob("*.safetensors")}


def test_the_folder_of_another_build_is_refused(mini):
    with pytest.raises(ValueError, match="another folder"):
        lab_build.build(mini, scale="mini", seed=1)


def test_an_interrupted_training_ends_in_the_same_weights(tokens, tmp_path):
    schedule = Schedule(30, warmup=5, save_every=0)

    def train(name, snapshot=None):
        model = new_policy(tokens, 3, width=32, layers=1)
        batches = PolicyBatches(tokens, 5, rows=2, block=4, levels=(1,))
        learned = fit(
            model, batches, policy_loss(model), schedule, tmp_path / name, pad_id=tokens.pad_token_id, snapshot=snapshot, log=lambda _: None
        )
        return model.state_dict(), learned

    def die(step):
        if step == 10:
            raise KeyboardInterrupt

    whole, learned = train("whole.pt")
    with pytest.raises(KeyboardInterrupt):
        train("cut.pt", snapshot=die)
    resumed, again = train("cut.pt")
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)
    assert (learned.losses, learned.tokens, learned.steps) == (again.losses, again.tokens, 30)


CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from thinkwell.lab import build
from thinkwell.lab.train import Schedule
build.SCALES["mini"] = replace(build.SCALES["mini"], width=32, layers=1, policy_rows=2, policy=Schedule(40, warmup=5, save_every=0))
build.build(Path(sys.argv[1]), scale="mini", until="policy", log=lambda line: print(line, flush=True))
"""


def test_a_build_killed_at_any_moment_goes_on_where_it_was(tmp_path, monkeypatch):
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    for line in child.stdout:
        if line.startswith("step 20"):
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not (tmp_path / "killed" / "policy").exists()
    small = replace(lab_build.SCALES["mini"], width=32, layers=1, policy_rows=2, policy=Schedule(40, warmup=5, save_every=0))
    monkeypatch.setitem(lab_build.SCALES, "mini", small)
    said: list[str] = []
    for name in ("killed", "whole"):
        lab_build.build(tmp_path / name, scale="mini", until="policy", log=said.append)
    assert any(line.startswith("resumed at step") for line in said)
    weights = [(tmp_path / name / "policy" / "model.safetensors").read_bytes() for name in ("killed", "whole")]
    assert weights[0] == weights[1]


def test_a_batch_is_a_pure_function_of_seed_and_step(tokens):
    first, second = (PolicyBatches(tokens, 9, rows=4, block=4) for _ in range(2))
    for step in (0, 1, 6):
        first(step)
    assert all(torch.equal(a, b) for a, b in zip(first(2), second(2), strict=True))


def test_only_the_assistants_tokens_carry_loss(tokens):
    ids, labels = pad([([1, 2, 3, 4], 2), ([5, 6], 1)], pad_id=0)
    assert ids.tolist() == [[1, 2, 3, 4], [5, 6, 0, 0]]
    assert labels.tolist() == [[-100, -100, 3, 4], [-100, 6, -100, -100]]


def test_scores_are_read_at_the_ends_of_steps_with_the_labels_of_the_text(tokens):
    problem = generate(4, 3, "train")
    reply = tokens(gold_trace(problem).text + "<|im_end|>", add_special_tokens=False)["input_ids"]
    row, ends = scored_row(tokens, problem, reply)
    assert {row[end.position] for end in ends} == step_end_ids(tokens)
    assert [end.solvable for end in ends] == [1] * (len(problem.plan) + 3)  # steps, </think>, the blank line after it, end of turn


def test_the_label_at_a_step_end_is_that_of_the_prefix_up_to_it(tokens):
    for ids, ends in written_rows(tokens, seed=1, block=0, count=12):
        assert ends
        assert all(ids[end.position] in step_end_ids(tokens) for end in ends)
    problem = generate(8, 4, "train")
    lines = [line.text for line in gold_trace(problem).lines]
    text = lines[0] + "\n\nNow there are 1 + 1 = 3.\n\n" + lines[1] + "\n\n"
    reply = tokens(text, add_special_tokens=False)["input_ids"]
    assert [end.solvable for end in step_labels(tokens, problem, reply)] == [int(step.solvable) for step in label(problem, text)]


def test_the_second_label_says_whether_the_calculation_itself_is_exact(tokens):
    problem = generate(8, 4, "train")
    text = "Now there are 20 + 3 = 23.\n\nNow there are 20 + 4 = 23.\n\nThere are 7 left.\n\n"
    ends = step_labels(tokens, problem, tokens(text, add_special_tokens=False)["input_ids"])
    assert [end.exact for end in ends] == [1, 0, None]


def test_both_labels_stand_at_the_last_tokens_of_a_step_and_nowhere_else(tokens):
    sampled = written_rows(tokens, seed=2, block=0, count=4)
    ids, labels = PrmBatches(tokens, sampled, seed=0, rows=4, block=2)(0)
    assert labels.shape == (*ids.shape, 2)
    ends = torch.isin(ids, torch.tensor(sorted(step_end_ids(tokens))))
    assert (labels[..., 0][labels[..., 0] != -100].unique() <= 1).all()
    known = labels[..., 0] != -100
    assert not (known & ~(ends | ends.roll(-1, 1) | ends.roll(-2, 1))).any()
    assert ((labels[..., 1] != -100) <= known).all()


def test_the_score_that_is_kept_is_the_first(tokens):
    policy = new_policy(tokens, 0, width=32, layers=1)
    both = new_prm(policy, 0).eval()
    ids = torch.arange(5, 25)[None]
    with torch.inference_mode():
        torch.testing.assert_close(first_score(both).eval()(input_ids=ids).logits[..., 0], both(input_ids=ids).logits[..., 0])
