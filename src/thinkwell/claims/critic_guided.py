"""SPC (Chen et al. 2025) at test time: a step critic that sends the solver back."""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper

CLAIMS.add("critic_guided")(
    Paper(
        "critic_guided",
        "SPC: Evolving Self-Play Critic via Adversarial Games for LLM Reasoning (Chen et al. 2025)",
        "2504.19162",
        "The paper's fifth effect only: critic-guided resampling of steps. Self-play belongs to training.",
        (
            Effect("critic-guided steps beat one path", "gains on MATH500 and AIME", "critic_guided", "single"),
            Effect(
                "they beat a plain vote at the same ceiling of tokens",
                "with a vote it is best",
                "critic_guided",
                "self_consistency",
                control=True,
            ),
        ),
        engine="lab-skills",
        summary="steps rewritten until a critic accepts",
    )
)
