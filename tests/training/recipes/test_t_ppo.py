"""T-PPO: EGAE at the cut, a critic that learns from what is finished, PPO where the window is the whole response, and a resume in the middle of responses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.training.recipes.critic_world import GOLDEN, SIZES, run, stage_of, untimed, view
from thinkwell.lab import artifacts
from thinkwell.training.rollouts.windowed import Windowed
from thinkwell.training.trainer import train


@pytest.mark.parametrize(
    ("bootstrap", "lam", "expected"),
    [
        ("hold", 1.0, [0.2, 0.1, 0.3, 0.0]),
        ("hold", 0.95, [0.18075, 0.085, 0.3, 0.0]),
        ("zero", 0.95, [-0.4194125, -0.54675, -0.365, -0.7]),
        ("critic", 1.0, [0.4, 0.3, 0.5, 0.2]),
    ],
)
def test_an_unfinished_window_has_the_advantages_of_its_bootstrap(bootstrap: str, lam: float, expected: list[float]) -> None:
    seen = view([0.0], GOLDEN, finished=[False], after=0.9)
    assert stage_of("t-ppo", bootstrap=bootstrap, lam_policy=lam).advantage(seen)[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_a_finished_window_has_plain_gae_whatever_the_bootstrap() -> None:
    for bootstrap in ("hold", "critic", "zero"):
        seen = view([1.0], GOLDEN, after=0.9)
        found = stage_of("t-ppo", bootstrap=bootstrap).advantage(seen)[0].tolist()
        assert found == pytest.approx([0.4379625, 0.35575, 0.585, 0.3])


def test_the_reward_of_an_unfinished_response_is_never_read() -> None:
    stage = stage_of("t-ppo")
    known, guessed = (stage.advantage(view([reward], GOLDEN, finished=[False])) for reward in (0.0, 1.0))
    assert torch.equal(known, guessed)


def test_the_critic_learns_the_reward_of_finished_responses_alone() -> None:
    stage = stage_of("t-ppo")
    assert stage.critic is not None
    assert stage.critic.on == "finished"
    assert stage.critic.targets(view([1.0], GOLDEN))[0].tolist() == pytest.approx([1.0] * 4)
    everything = stage_of("t-ppo", critic_on="all").critic
    assert everything is not None
    assert everything.on == "all"
    guess = everything.targets(view([1.0], GOLDEN, finished=[False]))
    assert guess[0].tolist() == pytest.approx([0.7] * 4), "an unfinished target is the critic's own last value"


def test_the_window_is_a_third_of_the_longest_response_unless_said_otherwise() -> None:
    for knobs, window in (({}, 171), ({"max_tokens": 24}, 8), ({"window": 50}, 50)):
        rollout = stage_of("t-ppo", **knobs).rollout
        assert isinstance(rollout, Windowed)
        assert (rollout.window, rollout.prompts, rollout.size, rollout.refill) == (window, 16, 8, "window")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return AutoModelForCausalLM.from_pretrained(folder).state_dict()


def test_with_a_window_of_the_longest_response_it_is_ppo(tmp_path: Path) -> None:
    same = {"whiten": "sample", "critic_warmup": 0, "warmup": 0}
    ppo = run("ppo", tmp_path / "ppo", lam=1.0, **same)
    windowed = run("t-ppo", tmp_path / "t-ppo", window=160, refill="update", lam_policy=1.0, eps_high=0.2, **same)
    more = {"utilisation", "utilisation_so_far", "decode_steps"}
    assert [{name: value for name, value in row.items() if name not in more} for row in untimed(windowed)] == untimed(ppo)
    after = weights(tmp_path / "ppo")
    assert all(torch.equal(after[name], weight) for name, weight in weights(tmp_path / "t-ppo").items())


def test_a_run_trains_on_windows_and_teaches_the_critic_what_finished(tmp_path: Path) -> None:
    rows = run("t-ppo", tmp_path, steps=4, window=48, refill="update", critic_warmup=1)
    assert rows[0]["grad_norm"] is None, "the critic alone"
    assert all(row["grad_norm"] > 0 for row in rows[1:])
    assert all(row["samples"] == 8 for row in rows)
    assert all(0 < row["utilisation"] <= 1 for row in rows)
    learnt = ["value/value_error" in row for row in rows]
    assert learnt == [row["accuracy"] is not None for row in rows], "the critic learns in the steps in which a response finished"
    assert any(learnt)
    assert not all(learnt), "no response has ended within its first 48 tokens"
    assert all(row["tokens"] <= 160 for row in rows if row["tokens"] is not None)


class Killed(Exception):
    pass


def test_a_run_killed_between_windows_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    knobs: dict[str, Any] = {**SIZES, "group_size": 2, "steps": 4, "window": 40, "critic_warmup": 1}
    common: dict[str, Any] = {"model": str(artifacts.path("policy")), "eval_problems": 0, "save_every": 2}
    straight = train("t-ppo", out=tmp_path / "a", knobs=knobs, **common)

    def stop(row: dict[str, Any]) -> None:
        if row["step"] == 3:
            raise Killed

    with pytest.raises(Killed):
        train("t-ppo", out=tmp_path / "b", knobs=knobs, listener=stop, **common)
    resumed = train("t-ppo", out=tmp_path / "b", resume=True, **common)
    assert untimed(resumed.steps) == untimed(straight.steps)
    after = weights(tmp_path / "a")
    assert all(torch.equal(after[name], weight) for name, weight in weights(tmp_path / "b").items())
