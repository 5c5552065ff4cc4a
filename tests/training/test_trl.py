"""What the bridge to TRL does with numbers, without TRL: rewards of a batch, completions that nobody could score, options that would be idle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
import torch

from thinkwell.core.errors import ConfigError
from thinkwell.training import trl as bridge
from thinkwell.training.advantages import dr_grpo, grpo
from thinkwell.training.losses import ppo_clip
from thinkwell.training.rewards import laser, tag_format

NAN = float("nan")
ONE = torch.ones(1)


def test_without_a_shaped_reward_the_columns_are_added_with_their_weights_and_missing_ones_add_nothing():
    rewards = torch.tensor([[1.0, 2.0], [NAN, 4.0], [NAN, NAN], [0.0, 1.0]])
    total, scorable = bridge.total_rewards(bridge.Algorithm(), rewards, torch.ones(4), 2, ["a", "b"], torch.tensor([1.0, 0.5]))
    assert scorable.tolist() == [True, True, False, True]
    assert total[scorable].tolist() == [2.0, 2.0, 0.5]


def test_a_shaped_reward_stands_in_the_place_of_correctness_and_the_format_is_a_condition():
    how = bridge.Algorithm(advantage=grpo, reward=laser, reward_knobs={"target": 10, "alpha": 0.5}, correct="right", valid="tidy")
    rewards = torch.tensor([[0.25, 1.0, 1.0], [0.25, 1.0, 1.0], [0.25, 0.0, 1.0], [0.25, 1.0, 0.0]])
    total, scorable = bridge.total_rewards(
        how, rewards, torch.tensor([8, 20, 8, 8]), 2, ["extra", "right", "tidy"], torch.tensor([1.0, 2.0, 9.0])
    )
    # LASER: 1.5 within the target, 1 beyond, -0.5 wrong, -1 for a wrong format; times 2, plus the other reward; the format adds nothing itself
    assert total.tolist() == [3.25, 2.25, -0.75, -1.75]
    assert scorable.all()


def test_a_completion_without_a_judgement_is_no_member_of_its_group():
    how = bridge.Algorithm(advantage=dr_grpo, reward=laser, reward_knobs={"target": 10})
    rewards = torch.tensor([[1.0], [0.0], [NAN], [1.0]])
    total, scorable = bridge.total_rewards(how, rewards, torch.tensor([5, 5, 5, 5]), 4, ["right"], ONE)
    assert scorable.tolist() == [True, True, False, True]
    mask = torch.tensor([[1, 1], [1, 0], [1, 1], [1, 1]], dtype=torch.bool)
    advantages = bridge.scored(how, total, scorable, mask, 4)
    mean = (1.5 - 0.5 + 1.5) / 3
    torch.testing.assert_close(advantages, torch.tensor([[1.5 - mean] * 2, [-0.5 - mean, 0], [0.0, 0.0], [1.5 - mean] * 2]))


def test_a_batch_that_nobody_could_score_teaches_nothing():
    how = bridge.Algorithm(advantage=grpo, reward=laser)
    total, scorable = bridge.total_rewards(how, torch.full((2, 1), NAN), torch.ones(2), 2, ["right"], ONE)
    assert not scorable.any()
    assert not bridge.scored(how, total, scorable, torch.ones(2, 3, dtype=torch.bool), 2).any()


def test_the_tokens_of_tools_are_not_trained_on():
    mask = torch.tensor([[1, 1, 1, 0]])
    assert bridge.trained_tokens({"completion_mask": mask}).tolist() == [[True, True, True, False]]
    assert bridge.trained_tokens({"completion_mask": mask, "tool_mask": torch.tensor([[1, 0, 1, 1]])}).tolist() == [
        [True, False, True, False]
    ]


@dataclass
class Options:
    scale_rewards: str = "group"
    multi_objective_aggregation: str = "sum_then_normalize"
    epsilon: float = 0.2
    loss_type: str = "dapo"


def test_an_option_that_would_be_idle_is_refused_and_one_that_is_read_is_not():
    bridge.refuse_options(bridge.Algorithm(advantage=grpo, loss=ppo_clip), Options())
    bridge.refuse_options(bridge.Algorithm(advantage=grpo), Options(epsilon=0.3))
    with pytest.raises(ConfigError, match=r"epsilon=0\.3"):
        bridge.refuse_options(bridge.Algorithm(loss=ppo_clip), Options(epsilon=0.3))
    with pytest.raises(ConfigError, match="scale_rewards='none'"):
        bridge.refuse_options(bridge.Algorithm(advantage=grpo), Options(scale_rewards="none"))


@pytest.mark.parametrize("knob", ["batch_tokens", "batch_sequences", "weights"])
def test_what_the_trainer_knows_is_not_a_knob(knob):
    with pytest.raises(ConfigError, match=knob):
        bridge.Algorithm(loss=ppo_clip, loss_knobs={knob: 3})


def test_a_shaped_reward_that_no_advantage_would_see_is_refused():
    with pytest.raises(ConfigError, match="advantage"):
        bridge.Algorithm(reward=laser)


def test_answers_are_graded_in_strings_and_in_conversations_and_a_dead_grader_gives_no_reward(monkeypatch):
    reward = bridge.graded("integer", "gold")
    told = {}
    said = [[{"role": "assistant", "content": r"So \boxed{7}"}], r"\boxed{8}", "I do not know."]
    assert reward(completions=said, gold=["7", "7", "7"], log_metric=told.__setitem__) == [1.0, 0.0, 0.0]
    assert told == {"correctness/unjudged": 0.0}
    from thinkwell.answers import grade as grader

    monkeypatch.setattr(grader, "extract", lambda *_, **__: 1 / 0)
    assert reward(completions=said[1:2], gold=["8"], log_metric=told.__setitem__) == [None]
    assert told == {"correctness/unjudged": 1.0}
    with pytest.raises(ConfigError, match="answer"):
        bridge.graded()(completions=["x"], gold=["7"])


def test_a_reward_on_texts_is_a_reward_function_with_its_name():
    reward = bridge.on_texts(tag_format, tags=("think", "answer"))
    assert reward.__name__ == "tag_format"
    assert reward(completions=["<think>a</think><answer>b</answer>", "b"], prompts=["", ""]) == [1.0, 0.0]


def test_another_trainer_is_told_apart():
    class Other:
        def _calculate_rewards(self, inputs, prompts, completions):
            return None

        def _generate_and_score_completions(self, inputs):
            return {}

        def _get_per_token_logps_and_entropies(self, model, input_ids, attention_mask, logits_to_keep):
            return None

    assert bridge.differences(Other) == [
        "_calculate_rewards takes self, inputs, prompts, completions instead of self, inputs, prompts, completions, completion_ids_list",
        "_compute_loss is gone",
    ]


def test_the_aggregation_of_a_loss_is_its_presets_or_its_own_default():
    from thinkwell.training.losses import gspo

    assert bridge._aggregation_of(bridge.Algorithm(loss=gspo)) == "seq-mean-token-mean"
    assert bridge._aggregation_of(bridge.Algorithm(loss=ppo_clip)) == "token-mean"
    assert bridge._aggregation_of(bridge.Algorithm(loss=partial(gspo, aggregation="token-sum"))) == "token-sum"
