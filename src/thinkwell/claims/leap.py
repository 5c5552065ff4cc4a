"""LeaP (Luo et al. 2025): paths that read what their peers found.

On the lab's model that has learnt to sum up and to read comments; for one that has not, the paper itself reports no gain (E7 of the card). All arms have the
same model and the same ceiling of tokens. Routers are compared with one peer shown: the ceiling allows about four paths, and with four peers shown every router
would choose all of them, as a first run showed (difference exactly 0).
"""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper

CLAIMS.add("leap")(
    Paper(
        "leap",
        "Learning from Peers in Reasoning Models (Luo et al. 2025)",
        "2505.07787",
        "One ceiling for all arms, summaries included, so that talk is paid for as thinking is.",
        (
            Effect(
                "peers' summaries beat independent paths with a vote at the same ceiling of tokens",
                "+5 points over the baseline on average",
                "leap",
                "self_consistency",
            ),
            Effect(
                "summaries of unlike peers help more than those of like ones",
                "0.3 to 3 points",
                "leap:peer_top_k=1",
                "leap:peer_top_k=1,router=clustered",
            ),
            Effect("it beats one path", "about +5 points", "leap", "single"),
        ),
        engine="lab-skills",
        summary="paths read their peers' summaries midway",
    )
)
