"""LeaP-T (Luo et al. 2025): supervised learning on traces with summaries and peers' comments, against plain traces of such problems after equal steps.

The policy. What LeaP-T is for, to play LeaP better than an untrained small model, takes that method and is not measured here: these claims say what learning the skill does to
solving alone, and what plain traces do, which is the paper's control. The ablation seeks no traces in which a comment puts a mistake right.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, gained
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("leap-t")(
    Training(
        "leap-t",
        "Learning from Peers in Reasoning Models (Luo et al. 2025)",
        "2505.07787",
        "Equal supervised steps, rows and rate. 3 points are what the siblings allow for 'not lost'. The recipe has no reinforcement, so both budgets have the same steps; full has"
        " more seeds and problems.",
        arms={
            "leap-t": Arm("leap-t"),
            "leap-t:data=plain": Arm("leap-t", {"data": "plain"}),
            "leap-t:put_right=0": Arm("leap-t", {"put_right": 0.0}),
        },
        effects=(
            TrainedEffect(
                "alone as accurate as after plain traces (within 3 points)",
                "not printed",
                "leap-t",
                "leap-t:data=plain",
                accuracy,
                above=-0.03,
            ),
            TrainedEffect(
                "learning to put right costs no accuracy alone (within 3 points)",
                "not printed",
                "leap-t",
                "leap-t:put_right=0",
                accuracy,
                above=-0.03,
            ),
            TrainedEffect(
                "plain traces against the start", "no gain (not printed)", "leap-t:data=plain", None, gained("right"), control=True
            ),
        ),
        common={"sft_steps": 30},
        problems={"fast": 100, "full": 400},
        eval_every=10,
        summary="learns to use its peers' comments",
    )
)
