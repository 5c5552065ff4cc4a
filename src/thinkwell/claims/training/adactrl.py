"""AdaCtrl (Huang et al. 2025): easy problems are answered briefly and hard ones at length, and the model's own tag of difficulty becomes the user's knob.

The start that writes the tags, which is the cold start of all arms and seeds, so that they differ in the reward alone. There a tag goes with how hard a problem is and does not
steer the length. (From the policy forty supervised steps taught no tag: all arms were the same run.) The baseline is the paper's: the same pipeline without AdaCtrl's terms.
The ablation keeps the tag's calibration and takes the pay for brevity away.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, mode, on_levels, rise, tokens
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

EASY, HARD = (1, 2), (5, 6)
BASELINE, UNPAID = "adactrl:alpha=0,beta=0", "adactrl:beta=0"

TRAINED.add("adactrl")(
    Training(
        "adactrl",
        "AdaCtrl: Towards Adaptive and Controllable Reasoning via Difficulty-Aware Budgeting (Huang et al. 2025)",
        "2505.18822",
        "Levels 1 and 2 are the easy split, 5 and 6 the hard one. Groups of 8 in place of 16, for the time; groups of equal "
        "accuracy are left in, as on the lab's easy problems nearly all are, and they are where brevity is learnt.",
        arms={
            "adactrl": Arm("adactrl"),
            BASELINE: Arm("adactrl", {"alpha": 0.0, "beta": 0.0}),
            UNPAID: Arm("adactrl", {"beta": 0.0}),
        },
        effects=(
            TrainedEffect(
                "responses to easy problems get shorter",
                "-91 % of the tokens on GSM8K, -62 % on MATH500",
                BASELINE,
                "adactrl",
                on_levels("tokens", EASY),
                relative=True,
            ),
            TrainedEffect(
                "accuracy is not lost (within 3 points)", "0 to +7.2 points on four benchmarks", "adactrl", BASELINE, accuracy, above=-0.03
            ),
            TrainedEffect(
                "nor on hard problems (within 3 points)",
                "+1.67 points on AIME2025, 0 on AIME2024",
                "adactrl",
                BASELINE,
                on_levels("right", HARD),
                above=-0.03,
            ),
            TrainedEffect("the tag becomes calibrated", "not printed", "adactrl", None, rise("reward/calibration")),
            TrainedEffect(
                "asked for Hard, responses are longer than asked for Easy", "not printed", "adactrl", None, mode("tokens", "hard", "easy")
            ),
            TrainedEffect(
                "and no less accurate (within 3 points)", "not printed", "adactrl", None, mode("accuracy", "hard", "easy"), above=-0.03
            ),
            TrainedEffect("without the pay for brevity responses stay longer", "not printed", UNPAID, "adactrl", tokens, control=True),
        ),
        common={
            "sft_steps": 0,
            "prompts": 8,
            "group_size": 8,
            "levels": [1, 2, 5, 6],
            "dynamic_sampling": False,
            "rate": 4e-4,
        },
        steps={"fast": 20, "full": 160},
        eval_every=5,
        summary="brief where easy, the tag a knob",
    )
)
