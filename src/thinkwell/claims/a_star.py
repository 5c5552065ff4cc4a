"""A*-decoding (Chatziveroglou 2025): best-first search with a reward model.

All arms have the same policy, reward model and ceiling of 1,024 tokens. The default of the method corrects scores that fall with depth; the card's letter is an arm of its own.
"""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper, scorer_calls, tokens

CLAIMS.add("a_star")(
    Paper(
        "a_star",
        "A*-Decoding: Token-Efficient Inference Scaling (Chatziveroglou 2025)",
        "2505.13672",
        "One budget for all arms, as the paper compares at equal compute; the margin for equal accuracy is three points.",
        (
            Effect(
                "at least as accurate as particle filtering (within 3 points)",
                "same accuracy with up to 3x fewer tokens",
                "a_star",
                "particle_filtering",
                above=-0.03,
            ),
            Effect(
                "fewer generated tokens than particle filtering",
                "up to 3x fewer",
                "particle_filtering",
                "a_star",
                quantity=tokens,
                relative=True,
            ),
            Effect(
                "fewer calls of the reward model than particle filtering",
                "30 % fewer",
                "particle_filtering",
                "a_star",
                quantity=scorer_calls,
                relative=True,
            ),
            Effect("path costs matter: consistent beats greedy best-first", "not given", "a_star", "a_star:edge_cost=zero"),
            Effect(
                "it beats a plain vote at the same ceiling of tokens",
                "on or above self-consistency",
                "a_star",
                "self_consistency",
                control=True,
            ),
            Effect(
                "it beats weighted best-of-n at the same ceiling of tokens",
                "on or above best-of-n",
                "a_star",
                "best_of_n:weighted=true",
                control=True,
            ),
        ),
        summary="best-first search guided by step rewards",
    )
)
