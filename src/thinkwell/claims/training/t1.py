"""T1 (Hou et al. 2025): many samples a problem, a penalty for degenerate responses and a moving anchor let reinforcement on trial-and-error chains go further.

The start that has learnt trial and error, which is the paper's first stage; no arm has a supervised stage of its own. The baseline has none of the additions: leave-one-out
alone, no penalty, no anchor, no entropy bonus. The ablations have few samples and a frozen anchor. All arms sample, and are evaluated, at 1.2. Accuracy where thoughts are
cut in half (`thinkwell.training.probe`) is measured before and after.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, gained, metric, steeper
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

START = "trial-and-error"
PLAIN, FEW, FROZEN = "t1:penalty=none,anchor=none,entropy_coef=0", "t1:group_size=4", "t1:anchor=frozen"

TRAINED.add("t1")(
    Training(
        "t1",
        "Advancing Language Model Reasoning through Reinforcement Learning and Inference Scaling (Hou et al. 2025)",
        "2501.11651",
        "Of the paper's 4, 16 and 64 samples the first two, at as many problems a step. The moving anchor keeps 0.9 of itself, ten steps behind: at the recipe's 0.99 it would "
        "not move in a run this short. The supervised stage is the bundled start's, so that all arms and seeds share it.",
        arms={
            "t1": Arm("t1", {}, START),
            PLAIN: Arm("t1", {"penalty": None, "anchor": "none", "entropy_coef": 0.0}, START),
            FEW: Arm("t1", {"group_size": 4}, START),
            FROZEN: Arm("t1", {"anchor": "frozen"}, START),
        },
        effects=(
            TrainedEffect(
                "more accurate than after the supervised stage", "60.2 to 65.8 on MATH500, GLM-4-9B", "t1", None, gained("right")
            ),
            TrainedEffect("16 samples are better than 4", "not printed (higher final reward)", "t1", FEW, accuracy),
            TrainedEffect(
                "a moving anchor is no worse than a frozen one (within 3 points)", "not printed", "t1", FROZEN, accuracy, above=-0.03
            ),
            TrainedEffect(
                "more accurate than without the additions",
                "not printed (accuracy falls from ~79 without the penalty)",
                "t1",
                PLAIN,
                accuracy,
            ),
            TrainedEffect(
                "what is gained comes with the second half of the thinking",
                "near flat after the supervised stage, rising with RL",
                "t1",
                None,
                steeper(),
            ),
            TrainedEffect("without them more responses are cut", "not printed", PLAIN, "t1", metric("cut"), control=True),
        ),
        common={
            "sft_steps": 0,
            "prompts": 4,
            "group_size": 16,
            "anchor_decay": 0.9,
            "levels": [3, 4, 5],
            "temperature": 1.2,
            "rate": 2e-4,
        },
        steps={"fast": 16, "full": 120},
        eval_every=4,
        summary="many samples and a moving anchor",
    )
)
