"""T-PPO (ByteDance Seed 2025): responses in windows keep the slots busy, so that the same wall-clock time buys more training; EGAE keeps windows from pushing lengths down.

The policy, on problems of two to eight steps, whose responses have a tail. The same recipe with one window for the whole response is PPO, the paper's baseline. The ablation
takes the value after a cut as 0, which is what a framework without EGAE does. Where slots are filled again only after the update, they wait for it: the control.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, metric, tokens, within
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

WINDOW, LONGEST = 128, 384
PPO, WAITING = f"t-ppo:window={LONGEST},refill=update", "t-ppo:refill=update"

TRAINED.add("t-ppo")(
    Training(
        "t-ppo",
        "Truncated Proximal Policy Optimization (ByteDance Seed 2025)",
        "2506.15050",
        "The window is the paper's third of the longest response. Utilisation is tokens / (slots * decode steps). On an accelerator the time of a rollout is its decode "
        "steps, on two cores it is its tokens: so equal time is read both ways, at what a T-PPO run spends of decode steps, and at 2.5 seconds a step, about half of a PPO run.",
        arms={
            "t-ppo": Arm("t-ppo"),
            PPO: Arm("t-ppo", {"window": LONGEST, "refill": "update"}),
            WAITING: Arm("t-ppo", {"refill": "update"}),
            "t-ppo:bootstrap=zero": Arm("t-ppo", {"bootstrap": "zero"}),
        },
        effects=(
            TrainedEffect("slots are used better than PPO's", "not printed", "t-ppo", PPO, metric("utilisation")),
            TrainedEffect(
                "more accurate than PPO after equal decode steps",
                "up to 2.5x training efficiency, wall-clock -60 %",
                "t-ppo",
                PPO,
                within(WINDOW, "decode_steps"),
            ),
            TrainedEffect("more accurate than PPO after equal wall-clock time on two cores", "the same", "t-ppo", PPO, within(2.5)),
            TrainedEffect(
                "no less accurate than PPO after equal steps (within 3 points)",
                "not printed",
                "t-ppo",
                PPO,
                accuracy,
                above=-0.03,
            ),
            TrainedEffect("a value of 0 after the cut shortens responses", "not printed", "t-ppo", "t-ppo:bootstrap=zero", tokens),
            TrainedEffect(
                "slots are used to 90 %",
                "not printed",
                "t-ppo",
                None,
                metric("utilisation"),
                above=0.9,
            ),
            TrainedEffect("filled again after the update only, they wait", "-", "t-ppo", WAITING, metric("utilisation"), control=True),
        ),
        common={"prompts": 4, "levels": [2, 4, 6, 8], "max_tokens": LONGEST, "window": WINDOW, "rate": 2e-4},
        steps={"fast": 25, "full": 200},
        eval_every=5,
        summary="windows of unfinished responses, no waiting",
    )
)
