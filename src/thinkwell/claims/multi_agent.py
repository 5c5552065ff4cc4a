"""MAS-TTS (Jin et al. 2025): a team of agents with a CEO."""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper

CLAIMS.add("multi_agent")(
    Paper(
        "multi_agent",
        "Two Heads are Better Than One (Jin et al. 2025)",
        "2504.09772",
        "2,048 tokens: two rounds of a solver, a critic and an evaluator on the lab.",
        (
            Effect("the team beats one agent", "+5 to +20 points for the trained model", "multi_agent", "single"),
            Effect("a CEO adds to it", "+0.5 to +2.2 points", "multi_agent", "multi_agent:ceo=false"),
            Effect(
                "it beats a plain vote at the same ceiling of tokens",
                "not measured by the paper",
                "multi_agent",
                "self_consistency",
                control=True,
            ),
        ),
        tokens=2048,
        engine="lab-skills",
        summary="a CEO's team solves, criticises, judges",
    )
)
