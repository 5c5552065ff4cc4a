"""S-GRPO (Dai et al. 2025): exits from one thought, the earliest right one worth most, make thoughts shorter at no loss; the decay is the cause.

The policy that over-thinks, on problems of three and four steps, of which it answers about half. All arms have the same problems a step. S-GRPO writes one path
and eight exits where GRPO writes eight paths. The controls take the decay away (every right exit gets 1) or make it absolute (only the first right exit gets anything).
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, gained, tokens
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("s-grpo")(
    Training(
        "s-grpo",
        "S-GRPO: Early Exit via Reinforcement Learning in Reasoning Models (Dai et al. 2025)",
        "2505.07686",
        "Rate, schedule and mean are the recipe's defaults for the lab, found by trying them on one seed (its page says so); the same for all arms. Half of the recipe's problems "
        "a step and fewer steps, for the time.",
        arms={
            "s-grpo": Arm("s-grpo"),
            "grpo": Arm("grpo", {"group_size": 8}, "overthinking"),
            "s-grpo:aggregation=seq-mean-token-mean": Arm("s-grpo", {"aggregation": "seq-mean-token-mean"}),
            "s-grpo:exit_decay=1": Arm("s-grpo", {"exit_decay": 1.0}),
            "s-grpo:exit_decay=inf": Arm("s-grpo", {"exit_decay": float("inf")}),
        },
        effects=(
            TrainedEffect("responses get shorter", "-35 % to -61 % of the tokens", "grpo", "s-grpo", tokens, relative=True),
            TrainedEffect("accuracy is not lost (within 3 points of GRPO)", "+0.7 to +6.1 points", "s-grpo", "grpo", accuracy, above=-0.03),
            TrainedEffect("without the decay the length stays", "8179 tokens against 4922", "s-grpo:exit_decay=1", "s-grpo", tokens),
            TrainedEffect(
                "paying the first exit alone costs accuracy", "81.7 % against 84.3 %", "s-grpo", "s-grpo:exit_decay=inf", accuracy
            ),
            TrainedEffect(
                "dividing by all tokens spares what all members share",
                "-",
                "s-grpo",
                "s-grpo:aggregation=seq-mean-token-mean",
                accuracy,
                control=True,
            ),
            TrainedEffect("accuracy against the start", "-", "s-grpo", None, gained("right"), control=True),
        ),
        common={"prompts": 8, "levels": [3, 4], "rate": 2e-4, "decay": "cosine"},
        steps={"fast": 30, "full": 200},
        eval_every=5,
        summary="exits from one thought, early ones paid more",
    )
)
