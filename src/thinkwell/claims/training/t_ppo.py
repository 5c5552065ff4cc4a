"""T-PPO (ByteDance Seed 2025): responses in windows keep the slots busy, so that the same wall-clock time buys more training; EGAE keeps windows from pushing lengths down.

The policy, on problems of two to eight steps, whose responses have a tail. The same recipe with one window for the whole response is PPO, the paper's baseline. The ablation
takes the value after a cut as 0, which is what a framework without EGAE does. With refills at once no slot waits: the control of what utilisation is lost to.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, metric, tokens, within
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("t-ppo")(
    Training(
        "t-ppo",
        "Truncated Proximal Policy Optimization (ByteDance Seed 2025)",
        "2506.15050",
        "The window is the paper's third of the longest response. Utilisation is tokens / (slots * decode steps). At 3 seconds a step 45 "
        "seconds are half of a PPO run of the fast budget.",
        arms={
            "t-ppo": Arm("t-ppo"),
            "t-ppo:window=384": Arm("t-ppo", {"window": 384}),
            "t-ppo:refill=window": Arm("t-ppo", {"refill": "window"}),
            "t-ppo:bootstrap=zero": Arm("t-ppo", {"bootstrap": "zero"}),
        },
        effects=(
            TrainedEffect("slots are used better than PPO's", "not printed", "t-ppo", "t-ppo:window=384", metric("utilisation")),
            TrainedEffect(
                "more accurate than PPO after equal wall-clock time",
                "up to 2.5x training efficiency, wall-clock -60 %",
                "t-ppo",
                "t-ppo:window=384",
                within(45.0),
            ),
            TrainedEffect(
                "no less accurate than PPO after equal steps (within 3 points)",
                "not printed",
                "t-ppo",
                "t-ppo:window=384",
                accuracy,
                above=-0.03,
            ),
            TrainedEffect("a value of 0 after the cut shortens responses", "not printed", "t-ppo", "t-ppo:bootstrap=zero", tokens),
            TrainedEffect(
                "slots that refill at once are used to 90 %",
                "not printed",
                "t-ppo:refill=window",
                None,
                metric("utilisation"),
                above=0.9,
                control=True,
            ),
        ),
        common={"prompts": 8, "levels": [2, 4, 6, 8], "max_tokens": 384, "rate": 2e-4},
        steps={"fast": 28, "full": 200},
        eval_every=4,
        summary="windows of unfinished responses, no waiting",
    )
)
