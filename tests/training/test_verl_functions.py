"""Beside verl itself, on a CPU: its estimators and losses against ours with its preset, its loading of the plug-in, its configuration, its agent loop, its buffer."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.conftest import lacking
from thinkwell.core.errors import ConfigError
from thinkwell.lab import artifacts

pytestmark = pytest.mark.verl
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if importlib.util.find_spec("verl") is None:
        lacking("verl is not tested: it is not installed here. `make test-verl` has an environment with it.")


@pytest.fixture(scope="module")
def core():
    from verl.trainer.ppo import core_algos

    from thinkwell.training.verl import plugin  # noqa: F401  registers

    return core_algos


@pytest.fixture
def batch():
    """Ragged, with gaps of tools, groups that interleave, one of equal rewards and one of one member."""
    torch.manual_seed(3)
    lengths = torch.tensor([6, 4, 5, 1, 6, 3, 2])
    mask = (torch.arange(6) < lengths[:, None]).long()
    rewards = torch.zeros(7, 6)
    rewards[torch.arange(7), lengths - 1] = torch.tensor([1.0, 0.0, 1.0, 0.5, 1.0, 1.0, 2.0])
    return SimpleNamespace(
        mask=mask, rewards=rewards, index=np.array(["a", "b", "a", "b", "a", "c", "b"], dtype=object), values=torch.rand(7, 6)
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "knobs"),
    [
        ("grpo", "grpo", {}),
        ("rloo", "rloo", {}),
        ("rloo_vectorized", "rloo", {"singles": "zero"}),
        ("reinforce_plus_plus", "reinforce_pp", {}),
        ("reinforce_plus_plus_baseline", "reinforce_pp_baseline", {}),
    ],
)
def test_the_estimators_of_verl_are_ours_with_its_preset(core, batch, theirs, ours, knobs):
    from omegaconf import OmegaConf

    config = OmegaConf.create({"gamma": 1.0, "thinkwell": knobs})
    more = {} if theirs == "grpo" else {"config": config}
    expected, _ = core.ADV_ESTIMATOR_REGISTRY[theirs](
        token_level_rewards=batch.rewards.clone(), response_mask=batch.mask, index=batch.index, **more
    )
    got, _ = core.ADV_ESTIMATOR_REGISTRY[f"thinkwell_{ours}"](
        token_level_rewards=batch.rewards.clone(), response_mask=batch.mask, index=batch.index, config=config
    )
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


def test_dr_grpo_is_verls_grpo_without_the_std(core, batch):
    expected, _ = core.compute_grpo_outcome_advantage(batch.rewards.clone(), batch.mask, batch.index, norm_adv_by_std_in_grpo=False)
    got, _ = core.ADV_ESTIMATOR_REGISTRY["thinkwell_dr_grpo"](
        token_level_rewards=batch.rewards, response_mask=batch.mask, index=batch.index
    )
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lam", [1.0, 0.95])
def test_gae_and_its_replacement_are_verls_where_every_response_is_finished(core, batch, lam):
    from thinkwell.training.advantages import gae
    from thinkwell.training.verl.gae import egae_of

    mask = batch.mask.clone()
    mask[0, 2] = 0  # a tool's output
    expected, returns = core.compute_gae_advantage_return(batch.rewards, batch.values, mask, 0.99, lam)
    inside = mask.bool()
    ours = gae(batch.rewards, inside, values=batch.values, preset="verl", gamma=0.99, lam=lam)
    torch.testing.assert_close(ours[inside], expected[inside], rtol=1e-4, atol=1e-5)
    replaced, targets = egae_of("hold", 100)(batch.rewards, batch.values, mask, 0.99, lam)
    torch.testing.assert_close(replaced[inside], expected[inside], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(targets[inside], returns[inside], rtol=1e-4, atol=1e-5)


def actor(policy_loss=None, **options):
    """An ActorConfig as verl builds it from YAML."""
    from verl.utils.config import omega_conf_to_dataclass
    from verl.workers.config import ActorConfig

    made = {"_target_": "thinkwell.training.verl.losses.PolicyLoss", **(policy_loss or {})}
    return ActorConfig(
        strategy="fsdp", rollout_n=1, use_dynamic_bsz=True, ppo_mini_batch_size=4, policy_loss=omega_conf_to_dataclass(made), **options
    )


LOSSES = {"vanilla": "ppo_clip", "gspo": "gspo", "cispo": "cispo"}


@pytest.mark.parametrize("mode", ["token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm", "token-sum"])
@pytest.mark.parametrize("theirs", LOSSES)
def test_the_losses_of_verl_are_ours_with_its_preset_and_so_are_their_gradients(core, theirs, mode):
    torch.manual_seed(0)
    mask = (torch.arange(5) < torch.tensor([5, 2, 0, 4])[:, None]).long()
    logp, old, advantages, weights = torch.randn(4, 5) - 2, torch.randn(4, 5) - 2, torch.randn(4, 5) * 2, torch.rand(4, 5)
    whole = {"dp_size": 2, "batch_num_tokens": 19, "global_batch_size": 7, "loss_scale_factor": None}
    config = actor(clip_ratio_low=0.2, clip_ratio_high=0.28, clip_ratio_c=1.7)
    config.global_batch_info.update(whole)
    found = []
    for name in (theirs, f"thinkwell_{LOSSES[theirs]}"):
        at = logp.clone().requires_grad_()
        loss, metrics = core.get_policy_loss_fn(name)(old, at, advantages, mask, mode, config, weights)
        loss.backward()
        found.append((loss.detach(), at.grad, metrics))
    torch.testing.assert_close(found[1][0], found[0][0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[1][1], found[0][1], rtol=1e-4, atol=1e-6)
    assert found[1][2]["actor/ppo_kl"] == pytest.approx(found[0][2]["actor/ppo_kl"], rel=1e-4)


def test_gppo_has_the_value_of_verls_clip_and_a_gradient_where_that_has_none(core):
    logp = torch.log(torch.tensor([[0.9, 0.1, 0.5]])).requires_grad_()
    old, advantages, mask = torch.log(torch.tensor([[0.5, 0.5, 0.5]])), torch.tensor([[1.0, -1.0, 1.0]]), torch.ones(1, 3, dtype=torch.long)
    config = actor({"loss_mode": "thinkwell_gppo", "beta1": 1.0}, clip_ratio_c=10.0)
    vanilla, _ = core.get_policy_loss_fn("vanilla")(old, logp, advantages, mask, "token-mean", config)
    (clipped,) = torch.autograd.grad(vanilla, logp)
    ours, metrics = core.get_policy_loss_fn(config.policy_loss.loss_mode)(old, logp, advantages, mask, "token-mean", config)
    (through,) = torch.autograd.grad(ours, logp)
    assert ours.item() == pytest.approx(vanilla.item())
    assert clipped[0, :2].tolist() == [0.0, 0.0]
    # -F A / 3 with F the bound: 1.2 above, 0.8 below
    torch.testing.assert_close(through, torch.tensor([[-1.2, 0.8, -1.0]]) / 3)
    assert metrics["actor/thinkwell/zero_gradient_fraction"] == 0.0


def test_knobs_that_verl_does_not_know_are_taken_by_our_configuration_and_refused_without_it():
    from verl.utils.config import omega_conf_to_dataclass
    from verl.workers.config import PolicyLossConfig

    from thinkwell.training.verl.losses import PolicyLoss

    made = actor({"loss_mode": "thinkwell_gspo", "eps_low": 3e-4, "eps_high": 4e-4}).policy_loss
    assert isinstance(made, PolicyLoss)
    assert isinstance(made, PolicyLossConfig)
    assert (made.loss_mode, made.eps_low, made.beta1) == ("thinkwell_gspo", 3e-4, None)
    assert pickle.loads(pickle.dumps(made)).eps_high == 4e-4
    with pytest.raises(Exception, match="eps_low"):
        omega_conf_to_dataclass({"_target_": "verl.workers.config.PolicyLossConfig", "eps_low": 3e-4})


def test_verls_trainer_function_calls_our_estimator_with_the_knobs_of_its_configuration(core, batch):
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.trainer.ppo.ray_trainer import compute_advantage

    data = DataProto.from_dict(
        tensors={"token_level_rewards": (batch.rewards > 0).float() * (batch.rewards >= 1), "response_mask": batch.mask},
        non_tensors={"uid": batch.index},
    )
    config = OmegaConf.create({"thinkwell": {"reward": "laser", "reward_knobs": {"target": 5}, "preset": "paper"}})
    done = compute_advantage(data, adv_estimator="thinkwell_dr_grpo", config=config)
    scores = torch.tensor([1.0, -0.5, 1.5, -0.5, 1.0, 1.5, 1.5])  # right: 1, +0.5 within 5 tokens; wrong: -0.5
    means = {"a": scores[[0, 2, 4]].mean(), "b": scores[[1, 3, 6]].mean(), "c": scores[5]}
    expected = torch.stack([score - means[uid] for score, uid in zip(scores, batch.index, strict=True)])[:, None] * batch.mask
    torch.testing.assert_close(done.batch["advantages"], expected)


def facts(folder: Path) -> dict[str, str]:
    """The environment in which verl's Python has this package with its entry points, without an installation."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    info = folder / f"thinkwell-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thinkwell\nVersion: {project['version']}\n")
    lines = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["verl.plugins"].items())
    (info / "entry_points.txt").write_text(f"[verl.plugins]\n{lines}")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT / "src")))}


def python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1]


LOOK = "import verl, sys; print('thinkwell.training.verl.plugin' in sys.modules); from verl.trainer.ppo import core_algos as c; print('thinkwell_gppo' in c.POLICY_LOSS_REGISTRY)"
DOCTOR = "import json; from thinkwell.cli.doctor import _bridge; print(json.dumps(_bridge('verl')))"


def test_verl_loads_the_plug_in_by_its_entry_point_and_the_doctor_sees_it(tmp_path):
    environment = facts(tmp_path)
    assert python(LOOK, environment) == "True"
    assert json.loads(python(DOCTOR, environment)) == {"version": "0.9.1", "problem": ""}


def test_the_doctor_sees_a_plug_in_that_verl_swallowed_and_one_that_it_was_told_not_to_load(tmp_path):
    environment = facts(tmp_path)
    assert python(LOOK, {**environment, "THINKWELL_VERL_EGAE": "nonsense"}) == "False", "verl says nothing"
    said = json.loads(python(DOCTOR, {**environment, "THINKWELL_VERL_EGAE": "nonsense"}))["problem"]
    assert "THINKWELL_VERL_EGAE" in said
    assert "VERL_USE_EXTERNAL_PLUGINS" in json.loads(python(DOCTOR, {**environment, "VERL_USE_EXTERNAL_PLUGINS": "none"}))["problem"]


def loop(server, **options):
    from omegaconf import OmegaConf
    from transformers import AutoTokenizer
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap

    from thinkwell.training.verl.agent_loop import SerialExits

    config = OmegaConf.create(
        {"actor_rollout_ref": {"rollout": {"n": options.pop("n", 1), "prompt_length": 256, "response_length": 200}}, "data": {}}
    )
    return SerialExits(
        trainer_config=DictConfigWrap(config), server_manager=server, tokenizer=AutoTokenizer.from_pretrained(artifacts.path("policy")), processor=None,
        dataset_cls=None, data_config=DictConfigWrap(config.data), **{"exits": 3, "kind": "integer", "inducer": "\n</think>\n\n", **options},
    )  # fmt: skip


class Server:
    """Says a whole thought first, then the answer of each exit: wrong, right, right by how much it had thought."""

    def __init__(self):
        self.calls = []

    async def generate(self, request_id, prompt_ids, sampling_params):
        from verl.workers.rollout.replica import TokenOutput

        self.calls.append((list(prompt_ids), dict(sampling_params)))
        text = (
            "<think>3 + 4 = 7\n\n7 + 1 = 8\n\n8 + 1 = 9\n\n</think>\n\n\\boxed{9}"
            if len(self.calls) == 1
            else r"\boxed{9}"
            if len(self.calls) > 2
            else r"\boxed{7}"
        )
        ids = [*self.tokenizer.encode(text, add_special_tokens=False), self.tokenizer.eos_token_id]
        return TokenOutput(token_ids=ids, log_probs=[-0.5] * len(ids), extra_fields={"min_global_steps": 4})


@pytest.mark.parametrize("train_on", ["all", "answer_only"])
def test_a_serial_group_comes_out_of_verls_agent_loop_with_a_reward_for_each_exit(train_on):
    server = Server()
    row = {
        "raw_prompt": [{"role": "user", "content": "What is 3 + 4 + 1 + 1?"}],
        "reward_model": {"ground_truth": "9"},
        "index": 5,
        "global_steps": 2,
    }

    async def session():
        made = loop(server, train_on=train_on)  # as verl's worker does: one object a session, inside its event loop
        server.tokenizer = made.tokenizer
        return await made.run({"temperature": 1.0}, **row)

    outputs = asyncio.run(session())
    assert [output.reward_score for output in outputs] == [0.0, 1.0, 0.5, 0.25]
    assert len(server.calls) == 4
    assert all(prompt[: len(outputs[0].prompt_ids)] == outputs[0].prompt_ids for prompt, _ in server.calls)
    for output in outputs[:-1]:
        output.reward_score = outputs[-1].reward_score  # what verl's worker does
    stored = [output.as_dict() for output in outputs]
    assert [float(fields["rm_scores"].sum()) for fields in stored] == [0.0, 1.0, 0.5, 0.25]
    assert all("exit_reward" not in fields and fields["extra_fields"]["min_global_steps"] == 4 for fields in stored)
    inducer = server.tokenizer.encode("\n</think>\n\n", add_special_tokens=False)
    for (asked, params), output in zip(server.calls[1:], outputs[:-1], strict=True):
        begin = len(asked) - len(outputs[0].prompt_ids)
        assert output.response_ids[begin - len(inducer) : begin] == inducer
        assert params["max_tokens"] <= 256
        if train_on == "answer_only":
            assert output.response_mask == [0] * begin + [1] * (len(output.response_ids) - begin)
            assert len(output.response_logprobs) == len(output.response_ids)
        else:
            assert all(output.response_mask)
            assert output.response_logprobs is None, "the inducer carries the loss, and nobody sampled it"


def test_more_than_one_path_a_prompt_is_refused():
    with pytest.raises(ConfigError, match=r"rollout\.n"):
        loop(Server(), n=2)
    with pytest.raises(ConfigError, match="inducer"):
        loop(Server(), inducer="Time is up.")


class Store(dict):
    """A TransferQueue in this process: partition of trajectories by key."""

    def kv_batch_get(self, keys, partition_id, select_fields=None):
        rows = [self[key][0] for key in keys]
        return torch.stack([row.select(*select_fields) if select_fields else row for row in rows])

    def kv_batch_put(self, keys, partition_id, fields, tags):
        self.update({key: (fields[place], tags[place]) for place, key in enumerate(keys)})

    def kv_clear(self, keys, partition_id):
        for key in keys:
            del self[key]


def test_groups_without_a_signal_give_way_to_replayed_ones(monkeypatch):
    import transfer_queue
    from tensordict import NonTensorData, TensorDict
    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

    from thinkwell.training.verl.sampler import SelectiveReplay

    store = Store()
    for name in ("kv_batch_get", "kv_batch_put", "kv_clear"):
        monkeypatch.setattr(transfer_queue, name, getattr(store, name))

    def write(groups):
        keys = []
        for uid, scores in groups.items():
            for place, score in enumerate(scores):
                fields = TensorDict({"rm_scores": torch.tensor([0.0, score]), "responses": torch.tensor([place, 7])}, [])
                fields["uid"] = NonTensorData(uid)
                store[f"{uid}_{place}_0"] = (fields, {"step": uid})
                keys.append(f"{uid}_{place}_0")
        return transfer_queue.KVBatchMeta(keys=keys, tags=[store[key][1] for key in keys], partition_id="train")

    given = {}
    monkeypatch.setattr(ReplayBuffer, "sample", lambda self, step, partition, size: (given["batch"], {"kept": 1}))
    buffer = SelectiveReplay(
        trainer_mode="sync",
        trainer_config={},
        max_off_policy_threshold=1,
        max_off_policy_strategy="drop",
        sampler_kwargs={"max_age": 2, "share": 0.5},
    )
    given["batch"] = write({"a": [1.0, 0.0], "b": [1.0, 1.0]})
    batch, metrics = buffer.sample(1, "train", 2)
    assert batch.keys == ["a_0_0", "a_1_0", "b_0_0", "b_1_0"], "nothing to replay yet"
    assert (metrics["training/buffer/effective"], metrics["training/buffer/trained"], metrics["kept"]) == (0.5, 0.5, 1)
    store.clear()  # verl clears a batch after its step
    given["batch"] = write({"c": [0.0, 0.0], "d": [0.0, 0.0]})
    batch, metrics = buffer.sample(2, "train", 2)
    uids = list(dict.fromkeys(key.split("_")[0] for key in batch.keys))
    assert uids[0] == "d"
    assert len(uids) == 2
    assert set(store) == set(batch.keys)
    again = store.kv_batch_get(batch.keys[2:], "train")
    assert again["rm_scores"].tolist() == [[0.0, 1.0], [0.0, 0.0]]
    assert [store[key][0]["uid"] for key in batch.keys[2:]] == [uids[1]] * 2
    assert (metrics["training/buffer/effective"], metrics["training/buffer/trained"], metrics["training/buffer/age"]) == (0.0, 0.5, 1.0)
    given["batch"] = write({"e": [0.0, 0.0], "f": [0.0, 0.0]})
    batch, metrics = buffer.sample(4, "train", 2)
    assert metrics["training/buffer/size"] == 0, "too old"
    assert batch.keys == ["e_0_0", "e_1_0", "f_0_0", "f_1_0"]
    with pytest.raises(ConfigError, match="capasity"):
        SelectiveReplay(
            trainer_mode="sync",
            trainer_config={},
            max_off_policy_threshold=1,
            max_off_policy_strategy="drop",
            sampler_kwargs={"capasity": 3},
        )
