"""LatentSeek (Li et al. 2025): policy gradient on hidden states at test time.

With the perfect sparse reward, as the lab's policy has not learnt to judge itself. The card adds the control: draw again until the verifier passes, at the same calls.
"""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper

LATENT = "latent_seek:reward=oracle"

CLAIMS.add("latent_seek")(
    Paper(
        "latent_seek",
        "Seek in the Dark: Reasoning via Test-Time Instance-Level Policy Gradient in Latent Space (Li et al. 2025)",
        "2505.13308",
        "Perfect reward for every arm, ten steps, no ceiling of tokens: what is compared is where the search moves.",
        (
            Effect("guided search beats its own first answer", "gains grow with the steps under the perfect reward", LATENT, "single"),
            Effect("guided beats unguided noise", "13.7 points", LATENT, f"{LATENT},search=noise"),
            Effect("information matters: it beats a constant reward", "14.2 points", LATENT, "latent_seek:reward=constant"),
            Effect(
                "it beats drawing again until the verifier passes",
                "not measured by the paper",
                LATENT,
                f"{LATENT},search=resample",
                control=True,
            ),
            Effect(
                "it beats changing tokens instead of states", "not measured by the paper", LATENT, f"{LATENT},search=tokens", control=True
            ),
        ),
        tokens=None,
        summary="hidden states optimised for one question",
    )
)
