"""Format-length (Xin et al. 2025): format and length as a reward in place of the answer; no reference answer is read.

The policy whose format is unreliable. GRPO with the answers is the paper's upper bound; format alone and length alone are its ablations. Length alone is the
negative control: it pays any response for its length.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, gained
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("format-length")(
    Training(
        "format-length",
        "Surrogate Signals from Format and Length: Reinforcement Learning for Solving Mathematical Problems without Ground Truth Answers (Xin et al. 2025)",
        "2505.19439",
        "Length is measured against the recipe's cap; the threshold for 'as good as the answers' is 3 points. "
        "Three times the default rate, for a run this short, falling: at a constant 4e-4 a run of another paper (grpo-lambda) fell apart.",
        arms={
            "format-length": Arm("format-length", {}, "loose-format"),
            "grpo": Arm("grpo", {}, "loose-format"),
            "format-length:arm=format": Arm("format-length", {"arm": "format"}, "loose-format"),
            "format-length:arm=length": Arm("format-length", {"arm": "length"}, "loose-format"),
        },
        effects=(
            TrainedEffect(
                "accuracy rises without any answer", "27.1 % to 43.5 %, Qwen2.5-Math-1.5B", "format-length", None, gained("right")
            ),
            TrainedEffect(
                "as good as with the answers (within 3 points)", "43.5 % against 43.1 %", "format-length", "grpo", accuracy, above=-0.03
            ),
            TrainedEffect("better than format alone", "43.5 % against 41.0 %", "format-length", "format-length:arm=format", accuracy),
            TrainedEffect("length alone does not raise accuracy", "-", "format-length", "format-length:arm=length", accuracy, control=True),
        ),
        common={"prompts": 6, "levels": [2, 3, 4], "rate": 3e-4, "decay": "cosine"},
        steps={"fast": 30, "full": 200},
        eval_every=5,
        summary="format and length instead of answers",
    )
)
