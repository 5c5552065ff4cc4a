from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.training.recipes.lengths import run, stages_of
from tests.training.small import rollouts, sample
from thinkwell.training.filters import Signal
from thinkwell.training.recipes import conciser
from thinkwell.training.rewards.applied import Correct
from thinkwell.training.stage import View

SOLVED = [sample(tokens=tokens, group="a") for tokens in (100, 200, 300, 600)]
MIXED = [sample(tokens=100, group="b"), sample(tokens=300, group="b", correct=False)]
BATCH = rollouts(*SOLVED, *MIXED)


def test_first_right_then_short() -> None:
    walk, go = stages_of(conciser, steps=40, concise_steps=15)
    assert (walk.name, walk.steps, go.name, go.steps) == ("grpo++", 25, "l-grpo", 15)
    assert isinstance(walk.reward, Correct)
    assert walk.reward(BATCH, 1).values.tolist() == [1, 1, 1, 1, 1, 0]
    assert [stage.entropy for stage in (walk, go)] == [1e-3, 1e-3]


def test_each_stage_filters_by_what_it_learns_from() -> None:
    """By accuracy, stage 2 would drop just the groups that carry its signal."""
    walk, go = stages_of(conciser)
    assert walk.filters == (Signal(on="accuracy"),)
    assert go.filters == (Signal(on="reward"),)
    kept = [stage.filters[0](BATCH, stage.reward(BATCH, 1)).tolist() for stage in (walk, go)]
    assert kept == [[False] * 4 + [True] * 2, [True] * 6]


def test_length_counts_only_where_every_response_is_right() -> None:
    _, go = stages_of(conciser, max_tokens=1000)
    given = go.reward(BATCH, 1)
    assert given.values.tolist() == pytest.approx([1.9, 1.8, 1.7, 1.4, 1, 0])
    assert given.parts["gated"].tolist() == [1, 1, 1, 1, 0, 0]
    _, free = stages_of(conciser, max_tokens=1000, gate="correct")
    assert free.reward(BATCH, 1).values.tolist()[4:] == pytest.approx([1.9, 0])


@pytest.mark.parametrize("coef", [0.5, 5.0])
def test_the_size_of_the_length_term_does_not_matter(coef: float) -> None:
    _, go = stages_of(conciser, coef=coef)
    batch = rollouts(*SOLVED)
    values = go.reward(batch, 1).values
    advantage = go.advantage(View(batch, values, values[:, None] == values[:, None], batch.group_ids, batch.finished, batch.cut))
    assert advantage[:, 0].tolist() == pytest.approx([0.9258, 0.4629, 0, -1.3887], abs=1e-4)


def test_running_before_walking_is_one_stage_and_too_long_a_run_is_refused() -> None:
    assert [stage.name for stage in stages_of(conciser, steps=10, concise_steps=10)] == ["l-grpo"]
    assert [stage.name for stage in stages_of(conciser, steps=10, concise_steps=0)] == ["grpo++"]
    with pytest.raises(ValidationError, match="concise_steps=11 is more than steps=10"):
        conciser.Config(steps=10, concise_steps=11)


def test_a_run_goes_through_both_stages(tmp_path: Path) -> None:
    rows = run("conciser", tmp_path, model="policy", concise_steps=1, prompts=2, group_size=4, max_tokens=120, levels=(2, 3))
    assert [row["stage"] for row in rows] == ["grpo++", "l-grpo"]
    assert "reward/gated" in rows[1]
