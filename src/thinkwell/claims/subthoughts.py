"""Subthought aggregation (Hammoud et al. 2025): answers along one trace, and their mode.

The card adds the controls: a plain vote with the same ceiling of tokens, and cuts at random places instead of at marker words.
"""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper

CLAIMS.add("subthoughts")(
    Paper(
        "subthoughts",
        "Beyond the Last Answer (Hammoud et al. 2025)",
        "2504.20708",
        "Sampled completions, as they gain more in the paper; 1,024 tokens, some six usual answers of the lab.",
        (
            Effect(
                "the mode of the subthoughts' answers beats the trace's last answer",
                "+4.2 points on average with sampled completions, +9 at most (57.1 against 52.9 and 48.1)",
                "subthoughts",
                "single",
            ),
            Effect(
                "cuts at marker words beat cuts at random places",
                "not measured by the paper",
                "subthoughts",
                "subthoughts:cuts=random",
                control=True,
            ),
            Effect(
                "it beats a plain vote at the same ceiling of tokens",
                "not measured by the paper",
                "subthoughts",
                "self_consistency",
                control=True,
            ),
        ),
        summary="a vote over one trace's answers",
    )
)
