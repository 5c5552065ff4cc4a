"""Every claim about training can be run: recipes and knobs exist, effects name arms, the paper's baseline and an ablation are there."""

from __future__ import annotations

import pytest

from thinkwell.claims.trained import TRAINED, Training
from thinkwell.lab import starts
from thinkwell.training.recipe import RECIPES

PAPERS = [paper for _, paper in TRAINED.items()]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_arms_are_recipes_with_knobs_they_have(paper: Training) -> None:
    for scale, steps in paper.steps.items():
        for name, arm in paper.arms.items():
            recipe = RECIPES.get(arm.recipe)
            recipe.Config.parse({"steps": steps, **paper.common, **arm.knobs}, f"{name} ({scale})")
            assert arm.model == "lab" or arm.model in starts.names()


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_effects_name_arms_and_every_arm_is_named(paper: Training) -> None:
    named = {arm for effect in paper.effects for arm in (effect.left, effect.right) if arm is not None}
    assert named == set(paper.arms)
    assert paper.name in {arm.recipe for arm in paper.arms.values()}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_a_claim_has_three_seeds_and_compares_with_something(paper: Training) -> None:
    assert min(paper.seeds.values()) >= 3
    assert any(effect.right is not None for effect in paper.effects)
    assert len(paper.arms) >= 2
    assert paper.summary
    assert paper.reason


def test_claims_start_every_arm_of_a_paper_from_the_same_model() -> None:
    for paper in PAPERS:
        models = {arm.model if arm.model != "lab" else RECIPES.get(arm.recipe).start for arm in paper.arms.values()}
        assert len(models) == 1, (paper.name, models)
