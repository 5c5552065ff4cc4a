"""SPC (Chen et al. 2025): games against a sneaky generator make a step critic better on natural errors; unbalanced games or unpaired samples undo it.

The model that knows the critic's turn (`skills`). Round 0 of the paper, after the supervised stage and before any game, is the recipe with a rate of nothing. The ablations are the
paper's two collapses: the generator plays the newest critic, and the critic sees wrong steps only. The critic is measured greedy on 400 steps of the test split, no generator's.
"""

from __future__ import annotations

from thinkwell.claims.readings import critic
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

ROUND_0, LATEST, UNPAIRED = "spc:rate=1e-12", "spc:opponent=latest", "spc:paired=false"

TRAINED.add("spc")(
    Training(
        "spc",
        "SPC: Evolving Self-Play Critic via Adversarial Games for LLM Reasoning (Chen et al. 2025)",
        "2504.19162",
        "A supervised stage and games a quarter to a half of the recipe's, for the time. The score is the paper's harmonic mean of right steps kept and wrong steps found.",
        arms={
            "spc": Arm("spc"),
            ROUND_0: Arm("spc", {"rate": 1e-12, "steps": 2, "games": 64}),
            LATEST: Arm("spc", {"opponent": "latest"}),
            UNPAIRED: Arm("spc", {"paired": False}),
        },
        effects=(
            TrainedEffect(
                "two rounds of games make a better critic", "70.8 to 75.8 on PRM800K, harmonic mean", "spc", ROUND_0, critic("harmonic")
            ),
            TrainedEffect("better than with unbalanced games", "76.8 falls to 72.0 in round 2", "spc", LATEST, critic("harmonic")),
            TrainedEffect("better than without the right steps beside", "75.0, then 71.6", "spc", UNPAIRED, critic("harmonic")),
            TrainedEffect("without them fewer right steps are kept", "-", "spc", UNPAIRED, critic("right_kept"), control=True),
        ),
        common={"sft_steps": 40, "games": 128},
        steps={"fast": 10, "full": 40},
        problems={"fast": 40, "full": 200},
        eval_every=20,
        summary="a critic from games of its own",
    )
)
