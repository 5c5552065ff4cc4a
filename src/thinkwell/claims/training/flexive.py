"""FlexiVe (Zhong et al. 2025): GRPO on fast verifications makes the verifier find the first wrong step; the slow way gains by transfer.

The model that knows the verifier's turn (`skills`). The start is the recipe with a rate of nothing; the ablation has no length term. The control pays any index as much as
the right one where something is wrong. The score is ProcessBench's F1 on 200 solutions of the test split. What the test-time pipeline gains is in the claims of the method.
"""

from __future__ import annotations

from thinkwell.claims.readings import verifier
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

START, UNBOUND, VAGUE = "flexive:rate=1e-12", "flexive:length_weight=0", "flexive:near=1"

TRAINED.add("flexive")(
    Training(
        "flexive",
        "Solve-Detect-Verify: Inference-Time Scaling with Flexible Generative Verifier (Zhong et al. 2025)",
        "2505.11966",
        "The recipe as it is, at twice its rate, for a run this short. Its steps have no evaluations: the trained models are measured. The paper's tables could not be read.",
        arms={
            "flexive": Arm("flexive"),
            START: Arm("flexive", {"rate": 1e-12, "steps": 1}),
            UNBOUND: Arm("flexive", {"length_weight": 0.0}),
            VAGUE: Arm("flexive", {"near": 1.0}),
        },
        effects=(
            TrainedEffect("fast verification gets better", "not printed", "flexive", START, verifier("f1")),
            TrainedEffect(
                "slow verification is not worse (within 3 points)", "not printed", "flexive", START, verifier("f1", slow=True), above=-0.03
            ),
            TrainedEffect(
                "the length term costs no accuracy (within 3 points)", "not printed", "flexive", UNBOUND, verifier("f1"), above=-0.03
            ),
            TrainedEffect("paid for any index, it does not learn which", "-", "flexive", VAGUE, verifier("f1"), control=True),
        ),
        common={"rate": 1e-4},
        steps={"fast": 18, "full": 120},
        eval_every=0,
        summary="learns to name the wrong step fast",
    )
)
