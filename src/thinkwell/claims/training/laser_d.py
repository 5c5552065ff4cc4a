"""LASER-D (Liu et al. 2025): a bonus for right answers within a length target that follows the policy, one a difficulty; less pressure where problems are hard.

The policy that over-thinks. Truncation is the paper's baseline for shortness; LASER with a fixed target the ablation of the moving one; GRPO has no length term.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, tokens
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("laser-d")(
    Training(
        "laser-d",
        "Learn to Reason Efficiently with Adaptive Length-based Reward Shaping (Liu et al. 2025)",
        "2505.15612",
        "Targets are the paper's in shares of the starting length (see the recipe); the truncated arm cuts at the target that LASER pays for. "
        "The rate falls: at a constant 4e-4 a run of another paper (grpo-lambda) fell apart.",
        arms={
            "laser-d": Arm("laser-d"),
            "grpo": Arm("grpo", {}, "overthinking"),
            "laser": Arm("laser"),
            "grpo:max_tokens=144": Arm("grpo", {"max_tokens": 144}, "overthinking"),
        },
        effects=(
            TrainedEffect("responses get shorter than GRPO's", "-63 % of the tokens", "grpo", "laser-d", tokens, relative=True),
            TrainedEffect(
                "accuracy is not lost (within 3 points of GRPO)", "+3.4 points against the start", "laser-d", "grpo", accuracy, above=-0.03
            ),
            TrainedEffect("more accurate than truncation", "60.3 % against 49.4 %", "laser-d", "grpo:max_tokens=144", accuracy),
            TrainedEffect(
                "no less accurate than a fixed target (within 3 points)", "60.3 % against 60.2 %", "laser-d", "laser", accuracy, above=-0.03
            ),
        ),
        common={"prompts": 6, "levels": [2, 3], "rate": 3e-4, "decay": "cosine"},
        steps={"fast": 30, "full": 200},
        eval_every=5,
        summary="length targets by difficulty that follow the policy",
    )
)
