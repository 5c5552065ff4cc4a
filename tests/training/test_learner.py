"""The learner on hand-made samples: schedules, mini-batches, where the KL goes, the anchor, the critic, importance weights, replayed rows, several processes."""

from __future__ import annotations

import copy
import math
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from thinkwell.core.answer import AnswerKind, Stage, Verdict, VerdictValue
from thinkwell.core.path import Finish, Origin, Segment
from thinkwell.core.path import Path as TokenPath
from thinkwell.core.problem import Problem
from thinkwell.training import advantages, losses
from thinkwell.training.experience import Experience
from thinkwell.training.learner import Learner, Means, NotFinite, parts_of, rate_at
from thinkwell.training.policy import LogProbs
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.rollouts.group import Group
from thinkwell.training.sample import Rewarded, Rollouts, Sample
from thinkwell.training.stage import Critic, Kl, Optimiser, Rl, Sft, of

ROOT = Path(__file__).resolve().parents[2]


def problem(name: str = "p", reference: str | None = "4") -> Problem:
    return Problem(name, f"What is two and two, {name}?", reference, AnswerKind.INTEGER)


def sample(
    group: str = "g",
    *,
    right: bool | None = True,
    tokens: Sequence[int] = (5, 6, 7),
    prompt: Sequence[int] = (1, 2),
    finish: Finish = Finish.EOS,
    text: str = "",
    finished: bool = True,
    **more: object,
) -> Sample:
    """A sample of given tokens; right None is one that nobody graded."""
    path = TokenPath(
        "0",
        (
            Segment("ask", Origin.PROMPT, tuple(prompt)),
            Segment(text or "".join(f" {token}" for token in tokens), Origin.MODEL, tuple(tokens), logprobs=(-1.0,) * len(tokens)),
        ),
        finish,
    )
    verdict = None if right is None else Verdict(VerdictValue.CORRECT if right else VerdictValue.WRONG, "4", Stage.EXTRACT)
    return Sample(path, problem(group), group, verdict=verdict, finished=finished, **more)  # type: ignore[arg-type]


def model(seed: int = 0) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    sizes = {"vocab_size": 61, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    more = {"intermediate_size": 48, "tie_word_embeddings": True, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 2}
    return Qwen3ForCausalLM(Qwen3Config(**sizes, **more))


def learner(module: Any | None = None, micro_tokens: int = 64, **more: Any) -> Learner:
    options = {"pad": 0, "micro_tokens": micro_tokens, "temperature": 1.0, "max_tokens": 40, "seed": 3}
    return Learner(module or model(), Accelerator(cpu=True), **{**options, **more})


def stage(**more: Any) -> Rl:
    plain: dict[str, Any] = {
        "rollout": Group(4, 2),
        "reward": Correct(),
        "advantage": of(advantages.grpo),
        "loss": partial(losses.ppo_clip, aggregation="seq-mean-token-mean"),
        "steps": 10,
        "optimiser": Optimiser(rate=1e-2),
    }
    return Rl(**{**plain, **more})


def experience(seed: int = 0, **more: Any) -> Experience:
    """Two groups of four, ragged, half right."""
    rng = random.Random(seed)
    made = []
    for group in ("a", "b"):
        prompt = [rng.randrange(3, 60) for _ in range(rng.randint(2, 6))]
        for place in range(4):
            tokens = [rng.randrange(3, 60) for _ in range(rng.randint(2, 12))]
            made.append(sample(group, right=place % 2 == 0, tokens=tokens, prompt=prompt, **more))
    return given(made)


def given(made: list[Any]) -> Experience:
    batch = Rollouts(tuple(made))
    rewards = Rewarded(batch.correct.double())
    return Experience(batch, rewards, batch, rewards)


def one_step(module: Any, how: Rl, seen: Experience, step: int = 0, **more: Any) -> dict[str, float]:
    subject = learner(module, **more)
    subject.begin(how)
    rows, metrics = subject.rows(seen, how)
    return metrics | subject.update(rows, how, step)


def weights(module: Any) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in module.parameters()])


def test_the_rate_warms_up_then_stays_or_falls_to_a_tenth() -> None:
    how = Optimiser(warmup=4)
    assert [rate_at(how, step, 100) for step in (0, 1, 3, 4, 99)] == pytest.approx([0.2, 0.4, 0.8, 1.0, 1.0])
    falling = Optimiser(warmup=4, decay="cosine")
    assert rate_at(falling, 4, 104) == 1.0
    assert rate_at(falling, 54, 104) == pytest.approx(0.55)
    assert rate_at(falling, 104, 104) == pytest.approx(0.1)
    rates = [rate_at(falling, step, 104) for step in range(4, 105)]
    assert rates == sorted(rates, reverse=True)
    assert rate_at(falling, 9, 3) == 1.0  # a stage shorter than its warm-up


def test_mini_batches_hold_each_row_once_in_an_order_that_is_a_function_of_the_key() -> None:
    parts = list(parts_of(10, 3, "0/rl/4/0"))
    assert sorted(index for part in parts for index in part) == list(range(10))
    assert sorted(map(len, parts)) == [3, 3, 4]
    assert parts == list(parts_of(10, 3, "0/rl/4/0"))
    assert parts != list(parts_of(10, 3, "0/rl/5/0"))
    assert list(parts_of(4, 1, "x")) == [[0, 1, 2, 3]]
    assert sorted(map(len, parts_of(2, 5, "x"))) == [1, 1]


def test_means_of_micro_batches_are_weighted_and_extremes_stay_extremes() -> None:
    total = Means()
    total.add({"a": 1.0, "ratio_max": 3.0, "ratio_min": 0.5}, 1)
    total.add({"a": 4.0, "ratio_max": 2.0, "ratio_min": 0.7}, 3)
    assert total.result() == {"a": 3.25, "ratio_max": 3.0, "ratio_min": 0.5}


def test_micro_batches_do_not_change_an_update() -> None:
    found = []
    for tokens in (1, 30, 10_000):
        module = model()
        metrics = one_step(module, stage(), experience(), micro_tokens=tokens)
        found.append((weights(module), metrics["loss"], metrics["grad_norm"]))
    for after, loss, norm in found[1:]:
        torch.testing.assert_close(
            after, found[0][0], rtol=0, atol=2e-4
        )  # AdamW's first step magnifies rounding where a gradient is nearly nothing
        assert loss == pytest.approx(found[0][1], abs=1e-6)
        assert norm == pytest.approx(found[0][2], rel=1e-4)


def test_an_update_raises_the_right_and_lowers_the_wrong() -> None:
    module, seen = model(), experience()
    subject = learner(module)
    how = stage()
    subject.begin(how)
    ids = [one.path.tokens for one in seen.batch.samples]
    masks = [torch.tensor(one.mask()) for one in seen.batch.samples]
    before = subject.logprobs(ids, masks)
    for step in range(5):
        rows, _ = subject.rows(seen, how)
        subject.update(rows, how, step)
    after = subject.logprobs(ids, masks)
    gain = [float((b.sum() - a.sum()) / m.sum()) for a, b, m in zip(before, after, masks, strict=True)]
    right = seen.batch.correct.tolist()
    assert min(g for g, good in zip(gain, right, strict=True) if good) > max(g for g, good in zip(gain, right, strict=True) if not good)
    assert subject.version == 5


def test_old_log_probs_are_kept_only_where_an_update_moves_away_from_them() -> None:
    subject, seen = learner(), experience()
    for how, kept in ((stage(), False), (stage(passes=2), True), (stage(minibatches=2), True), (stage(importance_cap=2.0), True)):
        subject.begin(how)
        rows, _ = subject.rows(seen, how)
        assert all((row.old_logp is not None) == kept for row in rows)


@pytest.mark.parametrize("place", ["reward", "token_reward", "centred"])
def test_a_policy_that_is_its_reference_pays_no_kl(place: str) -> None:
    subject, seen = learner(), experience()
    how, plain = stage(kl=Kl(coef=0.5, place=place)), stage()  # type: ignore[arg-type]
    if place == "token_reward":
        how = replace(how, advantage=lambda view: advantages.reinforce_pp(view.rewards, view.mask, view.group_ids))
        plain = replace(plain, advantage=how.advantage)
    subject.begin(plain)
    expected, _ = subject.rows(seen, plain)
    subject.begin(how)
    rows, _ = subject.rows(seen, how)
    for row, other in zip(rows, expected, strict=True):
        torch.testing.assert_close(row.advantage, other.advantage.to(row.advantage), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("place", ["reward", "centred"])
def test_a_policy_away_from_its_reference_pays(place: str) -> None:
    subject, seen = learner(), experience()
    how = stage(kl=Kl(coef=0.5, place=place))  # type: ignore[arg-type]
    subject.begin(how)
    calm, _ = subject.rows(seen, how)
    for step in range(3):
        subject.update(calm, how, step)
    rows, metrics = subject.rows(seen, how)
    assert any(not torch.allclose(row.advantage, other.advantage, atol=1e-4) for row, other in zip(rows, calm, strict=True))
    if place == "reward":
        assert "kl" in metrics


def test_the_kl_loss_is_nothing_at_the_reference_and_pulls_back_to_it() -> None:
    seen = experience()
    moved = {}
    for coefficient in (0.0, 5.0):
        module = model()
        how = stage(kl=Kl(coef=coefficient), advantage=lambda view: view.mask.float())
        subject = learner(module)
        subject.begin(how)
        start = weights(module)
        for step in range(6):
            rows, _ = subject.rows(seen, how)
            subject.update(rows, how, step)
        moved[coefficient] = float((weights(module) - start).norm())
        assert subject.reference is not None
        assert torch.equal(weights(subject.reference), start)
    assert moved[5.0] < moved[0.0]


def test_the_anchor_follows_the_policy_and_is_put_back_every_so_often() -> None:
    module, seen = model(), experience()
    how = stage(kl=Kl(coef=0.0, to="ema", ema=0.75, reset_every=3))
    subject = learner(module)
    subject.begin(how)
    assert subject.reference is not None
    for step in range(3):
        before = weights(subject.reference)
        rows, _ = subject.rows(seen, how)
        subject.update(rows, how, step)
        expected = weights(module) if step == 2 else 0.75 * before + 0.25 * weights(module)
        torch.testing.assert_close(weights(subject.reference), expected, rtol=1e-5, atol=1e-6)


def test_a_critic_learns_alone_while_it_warms_up_and_comes_nearer_to_its_targets() -> None:
    module, seen = model(), experience()
    critic = Critic(targets=lambda view: view.rewards[:, None].expand(view.mask.shape).float(), warmup=4, optimiser=Optimiser(rate=1e-2))
    subject = learner(module)
    how = stage(critic=critic)
    subject.begin(how)
    start, errors = weights(module), []
    for step in range(4):
        rows, _ = subject.rows(seen, how)
        assert all(row.returns is not None and row.old_values is not None for row in rows)
        metrics = subject.update(rows, how, step)
        errors.append(metrics["value/value_error"])
        assert "loss" not in metrics
    assert torch.equal(weights(module), start)
    assert errors[-1] < errors[0]
    subject.update(subject.rows(seen, how)[0], how, 4)
    assert not torch.equal(weights(module), start)


def test_tokens_that_nobody_sampled_have_no_importance() -> None:
    """The middle segment is injected and carries the loss: it has no log-prob of its own, so its weight is 1 whatever the cap."""
    module = model()
    subject = learner(module)
    how = stage(importance_cap=1.5)
    subject.begin(how)
    prompt, own, put, rest = (5, 6), (7, 8), (9, 10), (11, 12)
    logp = LogProbs(module)(torch.tensor([[*prompt, *own, *put, *rest]]), torch.tensor([[False] * 2 + [True] * 6]))[0][0].detach()
    drift = (
        (logp[2:4] + 5).tolist(),
        (logp[6:] - 5).tolist(),
    )  # the engine thought these much likelier, and much less likely, than the trainer does
    segments = (
        Segment("q", Origin.PROMPT, prompt),
        Segment(" a", Origin.MODEL, own, logprobs=tuple(drift[0])),
        Segment(" put", Origin.INJECTED, put),
        Segment(" b", Origin.MODEL, rest, logprobs=tuple(drift[1])),
    )
    made = replace(sample("a"), path=TokenPath("0", segments, Finish.EOS), trained=frozenset({Origin.MODEL, Origin.INJECTED}))
    rows, _ = subject.rows(given([made, sample("a", right=False)]), how)
    old_BT = torch.stack([row.old_logp[:8] for row in rows[:1] if row.old_logp is not None])
    found, metrics = subject._weights(rows[:1], old_BT, rows[0].mask[None], how)
    assert found is not None
    assert found[0, 2:].tolist() == pytest.approx([math.exp(-5)] * 2 + [1.0, 1.0] + [1.5] * 2, rel=1e-3)
    assert all(name.startswith("importance/") for name in metrics)


def test_a_sample_that_is_in_the_batch_twice_keeps_its_own_reference() -> None:
    """Replayed rows may hold one sample twice, and tensors cannot be compared by ==."""
    seen = experience()
    how = stage(kl=Kl(coef=0.1))
    subject = learner()
    subject.begin(how)
    rows, _ = subject.rows(seen, how)
    metrics = subject.update([*rows, replace(rows[0], weight=0.5)], how, 0)
    assert math.isfinite(metrics["loss"])


def test_a_loss_that_is_no_number_stops_with_the_batch() -> None:
    subject, seen = learner(), experience()
    how = stage(loss=lambda logp, *_, **__: (logp.sum() * float("nan"), {}))
    subject.begin(how)
    start = weights(subject.module)
    with pytest.raises(NotFinite) as caught:
        subject.update(subject.rows(seen, how)[0], how, 0)
    assert {"ids", "mask", "advantages", "logp"} <= caught.value.batch.keys()
    assert torch.equal(weights(subject.module), start)


def test_rows_without_a_token_to_learn_are_left_out() -> None:
    subject = learner()
    how = stage()
    subject.begin(how)
    start = weights(subject.module)
    rows, _ = subject.rows(given([replace(sample("a"), start=99), replace(sample("a", right=False), start=99)]), how)
    assert "loss" not in subject.update(rows, how, 0)
    assert torch.equal(weights(subject.module), start)
    assert subject.rows(given([]), how) == ([], {})


def test_supervised_steps_lower_the_mean_loss_of_the_learnt_tokens_alone() -> None:
    module = model()
    subject = learner(module, micro_tokens=12)
    how = Optimiser(rate=1e-2)
    subject.begin(Sft(rows=lambda step: [], steps=5, optimiser=how))
    rows = [([5, 6, 7, 8, 9], [False, False, True, True, True]), ([5, 6, 11], [True, False, True])]
    logp = [
        module(input_ids=torch.tensor([ids])).logits[0, :-1].log_softmax(-1)[torch.arange(len(ids) - 1), ids[1:]].detach()
        for ids, _ in rows
    ]
    expected = -(logp[0][1:].sum() + logp[1][1]) / 4
    found = [subject.supervise(rows, how, step, 5) for step in range(5)]
    assert found[0]["loss"] == pytest.approx(float(expected), rel=1e-5)
    assert found[0]["learnt_tokens"] == 4
    assert found[-1]["loss"] < found[0]["loss"]


def test_a_learner_goes_on_from_its_state_with_equal_weights() -> None:
    seen, how = experience(), stage(kl=Kl(coef=0.1, to="ema"))
    one = learner(model())
    one.begin(how)
    one.update(one.rows(seen, how)[0], how, 0)
    other = learner(model(9))
    other.begin(how)
    other.load_state_dict(copy.deepcopy(one.state_dict()))  # as from a file
    for subject in (one, other):
        subject.update(subject.rows(seen, how)[0], how, 1)
    assert torch.equal(weights(one.module), weights(other.module))
    assert one.version == other.version == 2


SCRIPT = """
import sys
import torch
torch.set_num_threads(1)
from accelerate import Accelerator
from tests.training.test_learner import experience, model, one_step, stage, weights
from thinkwell.training.stage import Kl
module = model()
metrics = one_step(module, stage(kl=Kl(coef=0.1)), experience(), micro_tokens=20)
accelerator = Accelerator(cpu=True)
if accelerator.is_main_process:
    torch.save({"weights": weights(module), "norm": metrics["grad_norm"], "processes": accelerator.num_processes}, sys.argv[1])
"""


def test_two_processes_make_the_update_of_one(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        str(script),
        str(tmp_path / "two.pt"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    module = model()
    metrics = one_step(module, stage(kl=Kl(coef=0.1)), experience(), micro_tokens=20)
    two = torch.load(tmp_path / "two.pt")
    assert two["processes"] == 2
    assert two["norm"] == pytest.approx(metrics["grad_norm"], rel=1e-4)
    torch.testing.assert_close(two["weights"], weights(module), rtol=0, atol=2e-4)
