"""RLSP (Ye et al. 2025): paid for effort besides correctness, responses get longer and search more.

The policy, one sample a problem. The paper's other arm, with the outcome alone, is the baseline. The third arm grades marked checks, retries and other ways besides the length.
The control pays ten times as much for length, which drowns the verdict.
"""

from __future__ import annotations

from thinkwell.claims.readings import accuracy, gained, metric, tokens
from thinkwell.claims.trained import TRAINED, Arm, TrainedEffect, Training

TRAINED.add("rlsp")(
    Training(
        "rlsp",
        "On the Emergence of Thinking in LLMs I: Searching for the Right Intuition (Ye et al. 2025)",
        "2502.06773",
        "The length term is about 1 at the start, as in the recipe. All arms start from the policy, without the paper's supervised stage. Three times the default rate, "
        "falling, for a run this short.",
        arms={
            "rlsp": Arm("rlsp"),
            "rlsp:exploration=none": Arm("rlsp", {"exploration": "none"}),
            "rlsp:exploration=behaviours": Arm("rlsp", {"exploration": "behaviours"}),
            "rlsp:scale=1400": Arm("rlsp", {"scale": 1400.0}),
        },
        effects=(
            TrainedEffect("responses get longer than with the outcome alone", "not printed", "rlsp", "rlsp:exploration=none", tokens),
            TrainedEffect("more accurate than the start", "+23 % on MATH-500, Llama-3.1-8B-Instruct", "rlsp", None, gained("right")),
            TrainedEffect("more accurate than with the outcome alone", "not printed", "rlsp", "rlsp:exploration=none", accuracy),
            TrainedEffect(
                "more checks, retries and other ways than with the outcome alone",
                "not printed",
                "rlsp:exploration=behaviours",
                "rlsp:exploration=none",
                metric("reward/behaviours"),
            ),
            TrainedEffect("ten times the pay for length costs accuracy", "-", "rlsp", "rlsp:scale=1400", accuracy, control=True),
        ),
        common={"prompts": 40, "levels": [3, 4, 5], "rate": 3e-4, "decay": "cosine"},
        steps={"fast": 20, "full": 200},
        eval_every=5,
        summary="effort is paid besides correctness",
    )
)
