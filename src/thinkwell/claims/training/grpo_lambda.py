"""GRPO-lambda (Dai, Liu, Si 2025): a length penalty only for the groups that the policy solves best; the others are trained for correctness alone.

The policy that over-thinks. The ablation puts the penalty on every group (top 1), which in the paper lets accuracy fall; GRPO has none.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, tokens
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("grpo-lambda")(
    Training(
        "grpo-lambda",
        "Stable Reinforcement Learning for Efficient Reasoning (Dai, Liu, Si 2025)",
        "2505.18086",
        "The share of groups with the penalty is that of the paper's figure. The rate is four times the default, for a run this short.",
        arms={
            "grpo-lambda": Arm("grpo-lambda"),
            "grpo": Arm("grpo", {}, "overthinking"),
            "grpo-lambda:top=1": Arm("grpo-lambda", {"top": 1.0}),
        },
        effects=(
            TrainedEffect("responses get shorter than GRPO's", "-47 % of the tokens", "grpo", "grpo-lambda", tokens, relative=True),
            TrainedEffect("accuracy is not lost (within 3 points of GRPO)", "+1.5 points", "grpo-lambda", "grpo", accuracy, above=-0.03),
            TrainedEffect("a penalty for every group costs accuracy", "it collapses", "grpo-lambda", "grpo-lambda:top=1", accuracy),
        ),
        common={"prompts": 6, "levels": [2, 3], "rate": 4e-4},
        steps={"fast": 30, "full": 200},
        eval_every=5,
        summary="a length penalty where the policy is best",
    )
)
