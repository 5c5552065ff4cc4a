"""Solve-Detect-Verify (Zhong et al. 2025): stop thinking once the answer is there, then verify."""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper, tokens

CLAIMS.add("solve_detect_verify")(
    Paper(
        "solve_detect_verify",
        "Solve-Detect-Verify: Inference-Time Scaling with Flexible Generative Verifier (Zhong et al. 2025)",
        "2505.11966",
        "Detection is measured as tokens saved at no loss beyond three points; the pipeline against a vote at the same ceiling.",
        (
            Effect(
                "detection saves tokens",
                "about a third of the solver's tokens",
                "solve_detect_verify:detect=false",
                "solve_detect_verify",
                quantity=tokens,
                relative=True,
            ),
            Effect(
                "detection costs no accuracy (within 3 points)",
                "little loss",
                "solve_detect_verify",
                "solve_detect_verify:detect=false",
                above=-0.03,
            ),
            Effect("the whole beats one path", "gains on AIME and CNMO", "solve_detect_verify", "single"),
            Effect(
                "it beats a plain vote at the same ceiling of tokens",
                "above self-consistency",
                "solve_detect_verify",
                "self_consistency",
                control=True,
            ),
        ),
        engine="lab-skills",
        summary="stop early, verify, mend wrong steps",
    )
)
