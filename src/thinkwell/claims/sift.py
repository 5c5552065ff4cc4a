"""SIFT (Zeng et al. 2025): answers that the question's facts alone also give.

Every stage has an arm. The ceiling lets three stages run on the lab.
"""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper

CLAIMS.add("sift")(
    Paper(
        "sift",
        "SIFT: Grounding LLM Reasoning in Contexts via Stickers (Zeng et al. 2025)",
        "2502.14922",
        "2,048 tokens: eleven replies of a usual length, the whole of three stages.",
        (
            Effect("three stages beat the plain answer", "+8.8 points for a 3B model, +1.0 for R1 (MATH-500)", "sift", "single"),
            Effect(
                "three stages are at least as good as one (within 3 points)",
                "accuracy rises with the stages",
                "sift",
                "sift:stages=1",
                above=-0.03,
            ),
            Effect("leaving the forward stage out hurts", "3B: 79.2 to 74.1", "sift", "sift:forward_repeats=0"),
            Effect(
                "it beats a plain vote at the same ceiling of tokens", "not measured by the paper", "sift", "self_consistency", control=True
            ),
        ),
        tokens=2048,
        engine="lab-skills",
        summary="answers checked against a fact sticker",
    )
)
