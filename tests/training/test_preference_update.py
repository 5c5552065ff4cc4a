"""One update of preference training on a tiny model: the pairs are learnt, micro-batches change nothing, the reference stays where the stage began."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from tests.training.small import engine, tokenizer, writer
from tests.training.test_pairs import Worth
from thinkwell.core.problem import Problem
from thinkwell.lab.models import new_policy
from thinkwell.training.learner import Learner
from thinkwell.training.pairs import Pairs, preference_loss
from thinkwell.training.policy import LogProbs, logprobs_of
from thinkwell.training.preference_stage import preference_step, update
from thinkwell.training.problems import LabProblems
from thinkwell.training.stage import Optimiser, Preference


def stage(min_gap: float = 0.0, **more: Any) -> Preference:
    settings = {"steps": 6, "rounds": 2, "batch": 4, "optimiser": Optimiser(rate=1e-3), **more}
    return Preference(make=Pairs(Worth(), prompts=4, samples=4, min_gap=min_gap), **settings)


def learner(of: Preference, micro_tokens: int = 4096) -> Learner:
    module = new_policy(tokenizer(), 0, width=32, layers=2)
    made = Learner(module, Accelerator(cpu=True), pad=0, micro_tokens=micro_tokens, temperature=1.0, max_tokens=24, seed=0)
    made.begin(of)
    return made


def take(of: Preference, by: Learner, steps: int) -> list[dict[str, Any]]:
    """Pairs come from an engine that does not learn, so that every run of a test sees the same ones."""
    source, rows = LabProblems((1,), 0), []
    for step in range(steps):

        def draw(n: int, first: int = 100 * step) -> list[Problem]:
            return [source.at(first + i) for i in range(n)]

        row, _ = asyncio.run(preference_step(by, of, step, writer(engine(), 24, tag=str(step)), draw))
        rows.append(row)
    return rows


def test_the_chosen_responses_become_likelier_than_the_rejected_ones() -> None:
    of = stage(steps=12, rounds=1)
    rows = take(of, learner(of), 12)
    assert rows[0]["reward_chosen"] == pytest.approx(0, abs=1e-5)
    assert rows[0]["loss_pref"] == pytest.approx(0.6931, abs=1e-3)
    assert rows[0]["loss_quality"] == pytest.approx(2 * 0.6931, abs=1e-3)
    assert rows[-1]["pair_accuracy"] == 1.0
    assert rows[-1]["reward_chosen"] > rows[-1]["reward_rejected"]
    assert rows[-1]["logp_chosen"] > rows[0]["logp_chosen"]


def test_a_round_makes_new_pairs_and_the_steps_between_none() -> None:
    of = stage()
    rows = take(of, learner(of), 4)
    assert ["pairs/made" in row for row in rows] == [True, False, False, True]
    assert rows[0]["samples"] == 16
    assert rows[0]["pairs"] == min(4, rows[0]["pairs/made"]) > 0


def test_the_shift_follows_the_implicit_rewards_of_the_whole_batch() -> None:
    of = stage(loss={"shift_momentum": 0.9, "beta": 1.0})
    rows = take(of, learner(of), 3)
    shift = 0.0
    for row in rows:
        shift = 0.9 * shift + 0.1 * (row["reward_chosen"] + row["reward_rejected"]) / 2
        assert row["shift"] == pytest.approx(shift, abs=1e-6)
    assert shift != 0


def test_micro_batches_change_neither_gradient_nor_shift_nor_metrics() -> None:
    outcomes = []
    for micro in (4096, 64):
        of = stage(loss={"beta": 0.5})
        by = learner(of, micro)
        rows = take(of, by, 3)
        outcomes.append((rows[-1], torch.cat([p.detach().flatten() for p in by.module.parameters()])))
    (whole, weights), (parts, others) = outcomes
    assert torch.allclose(weights, others, atol=1e-5)
    for name in ("loss", "loss_pref", "loss_quality", "loss_gen", "reward_chosen", "shift", "grad_norm"):
        assert whole[name] == pytest.approx(parts[name], rel=1e-3, abs=1e-5), name


def test_the_reference_is_the_policy_of_the_stages_start() -> None:
    of = stage()
    by = learner(of)
    take(of, by, 2)
    assert by.reference is not None
    pair = of.make.pairs[0]
    ids, mask = [pair.chosen.path.tokens], [torch.tensor(pair.chosen.mask())]
    start = LogProbs(new_policy(tokenizer(), 0, width=32, layers=2))
    assert torch.allclose(logprobs_of(by.reference, ids, mask, tokens=4096)[0], logprobs_of(start, ids, mask, tokens=4096)[0])
    assert not torch.allclose(logprobs_of(by.forward, ids, mask, tokens=4096)[0], logprobs_of(start, ids, mask, tokens=4096)[0], atol=1e-4)


def test_the_loss_reported_is_the_loss_on_the_batch() -> None:
    of = stage(batch=3)
    by = learner(of)
    take(of, by, 1)
    pairs = of.make.batch(1, 3)
    rows = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    width = max(len(row.path) for row in rows)
    mask = torch.zeros(len(rows), width, dtype=torch.bool)
    logp, ref = torch.zeros(len(rows), width), torch.zeros(len(rows), width)
    assert by.reference is not None
    for place, row in enumerate(rows):
        mask[place, : len(row.path)] = torch.tensor(row.mask())
        for target, forward in ((logp, by.forward), (ref, by.reference)):
            target[place, : len(row.path)] = logprobs_of(forward, [row.path.tokens], [torch.tensor(row.mask())], tokens=4096)[0]
    expected, _ = preference_loss(logp, ref, mask, shift=of.make.shift)
    metrics, _ = update(by, of, pairs, 1, of.make.shift)
    assert metrics["loss"] == pytest.approx(float(expected), abs=1e-4)


def test_a_round_without_pairs_updates_nothing_and_says_so() -> None:
    of = stage(min_gap=10.0)
    by = learner(of)
    before = [p.detach().clone() for p in by.module.parameters()]
    (row,) = take(of, by, 1)
    assert row["pairs"] == row["pairs/made"] == 0
    assert "loss" not in row
    assert all(torch.equal(a, b) for a, b in zip(before, by.module.parameters(), strict=True))
