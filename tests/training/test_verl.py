"""What the plug-in for verl does with numbers, without verl: knobs out of its configuration, rewards of whole groups, grades, groups that are replayed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from thinkwell.core.errors import ConfigError, UnknownName
from thinkwell.core.path import Finish
from thinkwell.training import losses as pure
from thinkwell.training.rollouts.serial import Thought
from thinkwell.training.verl import advantages, gae, losses, rewards, sampler
from thinkwell.training.verl.agent_loop import Written, assembled

MASK = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 1]])
UIDS = np.array(["b", "a", "b", "a"], dtype=object)


def at_end(scores):
    placed = torch.zeros(MASK.shape)
    placed[torch.arange(4), MASK.sum(1) - 1] = torch.tensor(scores)
    return placed


def test_ids_of_prompts_are_strings_in_any_order():
    assert advantages.group_ids(UIDS, 4, torch.device("cpu")).tolist() == [0, 1, 0, 1]
    with pytest.raises(ConfigError, match="uid"):
        advantages.group_ids(None, 4, torch.device("cpu"))
    with pytest.raises(ConfigError, match="2 ids"):
        advantages.group_ids(["a", "b"], 4, torch.device("cpu"))


def test_knobs_come_from_the_node_of_the_algorithm_and_an_unknown_one_is_refused():
    estimate = advantages.estimator("grpo")
    raw, returns = estimate(
        token_level_rewards=at_end([1.0, 0.0, 0.0, 1.0]), response_mask=MASK, config={"thinkwell": {"scale": "none"}}, index=UIDS
    )
    torch.testing.assert_close(raw, torch.tensor([0.5, -0.5, -0.5, 0.5])[:, None] * MASK)
    assert returns is raw
    with pytest.raises(UnknownName, match="scale"):
        estimate(token_level_rewards=at_end([1.0, 0.0, 0.0, 1.0]), response_mask=MASK, config={"thinkwell": {"scael": "none"}}, index=UIDS)


def test_null_takes_back_what_a_configuration_below_says():
    given = {"token_level_rewards": at_end([1.0, 0.0, 0.0, 1.0]), "response_mask": MASK, "index": UIDS}
    told, _ = advantages.estimator("s_grpo")(config={"thinkwell": {"scale": None, "reward": None, "preset": None}}, **given)
    bare, _ = advantages.estimator("s_grpo")(**given)
    assert torch.equal(told, bare)


def test_a_reward_of_whole_groups_takes_the_place_of_the_score():
    config = {"thinkwell": {"reward": "laser", "reward_knobs": {"target": 2, "alpha": 0.5}, "preset": "paper"}}
    values, _ = advantages.estimator("dr_grpo")(
        token_level_rewards=at_end([1.0, 1.0, 1.0, 0.0]), response_mask=MASK, config=config, index=UIDS
    )
    # LASER by lengths 3, 2, 1, 3: 1, 1.5, 1.5, -0.5; less the means of b (1.25) and a (0.5)
    torch.testing.assert_close(values, torch.tensor([-0.25, 1.0, 0.25, -1.0])[:, None] * MASK)
    config = {"thinkwell": {"reward": "lazer"}}
    with pytest.raises(UnknownName, match="laser"):
        advantages.estimator("dr_grpo")(token_level_rewards=at_end([1.0, 1.0, 1.0, 0.0]), response_mask=MASK, config=config, index=UIDS)


def test_the_discount_is_verls_unless_a_knob_says_otherwise():
    rewards_BT = at_end([1.0, 1.0, 1.0, 1.0])
    half, _ = advantages.estimator("reinforce")(token_level_rewards=rewards_BT, response_mask=MASK, config={"gamma": 0.5}, index=UIDS)
    assert half[0].tolist() == [0.25, 0.5, 1.0]
    whole, _ = advantages.estimator("reinforce")(
        token_level_rewards=rewards_BT, response_mask=MASK, config={"gamma": 0.5, "thinkwell": {"gamma": 1.0}}, index=UIDS
    )
    assert whole[0].tolist() == [1.0, 1.0, 1.0]


class Actor(dict):
    """The part of verl's ActorConfig that losses read."""

    def __init__(self, policy_loss, **options):
        super().__init__(options)
        self.policy_loss, self.global_batch_info = policy_loss, options.pop("whole", {})


def test_a_knob_of_the_loss_wins_over_the_actors_and_the_actors_over_the_preset():
    actor = Actor(SimpleNamespace(eps_high=0.5, preset="paper"), clip_ratio=0.1, clip_ratio_low=None, clip_ratio_high=0.3, clip_ratio_c=4.0)
    assert losses.knobs_of("ppo_clip", actor) == {"preset": "paper", "eps_low": 0.1, "eps_high": 0.5, "dual_clip": 4.0}
    assert losses.knobs_of("gppo", actor) == {"preset": "paper", "eps_low": 0.1, "eps_high": 0.5}
    assert losses.knobs_of("cispo", Actor(None)) == {"preset": "verl"}


def test_the_parts_of_two_ranks_add_up_to_the_loss_of_the_batch():
    torch.manual_seed(0)
    logp, old, adv = (torch.randn(4, 3) * 0.3 for _ in range(3))
    for mode in ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm", "token-sum"):
        whole = {"dp_size": 2, "batch_num_tokens": 9, "global_batch_size": 4, "loss_scale_factor": 7}
        parts = [
            losses.policy_loss("gppo")(old[rows], logp[rows], adv[rows], MASK[rows], mode, Actor(None, whole=whole))[0]
            for rows in (slice(0, 2), slice(2, 4))
        ]
        knobs = {"max_length": 7} if mode.endswith("norm") else {}
        expected, _ = pure.gppo(logp, old, adv, MASK.bool(), preset="verl", aggregation=mode, **knobs)
        torch.testing.assert_close(sum(parts) / 2, expected, msg=mode)  # gradients are averaged over the ranks


@pytest.mark.parametrize("said", ["hold", "critic:9", "hold:0", "hold:many", ":9"])
def test_an_environment_that_does_not_say_how_is_refused(said):
    with pytest.raises(ConfigError, match="hold:N"):
        gae.read(said)


def test_a_response_that_fills_the_greatest_length_is_unfinished():
    values = torch.tensor([[0.5, 0.4, 0.3], [0.5, 0.4, 9.0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    scores = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    _, returns = gae.egae_of("hold", 3)(scores, values, mask, 1.0, 1.0)
    # held: V after the cut is V before the last token, so the return is .3 everywhere; the finished one returns its reward
    torch.testing.assert_close(returns, torch.tensor([[0.3, 0.3, 0.3], [1.0, 1.0, 0.0]]))
    _, cut = gae.egae_of("zero", 3)(scores, values, mask, 1.0, 1.0)
    torch.testing.assert_close(cut[0], torch.zeros(3))


def test_gae_is_left_alone_unless_the_environment_asks(monkeypatch):
    core = SimpleNamespace(compute_gae_advantage_return="verl's")
    monkeypatch.delenv(gae.VARIABLE, raising=False)
    gae.install(core)
    assert core.compute_gae_advantage_return == "verl's"
    monkeypatch.setenv(gae.VARIABLE, "hold:16")
    gae.install(core)
    assert callable(core.compute_gae_advantage_return)


def test_a_score_is_a_grade_and_a_dead_grader_is_an_error(monkeypatch):
    assert rewards.compute_score("lab", r"\boxed{7}", "7", {}, kind="integer") == {"score": 1.0, "acc": 1.0, "verdict": "correct"}
    assert rewards.compute_score("lab", r"\boxed{8}", 7, kind="integer", wrong=-1.0) == {"score": -1.0, "acc": 0.0, "verdict": "wrong"}
    from thinkwell.answers import grade as grader

    monkeypatch.setattr(grader, "extract", lambda *_, **__: 1 / 0)
    with pytest.raises(rewards.NotGraded, match="ZeroDivisionError"):
        rewards.compute_score("lab", r"\boxed{7}", "7", kind="integer")
    assert rewards.compute_score("lab", r"\boxed{7}", "7", kind="integer", unjudged=-0.5)["score"] == -0.5


@pytest.mark.parametrize(("train_on", "start"), [("all", 0), ("exit_only", 2), ("answer_only", 4)])
def test_an_exit_is_what_was_thought_the_inducer_and_the_answer(train_on, start):
    whole = Written([1, 2, 3, 4], [-0.1, -0.2, -0.3, -0.4], Finish.EOS)
    answer = Written([8, 9], [-0.5, -0.6], Finish.EOS)
    member = assembled(whole, 2, [6, 7], answer, Thought(1, 3, True, 4), train_on)
    assert member.ids == [1, 2, 6, 7, 8, 9]
    assert member.logprobs == [-0.1, -0.2, 0.0, 0.0, -0.5, -0.6]
    assert (member.start, member.kept, list(member.injected), member.full) == (start, 1, [2, 3], False)


def test_groups_are_worth_their_mean_advantage_and_equal_ones_nothing():
    worth = sampler.priorities(torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0, 0.0]), ["a", "b", "a", "b", "c", "c"])
    assert worth == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_draws_go_by_priority():
    kept = [sampler.Kept(["0_0"], [{}], None, 0, priority) for priority in (1.0, 3.0)]
    rng = np.random.default_rng(0)
    many = sampler.drawn(kept, 4000, 1.0, rng)
    assert sum(group is kept[1] for group in many) / 4000 == pytest.approx(0.75, abs=0.03)
    assert sampler.drawn([], 3, 1.0, rng) == []
    assert sampler.drawn(kept, 0, 1.0, rng) == []
