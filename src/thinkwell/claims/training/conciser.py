"""ConciseR (Song and Zheng 2025): first train for correctness, then for brevity, and pay brevity only in groups that are right throughout.

The policy that over-thinks. GRPO++ alone (no second stage) is the paper's baseline; the ablation pays the length of every right response.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, tokens
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("conciser")(
    Training(
        "conciser",
        "Walk Before You Run! Concise LLM Reasoning via Reinforcement Learning (Song, Zheng 2025)",
        "2505.21178",
        "Half of the steps are of the second stage; the paper's share would be one step in a run this short. "
        "Rate and its fall: at a constant 4e-4 a run of another paper (grpo-lambda) fell apart.",
        arms={
            "conciser": Arm("conciser", {"concise_steps": 15}),
            "conciser:concise_steps=0": Arm("conciser", {"concise_steps": 0}),
            "conciser:gate=correct": Arm("conciser", {"concise_steps": 15, "gate": "correct"}),
        },
        effects=(
            TrainedEffect(
                "the second stage shortens",
                "1305 to 723 tokens (-45 %) on AIME 2024",
                "conciser:concise_steps=0",
                "conciser",
                tokens,
                relative=True,
            ),
            TrainedEffect(
                "accuracy is not lost (within 3 points)", "55.3 % to 56.1 %", "conciser", "conciser:concise_steps=0", accuracy, above=-0.03
            ),
            TrainedEffect(
                "paying every right response costs accuracy", "not printed", "conciser", "conciser:gate=correct", accuracy, control=True
            ),
        ),
        common={"prompts": 6, "levels": [2, 3], "rate": 3e-4, "decay": "cosine"},
        steps={"fast": 30, "full": 200},
        eval_every=5,
        summary="first right, then short where always right",
    )
)
