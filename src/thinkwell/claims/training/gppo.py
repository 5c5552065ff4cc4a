"""GPPO (Su et al. 2025): tokens outside the clip keep a bounded gradient, so that wrong habits are left and rare right tokens raised sooner.

The policy that reads tricky phrases wrongly nearly always: a habit to recover from. No supervised stage, so that only the loss
differs between arms: PPO with the same bounds (clip-higher) is the paper's baseline, CISPO its rival; the control has no bounds at all.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, metric, throughout
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("gppo")(
    Training(
        "gppo",
        "Klear-Reasoner: Advancing Reasoning Capability via Gradient-Preserving Clipping Policy Optimization (Su et al. 2025)",
        "2508.07629",
        "Eight optimiser steps a batch as in the paper, at three times the default rate, falling: only where ratios leave their bounds do the losses differ. "
        "Sooner is the mean of all "
        "evaluations.",
        arms={
            "gppo": Arm("gppo", {}, "wrong-habit"),
            "gppo:surrogate=clip-higher": Arm("gppo", {"surrogate": "clip-higher"}, "wrong-habit"),
            "gppo:surrogate=cispo": Arm("gppo", {"surrogate": "cispo"}, "wrong-habit"),
            "gppo:surrogate=none": Arm("gppo", {"surrogate": "none"}, "wrong-habit"),
        },
        effects=(
            TrainedEffect(
                "more accurate than clip-higher", "about 0.81 against 0.777, AIME24 avg@32", "gppo", "gppo:surrogate=clip-higher", accuracy
            ),
            TrainedEffect(
                "clip-higher leaves tokens without a gradient, GPPO none",
                "not printed",
                "gppo:surrogate=clip-higher",
                "gppo",
                metric("zero_gradient_fraction"),
            ),
            TrainedEffect("recovers sooner than clip-higher", "not printed", "gppo", "gppo:surrogate=clip-higher", throughout("right")),
            TrainedEffect("more accurate than CISPO", "about 0.81 against 0.795, AIME24 avg@32", "gppo", "gppo:surrogate=cispo", accuracy),
            TrainedEffect("without bounds the gradient is larger", "-", "gppo:surrogate=none", "gppo", metric("grad_norm"), control=True),
        ),
        common={"prompts": 8, "levels": [2, 3, 4], "rate": 3e-4, "decay": "cosine", "minibatches": 8, "sft_steps": 0},
        steps={"fast": 25, "full": 200},
        eval_every=5,
        summary="clipped tokens keep a bounded gradient",
    )
)
