"""CyclicReflex (Fan et al. 2025): a wave that promotes and holds back words of reflection.

No ceiling: lengths are what is measured. The margin of "a few percent" is 10 % of the mean length.
"""

from __future__ import annotations

from thinkwell.claims.claim import CLAIMS, Effect, Paper, tokens

CLAIMS.add("cyclic_reflex")(
    Paper(
        "cyclic_reflex",
        "CyclicReflex: Improving Large Reasoning Models via Cyclical Reflection Token Scheduling (Fan et al. 2025)",
        "2506.11077",
        "One path an arm, with no ceiling but the preset's, as the paper's effects on length are free ones.",
        (
            Effect("the wave beats plain decoding", "+2 to +10 points", "cyclic_reflex", "single"),
            Effect("the wave beats the penalty of TIP", "+1 to +5 points", "cyclic_reflex", "tip"),
            Effect(
                "the wave keeps the mean length (at most 10 % longer)",
                "within a few percent",
                "single",
                "cyclic_reflex",
                quantity=tokens,
                relative=True,
                above=-0.10,
            ),
            Effect(
                "a constant penalty shortens",
                "shorter",
                "single",
                "cyclic_reflex:schedule=constant,amplitude=-3",
                quantity=tokens,
                relative=True,
            ),
            Effect(
                "a constant promotion lengthens",
                "longer",
                "cyclic_reflex:schedule=constant,amplitude=3",
                "single",
                quantity=tokens,
                relative=True,
            ),
        ),
        tokens=None,
        problems={"fast": 200, "full": 800},
        summary="reflection words promoted in a wave",
    )
)
