"""STAND (Song et al. 2025): tokens drafted from what the paths of a problem have said.

Tokens a target call are the paper's measure of acceptance; time is in `benchmarks/stand.py`. Drafts of 24 nodes for every drafter.
"""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper, fact

ACCEPTED = fact("mean_accepted_tokens")
STAND, SIXTEEN = "stand:nodes=24,inner_knobs={n_paths: 16}", "nodes=24,inner_knobs={n_paths: 16}"

CLAIMS.add("stand")(
    Paper(
        "stand",
        "Accelerated Test-Time Scaling with Model-Free Speculative Sampling (Song et al. 2025)",
        "2506.04708",
        "Sixteen paths of a vote, the paper's setting; no ceiling, so that every drafter writes the same text.",
        (
            Effect(
                "more accepted tokens than prompt lookup", "ahead of it", STAND, f"stand:drafter=prompt_lookup,{SIXTEEN}", quantity=ACCEPTED
            ),
            Effect(
                "more accepted tokens than token recycling",
                "ahead of it",
                STAND,
                f"stand:drafter=token_recycling,{SIXTEEN}",
                quantity=ACCEPTED,
            ),
            Effect("more accepted tokens than suffix decoding", "ahead of it", STAND, f"stand:drafter=suffix,{SIXTEEN}", quantity=ACCEPTED),
            Effect(
                "a table shared by the paths accepts more than one a path",
                "overlap grows with paths",
                STAND,
                f"stand:share=path,{SIXTEEN}",
                quantity=ACCEPTED,
            ),
            Effect(
                "averaging beats keeping the last law", "flat for replacement", STAND, f"stand:merge=replace,{SIXTEEN}", quantity=ACCEPTED
            ),
        ),
        tokens=None,
        problems={"fast": 20, "full": 100},
        summary="tokens drafted from the problem's paths",
    )
)
