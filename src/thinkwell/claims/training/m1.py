"""M1 (MAS-TTS, 2025): supervised learning on what a team of agents said, against plain traces of such problems after equal steps.

The policy. What M1 is for, to play every role of a team, takes the method `multi_agent` and is not measured here: these claims say what learning the roles does to solving alone,
and what plain traces do. The ablation has the CEO's turns too, which the paper's data lacks.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, gained
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("m1")(
    Training(
        "m1",
        "Two Heads are Better Than One: Test-time Scaling of Multi-agent Collaborative Reasoning (2025)",
        "2504.09772",
        "Equal supervised steps, rows and rate. 3 points are what the siblings allow for 'not lost'. The recipe has no reinforcement, so both budgets have the same steps; full has"
        " more seeds and problems.",
        arms={"m1": Arm("m1"), "m1:data=plain": Arm("m1", {"data": "plain"}), "m1:ceo=true": Arm("m1", {"ceo": True})},
        effects=(
            TrainedEffect(
                "alone as accurate as after plain traces (within 3 points)", "not printed", "m1", "m1:data=plain", accuracy, above=-0.03
            ),
            TrainedEffect(
                "the CEO's turns cost no accuracy alone (within 3 points)", "not printed", "m1:ceo=true", "m1", accuracy, above=-0.03
            ),
            TrainedEffect("plain traces against the start", "not printed", "m1:data=plain", None, gained("right"), control=True),
        ),
        common={"sft_steps": 60},
        problems={"fast": 100, "full": 400},
        eval_every=20,
        summary="learns every role of a team",
    )
)
