"""Skywork R1V2 (Wang et al. 2025): preference training leaves GRPO few samples with a gradient; the selective sample buffer fills the step up again.

The policy. GRPO alone is the baseline; without the buffer is the paper's ablation; evenly drawn replay is the control of drawing by |A|.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, excess, gained, metric
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("r1v2")(
    Training(
        "r1v2",
        "Skywork R1V2: Multimodal Hybrid Reinforcement Learning for Reasoning (Wang et al. 2025)",
        "2504.16656",
        "Levels that the policy mostly solves, where whole groups are right. The thresholds are the paper's 60 % and its difference to 40 %. Preference training is half the "
        "recipe's, for the time.",
        arms={
            "r1v2": Arm("r1v2", {"mpo_steps": 12, "pair_prompts": 24}),
            "r1v2:buffer_share=0": Arm("r1v2", {"mpo_steps": 12, "pair_prompts": 24, "buffer_share": 0.0}),
            "r1v2:alpha=0": Arm("r1v2", {"mpo_steps": 12, "pair_prompts": 24, "alpha": 0.0}),
            "grpo": Arm("grpo"),
        },
        effects=(
            TrainedEffect(
                "most of what is trained on carries a gradient", "> 60 % of the samples", "r1v2", None, metric("buffer/trained"), above=0.6
            ),
            TrainedEffect(
                "far more than of the step's own samples",
                "> 60 % with, < 40 % without",
                "r1v2",
                None,
                excess("buffer/trained", "buffer/effective"),
                above=0.2,
            ),
            TrainedEffect(
                "more accurate than the start", "70.0 to 78.9 % on AIME24, 54.6 to 62.6 % on OlympiadBench", "r1v2", None, gained("right")
            ),
            TrainedEffect(
                "the buffer costs no accuracy (within 3 points)",
                "73.6 against 73.4 % on MMMU, 74.0 both on MathVista",
                "r1v2",
                "r1v2:buffer_share=0",
                accuracy,
                above=-0.03,
            ),
            TrainedEffect("no less accurate than GRPO alone (within 3 points)", "not printed", "r1v2", "grpo", accuracy, above=-0.03),
            TrainedEffect("drawing by |A| is better than evenly", "not printed", "r1v2", "r1v2:alpha=0", accuracy, control=True),
        ),
        common={"prompts": 6, "levels": [2, 3, 4], "rate": 2e-4, "minibatches": 2},
        steps={"fast": 20, "full": 160},
        eval_every=5,
        summary="replays what still teaches",
    )
)
