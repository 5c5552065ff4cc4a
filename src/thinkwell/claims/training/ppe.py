"""Prior prompt engineering (Taveekitworachai et al. 2025): which instruction stands before the questions of the training shapes what the model does without it.

The start that has seen the five instructions and follows each in four replies of five. From the policy, which has never seen the tags, no format was ever right in twenty steps.
"base" trains without an instruction, which is GRPO. Responses are measured without the instruction, as in the run's evaluation; styles are told by marker words.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, gained, marks, rise, tokens
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

NULL, BASE, PLAN = "ppe:style=null-example", "ppe:style=base", "ppe:style=planning"

TRAINED.add("ppe")(
    Training(
        "ppe",
        "Prior Prompt Engineering for Reinforcement Fine-Tuning (Taveekitworachai et al. 2025)",
        "2505.14157",
        "Three of the five styles: the paper's best, its default, and the one whose behaviour it says to see. A style is kept if its marks are more than without an instruction "
        "and than with another one.",
        arms={
            "ppe": Arm("ppe"),
            NULL: Arm("ppe", {"style": "null-example"}),
            PLAN: Arm("ppe", {"style": "planning"}),
            BASE: Arm("ppe", {"style": "base"}),
        },
        effects=(
            TrainedEffect("null-example raises accuracy", "+6.98 points on average, Qwen2.5-7B", NULL, None, gained("right")),
            TrainedEffect("reasoning raises accuracy", "+6.37 points on average, Qwen2.5-7B", "ppe", None, gained("right")),
            TrainedEffect("null-example is better than reasoning", "+6.98 against +6.37 points", NULL, "ppe", accuracy),
            TrainedEffect("null-example has shorter responses than reasoning", "not printed (the shortest)", "ppe", NULL, tokens),
            TrainedEffect("the format of planning is learnt", "not printed", PLAN, None, rise("reward/format")),
            TrainedEffect("who trained with planning plans without being asked", "not printed", PLAN, BASE, marks("planning")),
            TrainedEffect("and plans more than who trained with reasoning", "not printed", PLAN, "ppe", marks("planning")),
            TrainedEffect(
                "as accurate as without an instruction (within 3 points)", "not printed", "ppe", BASE, accuracy, above=-0.03, control=True
            ),
        ),
        common={"prompts": 6, "levels": [2, 3, 4], "rate": 3e-4, "decay": "cosine"},
        steps={"fast": 20, "full": 200},
        eval_every=5,
        summary="the training's instruction shapes the model",
    )
)
