"""Inside TRL's trainer, on the lab's model and a CPU: its numbers with our conventions, ours with our functions, and a run from end to end."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import lacking
from thinkwell.core.errors import ConfigError
from thinkwell.lab import artifacts
from thinkwell.tasks import TASKS
from thinkwell.tasks.presets import preset
from thinkwell.training import trl as bridge
from thinkwell.training.advantages import grpo, reinforce_pp_baseline, rloo
from thinkwell.training.kl import kl
from thinkwell.training.losses import aggregate, cispo, gppo, gspo, ppo_clip
from thinkwell.training.rewards import laser

pytestmark = pytest.mark.trl
ROOT = Path(__file__).resolve().parents[2]
STEPS = 2  # of gradient accumulation


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if importlib.util.find_spec("trl") is None:
        lacking("TRL is not tested: it is not installed here. `make test-trl` has an environment with it.")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    problems = TASKS.get("lab/arithmetic").load(None, seed=7, limit=16, knobs={})
    return [{"prompt": list(preset("lab").messages(problem)), "answer": problem.reference} for problem in problems]


def make(rows, folder, algorithm, **options):
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(artifacts.path("policy"), dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(artifacts.path("policy"))
    shape = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": STEPS, "num_generations": 4, "max_completion_length": 24}
    quiet = {"report_to": "none", "save_strategy": "no", "logging_steps": 1, "disable_tqdm": True}
    args = GRPOConfig(output_dir=str(folder), use_cpu=True, bf16=False, seed=0, **{"max_steps": 1, **shape, **quiet, **options})
    return bridge.trainer_class()(
        model=model,
        processing_class=tokenizer,
        args=args,
        train_dataset=Dataset.from_list(rows),
        reward_funcs=[bridge.graded("integer")],
        algorithm=algorithm,
    )


@pytest.fixture(scope="module")
def trainer(rows, tmp_path_factory):
    """Nothing replaced: TRL's own numbers. Two completions of every four are of other lengths, for the cap cuts nearly all of them."""
    made = make(rows, tmp_path_factory.mktemp("plain"), bridge.Algorithm())
    made.current_gradient_accumulation_steps = STEPS
    made.model.train()
    return made


@pytest.fixture(scope="module")
def batch(trainer):
    """What one micro-batch holds: ragged, off-policy, with advantages of both signs and a reference."""
    inputs = dict(trainer._prepare_inputs(next(iter(trainer.get_train_dataloader()))))
    drawn = torch.Generator().manual_seed(1)
    lengths = torch.tensor([24, 9, 17, 1])[:, None]
    inputs["completion_mask"] = inputs["completion_mask"] * (torch.arange(inputs["completion_mask"].shape[1]) < lengths)
    inputs["num_items_in_batch"] = torch.tensor(2 * int(inputs["completion_mask"].sum()))
    logp = own_logp(trainer.model, inputs).detach()
    inputs["old_per_token_logps"] = logp + 0.4 * torch.randn(logp.shape, generator=drawn)
    inputs["ref_per_token_logps"] = logp + 0.3 * torch.randn(logp.shape, generator=drawn)
    inputs["advantages"] = torch.tensor([1.0, -0.5, 0.25, -1.5])
    inputs["num_sequences_in_batch"] = torch.tensor(8)
    return inputs


def own_logp(model, inputs):
    """Log-probabilities of the completion by an ordinary forward pass of transformers."""
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
    attention = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
    logits = model(input_ids=ids, attention_mask=attention).logits[:, :-1].float()
    kept = inputs["completion_ids"].shape[1]
    return logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0][:, -kept:]


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=2e-3, atol=2e-6, msg=lambda text, name=name: f"{name}: {text}")


def test_the_trainer_is_the_one_that_the_three_methods_were_written_for(trainer):
    import trl

    low, high = (tuple(map(int, bound.split("."))) for bound in bridge.TESTED)
    assert low <= tuple(map(int, trl.__version__.split(".")[:2])) < high
    assert bridge.differences(trl.GRPOTrainer) == []
    needed = "reward_func_names reward_weights num_generations num_generations_eval max_completion_length beta entropy_coef aux_loss_enabled accelerator _metrics _logs"
    assert [name for name in needed.split() if not hasattr(trainer, name)] == []
    assert bridge.trainer_class() is bridge.ThinkwellGRPO


def test_the_scored_batch_has_the_keys_that_are_read(trainer):
    inputs = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    assert set(bridge.OUTPUT_KEYS) <= inputs.keys()


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_the_advantages_of_trl_are_ours_with_its_preset(trainer, monkeypatch, scale):
    import trl

    rewards = torch.tensor([[1.0], [0.0], [1.0], [0.0], [1.0], [1.0], [1.0], [0.0]])
    monkeypatch.setattr(trl.GRPOTrainer, "_calculate_rewards", lambda *_: rewards)
    monkeypatch.setattr(trainer, "scale_rewards", scale)
    output = trainer._generate_and_score_completions(next(iter(trainer.get_train_dataloader())))
    assert output["advantages"].shape == (8,)
    ours = grpo(rewards[:, 0], torch.ones(8, 1, dtype=torch.bool), torch.arange(8) // 4, preset="trl", scale=scale)[:, 0]
    torch.testing.assert_close(ours, output["advantages"], rtol=1e-5, atol=1e-6)


LOSSES = {
    "grpo": (ppo_clip, {"aggregation": "seq-mean-token-mean"}),
    "bnpo": (ppo_clip, {"aggregation": "local-token-mean"}),
    "dapo": (ppo_clip, {"aggregation": "token-mean"}),
    "dr_grpo": (ppo_clip, {"aggregation": "seq-mean-token-sum-norm", "max_length": 24}),
    "cispo": (cispo, {"aggregation": "token-mean"}),
}


def pure(function, knobs, logp, batch):
    """The loss of a micro-batch by our function alone, which is told what the whole step holds: 2 micro-batches of 4, of as many tokens each."""
    mask = batch["completion_mask"].bool()
    advantages = batch["advantages"][:, None].expand_as(mask)
    whole = {"batch_tokens": 2.0 * int(mask.sum()), "batch_sequences": 8.0}
    loss, metrics = function(logp, batch["old_per_token_logps"], advantages, mask, preset="trl", **knobs, **whole)
    return (loss / STEPS if knobs.get("aggregation") == "local-token-mean" else loss), metrics


@pytest.mark.parametrize("loss_type", LOSSES)
def test_the_losses_of_trl_are_ours_with_its_preset_and_so_are_their_gradients(trainer, batch, monkeypatch, loss_type):
    monkeypatch.setattr(trainer, "loss_type", loss_type)
    theirs = trainer._compute_loss(trainer.model, batch)
    their_gradients = gradients(trainer.model, theirs)
    function, knobs = LOSSES[loss_type]
    ours, _ = pure(function, knobs, own_logp(trainer.model, batch), batch)
    assert theirs.item() == pytest.approx(ours.item(), rel=1e-4)
    same(gradients(trainer.model, ours), their_gradients)


def test_the_sequence_ratio_of_trl_is_our_gspo(trainer, batch, monkeypatch):
    monkeypatch.setattr(trainer, "loss_type", "grpo")
    monkeypatch.setattr(trainer, "importance_sampling_level", "sequence")
    monkeypatch.setattr(trainer, "epsilon_low", 0.05)
    monkeypatch.setattr(trainer, "epsilon_high", 0.05)
    theirs = trainer._compute_loss(trainer.model, batch)
    their_gradients = gradients(trainer.model, theirs)
    ours, _ = pure(gspo, {"eps_low": 0.05, "eps_high": 0.05}, own_logp(trainer.model, batch), batch)
    assert theirs.item() == pytest.approx(ours.item(), rel=1e-4)
    # TRL's gradient is that of the mean log-ratio; ours goes to each token with the sequence's weight: the same for one advantage a sequence
    same(gradients(trainer.model, ours), their_gradients)


@pytest.mark.parametrize(
    ("function", "knobs"),
    [
        (gppo, {"eps_high": 0.3, "beta1": 0.5}),
        (gspo, {"eps_low": 0.05, "eps_high": 0.05}),
        (cispo, {"eps_high": 1.0}),
        (ppo_clip, {"eps_high": 0.28, "aggregation": "local-token-mean"}),
        (ppo_clip, {"dual_clip": 1.5, "aggregation": "seq-mean-token-sum-norm"}),
        (ppo_clip, {"aggregation": "token-sum"}),
    ],
    ids=["gppo", "gspo", "cispo", "local mean", "dr_grpo", "sum"],
)
def test_our_loss_in_the_trainer_is_the_pure_function_of_the_same_tensors(trainer, batch, monkeypatch, function, knobs):
    monkeypatch.setattr(trainer, "algorithm", bridge.Algorithm(loss=function, loss_knobs={"preset": "trl", **knobs}))
    inside = trainer._compute_loss(trainer.model, batch)
    gradients_inside = gradients(trainer.model, inside)
    length = {"max_length": 24} if knobs.get("aggregation") == "seq-mean-token-sum-norm" else {}
    outside, metrics = pure(function, {**knobs, **length}, own_logp(trainer.model, batch), batch)
    assert inside.item() == pytest.approx(outside.item(), rel=1e-4)
    same(gradients(trainer.model, outside), gradients_inside)
    assert trainer._metrics["train"]["thinkwell/ratio_max"][-1] == pytest.approx(metrics["ratio_max"], rel=1e-4)


def test_kl_and_importance_weights_and_entropy_join_our_loss_as_they_join_trls(trainer, batch, monkeypatch):
    mask = batch["completion_mask"].bool()
    weights = torch.tensor([[1.0], [0.5], [2.0], [0.0]])
    more = {**batch, "importance_sampling_ratio": weights}
    terms = {
        "beta": 0.1,
        "use_vllm": True,
        "vllm_importance_sampling_correction": True,
        "entropy_coef": 0.01,
        "_entropy_bonus_enabled": True,
    }
    for name, value in {"loss_type": "dapo", **terms}.items():
        monkeypatch.setattr(trainer, name, value)
    theirs = trainer._compute_loss(trainer.model, more)
    their_gradients = gradients(trainer.model, theirs)
    monkeypatch.setattr(trainer, "algorithm", bridge.Algorithm(loss=ppo_clip, loss_knobs={"preset": "trl"}))
    ours = trainer._compute_loss(trainer.model, more)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4)
    same(gradients(trainer.model, ours), their_gradients)
    logp = own_logp(trainer.model, batch).detach()
    k3 = kl(
        logp, batch["ref_per_token_logps"], mask, old_logp=batch["old_per_token_logps"] if trainer.args.use_bias_correction_kl else None
    )
    assert trainer._metrics["train"]["kl"][-1] == pytest.approx(aggregate(k3, mask).item(), rel=1e-3)


def test_our_advantages_of_tokens_reach_the_loss_and_the_table(trainer, monkeypatch):
    rewards = torch.tensor([[1.0], [0.0], [float("nan")], [0.0], [1.0], [1.0], [1.0], [1.0]])
    import trl

    monkeypatch.setattr(trl.GRPOTrainer, "_calculate_rewards", lambda *_: rewards)
    monkeypatch.setattr(trainer, "algorithm", bridge.Algorithm(advantage=rloo, loss=ppo_clip))
    output = trainer._generate_and_score_completions(next(iter(trainer.get_train_dataloader())))
    mask = bridge.trained_tokens(output)
    expected = torch.tensor([1.0, -0.5, 0.0, -0.5, 0.0, 0.0, 0.0, 0.0])[:, None] * mask
    torch.testing.assert_close(output["advantages"], expected)
    assert list(trainer._logs["advantages"])[-8:] == pytest.approx(expected.sum(1).div(mask.sum(1)).tolist())
    assert int(output["num_sequences_in_batch"]) == 8
    assert trainer._metrics["train"]["thinkwell/unscorable"][-1] == 1.0


def test_a_run_on_the_lab_model_learns_with_our_reward_advantage_and_loss(rows, tmp_path):
    how = bridge.Algorithm(
        reward=laser,
        reward_knobs={"target": 80},
        advantage=reinforce_pp_baseline,
        loss=gppo,
        loss_knobs={"aggregation": "seq-mean-token-mean"},
    )
    running = make(rows, tmp_path, how, max_steps=2, num_iterations=2, max_completion_length=160, temperature=1.3, learning_rate=1e-3)
    before = {name: weight.detach().clone() for name, weight in running.model.named_parameters()}
    running.train()
    logged = [row for row in running.state.log_history if "thinkwell/ratio_max" in row]
    assert len(logged) == 2
    assert logged[0]["grad_norm"] > 0.0, "the completions of this seed earn different rewards"
    assert all(row["thinkwell/ratio_min"] <= 1.0 <= row["thinkwell/ratio_max"] for row in logged)
    assert logged[1]["thinkwell/ratio_max"] > 1.0, "the second pass over the same completions is off-policy"
    moved = [name for name, weight in running.model.named_parameters() if not torch.equal(weight, before[name])]
    assert moved


def test_idle_options_and_unknown_reward_functions_are_refused_when_the_trainer_is_made(rows, tmp_path):
    with pytest.raises(ConfigError, match="loss_type='grpo'"):
        make(rows, tmp_path, bridge.Algorithm(loss=ppo_clip), loss_type="grpo")
    with pytest.raises(ConfigError, match="correctness"):
        make(rows, tmp_path, bridge.Algorithm(advantage=grpo, reward=laser, correct="nobody"))


@pytest.mark.parametrize("processes", [1, 2])
def test_the_script_of_the_page_runs_as_it_stands_alone_and_in_two_processes(rows, tmp_path, processes):
    data = tmp_path / "train.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    launch = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    script = [
        str(ROOT / "docs" / "scale" / "trl_laser.py"),
        "--model",
        str(artifacts.path("policy")),
        "--data",
        str(data),
        "--out",
        str(tmp_path / "out"),
    ]
    few = ["--cpu", "--steps", "1", "--length", "24", "--generations", "4", "--target", "20", "--kind", "integer"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, *(launch if processes > 1 else []), *script, *few], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "thinkwell/reward" in done.stdout
    assert (tmp_path / "out" / "model.safetensors").exists()
