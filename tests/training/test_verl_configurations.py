"""The configurations of docs/scale, put together by verl's own Hydra: they compose, pass its checks, and name what is there."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import lacking

pytestmark = pytest.mark.verl
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "scale"
NAMES = sorted(file.stem for file in FOLDER.glob("verl_*.yaml") if file.stem != "verl_agents")
FILES = ["actor_rollout_ref.model.path=org/name", "data.train_files=train.parquet", "data.val_files=val.parquet"]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if importlib.util.find_spec("verl") is None:
        lacking("verl is not tested: it is not installed here. `make test-verl` has an environment with it.")


@pytest.fixture(scope="module", params=NAMES)
def config(request):
    """As the command of the page has it: verl's own configuration is on Hydra's path, ours is added; `--cfg job` prints what would run."""
    from omegaconf import OmegaConf

    command = [
        sys.executable,
        "-m",
        "verl.trainer.main_ppo",
        "--config-dir=docs/scale",
        f"--config-name={request.param}",
        "--cfg",
        "job",
        *FILES,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return OmegaConf.create(done.stdout)


def test_verl_takes_the_configuration(config):
    from verl.trainer.ppo.utils import need_critic, need_reference_policy
    from verl.utils.config import validate_config

    validate_config(config, use_reference_policy=need_reference_policy(config), use_critic=need_critic(config))
    assert config.trainer.nnodes * config.trainer.n_gpus_per_node == 32


def test_the_estimator_and_the_loss_are_registered_and_take_their_knobs(config):
    import numpy as np
    import torch
    from verl.trainer.ppo.core_algos import get_adv_estimator_fn, get_policy_loss_fn
    from verl.utils.config import omega_conf_to_dataclass

    from thinkwell.training.verl import advantages, losses, plugin  # noqa: F401  registers

    scores = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    given = {"token_level_rewards": scores, "response_mask": torch.ones(2, 2), "index": np.array(["a", "a"], dtype=object)}
    values, _ = get_adv_estimator_fn(config.algorithm.adv_estimator)(config=config.algorithm, **given)
    assert values[0, 0] > 0 > values[1, 0]
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    assert isinstance(actor.policy_loss, losses.PolicyLoss)
    assert losses.knobs_of(actor.policy_loss.loss_mode.removeprefix("thinkwell_"), actor)["eps_high"] == 0.28
    assert get_policy_loss_fn(actor.policy_loss.loss_mode).__name__ == actor.policy_loss.loss_mode


def test_the_reward_function_the_sampler_and_the_agent_loop_are_found(config):
    import hydra
    from omegaconf import OmegaConf
    from verl.trainer.ppo.reward import get_custom_reward_fn
    from verl.utils.import_utils import load_extern_type

    reward = get_custom_reward_fn(config)
    assert reward(data_source="x", solution_str=r"\boxed{4}", ground_truth="4", extra_info={})["score"] == 1.0
    sampler = config.trainer.v1.sampler
    if sampler.custom_sampler.path:
        made = load_extern_type(sampler.custom_sampler.path, sampler.custom_sampler.name)(
            trainer_mode="sync",
            trainer_config={},
            max_off_policy_threshold=8,
            max_off_policy_strategy="drop",
            sampler_kwargs=sampler.sampler_kwargs,
        )
        assert made.knobs["capacity"] == 256
        assert config.algorithm.rollout_correction.bypass_mode
    agents = config.actor_rollout_ref.rollout.agent.agent_loop_config_path
    if agents:
        (entry,) = OmegaConf.load(os.path.join(ROOT, agents))
        assert entry.name == config.actor_rollout_ref.rollout.agent.default_agent_loop
        assert hydra.utils.get_class(entry._target_).__name__ == "SerialExits"
        assert config.actor_rollout_ref.rollout.n == 1
