"""The game of sneaky generator and critic: exact truth, paired judgements, rewards of both players, opponents, the offline update, and what a checkpoint keeps."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.training.small import LAB, engine, sample, setting, tokenizer, writer
from thinkwell.core.errors import ConfigError
from thinkwell.core.problem import Problem
from thinkwell.engines.local.engine import LocalEngine
from thinkwell.lab.sneaky import sneak
from thinkwell.training import games as module
from thinkwell.training.games import Arena, Games, Offline, Positions, Rules, Taught, Update, Won, learn, lesson_row, measure_critic
from thinkwell.training.losses import spc
from thinkwell.training.recipes.spc import Config, built
from thinkwell.training.sample import Rollouts, Row, Sample
from thinkwell.training.stage import Draw
from thinkwell.training.turns import Turn

LESSON = ([1, 2, 3, 4], [False, False, True, True])


def arena(**rules: Any) -> Arena:
    plain = lambda step, count: [LESSON] * count  # noqa: E731
    return Arena(Positions((3,)), Rules(**{"games": 12, "max_tokens": 16, **rules}), Update(epochs=1, batch=8), plain, plain)


def draw(source: Positions) -> Draw:
    place = 0

    def next_ones(n: int) -> list[Problem]:
        nonlocal place
        place += n
        return [source.at(place - n + i) for i in range(n)]

    return next_ones


class Hand:
    """Plays both roles by hand: every second rewriting is an attack, others are unread; a critic believes every third step that it sees. Notes which engine was asked."""

    def __init__(self, source: Positions) -> None:
        self.source = source
        self.judges: list[LocalEngine | None] = []

    async def __call__(
        self, by: Any, turns: Sequence[Turn], size: int, *, name: str, engine: LocalEngine | None, max_tokens: int
    ) -> list[Sample]:
        if name == "critique":
            self.judges.append(engine)
        return [self._said(turn, name, k) for k, turn in enumerate(turns)]

    def _said(self, turn: Turn, name: str, k: int) -> Sample:
        if name == "critique":
            text = f"</think>\n\n1. Answer: {'correct' if k % 3 == 0 else 'incorrect'}"
        else:
            place = self.source.place(int(turn.problem.meta["position"]))
            found = next((s for i in range(200) if (s := sneak(random.Random(i), place)) is not None), None)
            text = f"</think>\n\nStep: wrong {found[0]}. {found[1]}" if found is not None and k % 2 == 0 else "</think>\n\n?"
        return replace(sample(text, ids=(5, 6, 7)), problem=turn.problem, verdict=None, group=f"{name}{k}")


def test_positions_are_functions_of_their_number() -> None:
    source = Positions((3,), 5)
    assert source.at(3) == source.at(3) != source.at(4)
    assert source.place(3) == source.place(3)
    assert len(source.held_out(3)) == 3


def test_every_attack_is_judged_beside_its_right_step_and_both_players_are_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    by, own = engine(), arena()
    monkeypatch.setattr(module, "reply", Hand(own.source))

    async def run() -> None:
        await own.play(writer(by), draw(own.source))
        await by.aclose()

    asyncio.run(run())
    attacks = [one for one in own.rewrites if one.meta["attack"]]
    assert 0 < len(attacks) < 12
    assert len(own.critiques) == 2 * len(attacks)
    truths = [one.meta["truth"] for one in own.critiques]
    assert truths == [False, True] * len(attacks)
    for k, one in enumerate(own.critiques):
        believed = k % 3 == 0
        assert one.meta["reward"] == (1.0 if believed is one.meta["truth"] else -1.0)
        assert one.correct is (believed is one.meta["truth"])
    won = {one.problem.id: k % 3 == 0 for k, one in enumerate(own.critiques) if not one.meta["truth"]}
    for one in own.rewrites:
        assert one.meta["reward"] == (1.0 if won.get(one.problem.id, False) else -1.0)
    assert own.metrics["game/attacks"] == len(attacks) / 12
    assert own.metrics["game/unread_rewrites"] >= 0.5
    assert own.metrics["game/generator_wins"] == pytest.approx(1 - own.metrics["game/wrong_found"])
    assert own.metrics["game/generator_wins"] == sum(won.values()) / len(won)


def test_the_ablations_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    by, own = engine(), arena(paired=False, solver_reward=False)
    monkeypatch.setattr(module, "reply", Hand(own.source))

    async def run() -> None:
        await own.play(writer(by), draw(own.source))
        await by.aclose()

    asyncio.run(run())
    assert not any(one.meta["truth"] for one in own.critiques)
    unread = [one for one in own.rewrites if not one.meta["step"]]
    assert {one.meta["reward"] for one in unread} == {-1.0}


@pytest.mark.parametrize(("opponent", "older"), [("balanced", True), ("latest", False)])
def test_from_the_second_round_on_the_balanced_opponent_is_the_first_critic(
    monkeypatch: pytest.MonkeyPatch, opponent: str, older: bool
) -> None:
    by, own = engine(), arena(opponent=opponent)
    hand = Hand(own.source)
    monkeypatch.setattr(module, "reply", hand)
    first = copy.deepcopy(by.module.state_dict())

    async def run() -> None:
        await own.play(writer(by), draw(own.source))
        with torch.no_grad():
            for weight in by.module.parameters():
                weight.add_(0.01)
        await own.play(writer(by, tag="1"), draw(own.source))
        await by.aclose()

    asyncio.run(run())
    assert hand.judges[0] is None
    assert (hand.judges[1] is not None) is older
    if hand.judges[1] is not None:
        judge = hand.judges[1].module.state_dict()
        assert all(torch.equal(judge[name], first[name]) for name in first)
    assert any(not torch.equal(own.weights["generator"][name], first[name]) for name in first)  # it learnt from the first round
    assert all(torch.equal(own.weights["first"][name], first[name]) for name in first)
    assert {one.meta["round"] for one in own.critiques} == {1, 2}


def test_a_step_trains_on_games_with_the_first_weights_as_reference_and_as_many_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    by, own = engine(), arena()
    monkeypatch.setattr(module, "reply", Hand(own.source))

    async def run() -> list[Sample]:
        found = await Games(own, 1, 6).collect(writer(by), draw(own.source))
        again = await Games(own, 1, 6).collect(writer(by), draw(own.source))
        later = await Games(own, 1, 6).collect(writer(by, tag="1"), draw(own.source))
        assert [one.path for one in found] == [one.path for one in again]
        assert len(later) == 6
        await by.aclose()
        return found

    found = asyncio.run(run())
    assert own.played == 1
    rows = [Row(one, 1.0, torch.tensor(one.mask()), torch.ones(len(one.path))) for one in found]
    mixed = Taught(own).mix(rows, 3)
    assert len(mixed) == 12
    assert [bool(row.sample.meta.get("lesson")) for row in mixed] == [False] * 6 + [True] * 6
    expected = own.reference([row.sample.path.tokens for row in rows], [row.mask for row in rows])
    assert all(torch.equal(row.old_logp, old) for row, old in zip(mixed, expected, strict=False) if row.old_logp is not None)
    assert all(row.sample.meta["games"] == 6 == row.sample.meta["lessons"] for row in mixed)
    assert Taught(own).mix([], 0) == []


def test_the_loss_of_mixed_rows_is_the_papers_and_micro_batches_add_up() -> None:
    torch.manual_seed(0)
    logp, old = -torch.rand(4, 3, dtype=torch.float64), -torch.rand(4, 3, dtype=torch.float64)
    mask = torch.tensor([[True, True, False], [True, True, True], [False, True, True], [False, False, True]])
    rewards = torch.tensor([1.0, -1.0, 0.0, 0.0], dtype=torch.float64)[:, None].expand(4, 3)
    counts = {"games": 2, "lessons": 2}
    rows = [Row(sample(**counts), 0, mask[i], rewards[i]) for i in (0, 1)] + [
        Row(sample(lesson=True, **counts), 0, mask[i], rewards[i]) for i in (2, 3)
    ]
    loss = Offline(Update())
    whole, _ = loss(logp, old, rewards, mask, rows=rows, batch_sequences=4.0, weights=None, batch_tokens=8.0, max_length=9.0)
    pieces = [
        loss(logp[cut], old[cut], rewards[cut], mask[cut], rows=[rows[i] for i in cut], batch_sequences=4.0)[0] for cut in ([0, 2], [1, 3])
    ]
    assert float(whole) == pytest.approx(float(sum(pieces)))
    sft = torch.tensor([False, False, True, True])
    assert float(whole) == pytest.approx(float(spc(logp, old, rewards, mask, sft=sft)[0]))


def test_the_generators_update_raises_what_won_and_lowers_what_lost() -> None:
    from thinkwell.training.policy import LogProbs, logprobs_of

    player = engine().module
    first = copy.deepcopy(player)
    won = sample(ids=(11, 12, 13), reward=1.0)
    lost = sample(ids=(21, 22, 23), reward=-1.0)

    def likelihood(of: Sample) -> float:
        return float(logprobs_of(LogProbs(player), [of.path.tokens], [torch.tensor(of.mask())], tokens=64)[0].sum())

    before = likelihood(won), likelihood(lost)
    values = learn(player, first, [won, lost] * 4, lambda step, count: [LESSON] * count, Update(rate=1e-3, epochs=4, batch=4), "key")
    assert len(values) == 8
    assert likelihood(won) > before[0]
    assert likelihood(lost) < before[1]


def test_micro_batches_change_nothing_in_the_generators_update(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [sample(ids=tuple(range(10, 13 + k)), reward=1.0 if k % 2 else -1.0) for k in range(6)]
    found = []
    for tokens in (8192, 12):
        monkeypatch.setattr(module, "MICRO_TOKENS", tokens)
        player = engine().module
        first = copy.deepcopy(player)
        found.append(learn(player, first, samples, lambda step, count: [LESSON] * count, Update(rate=1e-3, epochs=3, batch=4), "key"))
    assert found[0] == pytest.approx(found[1], rel=1e-4)
    assert found[0][-1] != pytest.approx(found[0][0], rel=1e-3)


def test_a_lesson_carries_the_loss_where_its_flags_say() -> None:
    row = lesson_row(*LESSON, name="x")
    assert row.mask.tolist() == row.sample.mask() == LESSON[1]
    assert row.sample.path.tokens == LESSON[0]


def test_rewards_are_those_of_the_games_less_the_mean_if_asked() -> None:
    batch = Rollouts((sample(reward=1.0), sample(reward=-1.0), sample(reward=-1.0), sample(reward=-1.0)))
    assert Won()(batch, 0).values.tolist() == [1, -1, -1, -1]
    assert Won("mean")(batch, 0).values.tolist() == [1.5, -0.5, -0.5, -0.5]


def test_a_checkpoint_keeps_players_and_games(monkeypatch: pytest.MonkeyPatch) -> None:
    by, own, other = engine(), arena(), arena()
    monkeypatch.setattr(module, "reply", Hand(own.source))

    async def run() -> None:
        one = await Games(own, 1, 6).collect(writer(by), draw(own.source))
        Games(other, 1, 6).load_state_dict(Games(own, 1, 6).state_dict())
        two = await Games(other, 1, 6).collect(writer(by), draw(own.source))
        assert [sample.meta for sample in one] == [sample.meta for sample in two]
        assert (other.played, other.metrics) == (own.played, own.metrics)
        assert all(torch.equal(other.weights["first"][name], tensor) for name, tensor in own.weights["first"].items())
        await by.aclose()

    asyncio.run(run())


def test_games_without_an_attack_are_an_error_and_not_an_empty_step() -> None:
    by, own = engine(), arena(games=2)

    async def run() -> None:
        with pytest.raises(ConfigError, match="none of the 2 rewritten steps"):
            await Games(own, 1, 6).collect(writer(by), draw(own.source))
        await by.aclose()

    asyncio.run(run())


def test_a_critic_that_says_nothing_readable_is_measured_as_such() -> None:
    by = engine()

    async def run() -> None:
        found = await measure_critic(by, LAB, (3,), 12, max_tokens=4)
        assert (found.mean, found.unread, found.n) == (0.0, 1.0, 12)
        await by.aclose()

    asyncio.run(run())


def test_the_recipes_arena_has_lessons_of_both_players() -> None:
    own = built(Config(levels=(3,)), setting())
    for lessons, word in ((own.critic_lessons, "Answer:"), (own.generator_lessons, "Step: wrong")):
        rows = lessons(0, 3)
        assert len(rows) == 3
        texts = [tokenizer().decode([i for i, flag in zip(ids, flags, strict=True) if flag]) for ids, flags in rows]
        assert all(word in text for text in texts)
        assert rows == lessons(0, 3) != lessons(1, 3)
