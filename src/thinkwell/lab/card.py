"""The model card: what the bundled models can do, measured from scratch.

`measure` samples the policy on test problems and computes every number of the card; nothing in it is typed by hand. The keys:

- `mix`: numbers on the default test mix. `problems`, `samples` (per problem), `temperature`; `pass_at_1`, `pass_at_16` (any of the
  samples right), `maj_at_16` (most frequent readable answer, ties averaged), each with `ci95` from a bootstrap over problems;
  `bo16` (weighted best-of-16: answers weighted by the process reward model's last score) and `bo16_minus_maj16` with the interval of
  the paired difference; `mean_tokens`, `longest_tokens`; `unreadable` (share of replies without a boxed answer);
  `idle_reflection` (share of generated tokens in reflections that do not change the running value); `prm_auroc` (all step ends
  pooled) and `step_ends`; `prm_auroc_first_wrong` (the first wrong step of a reply against right ones, by kind of mistake); `wrong_step_kinds` (steps by what is wrong in them).
- `levels`: level -> `pass_at_1`, `pass_at_16`, `maj_at_16`, `mean_tokens`, `problems`.
- `skills`: what the multi-skill model can do (keys: see `skills.measure`).
- `starts`: what the starting points for reinforcement learning do, beside the policy (keys: see `starts.measure`).
- `training`: what the build recorded (steps, tokens, seconds, losses at the end), `seed`, `scale`, `versions`, `parameters`.

When another number of samples is drawn, the keys say so (`pass_at_4`).
"""

from __future__ import annotations

import platform
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .artifacts import card as load_card
from .labels import boxed, label
from .world import DEFAULT_MIX, LEVELS, LabProblem, default_mix, generate

__all__ = ["Vote", "auroc", "load_card", "measure", "paired_interval", "render_card", "vote"]

SEED = 20_250_101
"""Seed of the problems and samples of the card."""


@dataclass(frozen=True)
class Vote:
    """One problem's samples: the answers (None: unreadable), the reward model's last score of each, the gold answer."""

    answers: tuple[int | None, ...]
    weights: tuple[float, ...]
    gold: int

    @property
    def pass_1(self) -> float:
        return sum(a == self.gold for a in self.answers) / len(self.answers)

    @property
    def pass_n(self) -> float:
        return float(self.gold in self.answers)

    @property
    def majority(self) -> float:
        return vote(self.answers, [1.0] * len(self.answers), self.gold)

    @property
    def weighted(self) -> float:
        return vote(self.answers, self.weights, self.gold)


def vote(answers: Sequence[int | None], weights: Sequence[float], gold: int) -> float:
    """Is the answer with the most weight the gold one? Unreadable answers do not vote, ties are averaged."""
    total: dict[int, float] = {}
    for answer, weight in zip(answers, weights, strict=True):
        if answer is not None:
            total[answer] = total.get(answer, 0.0) + weight
    best = max(total.values(), default=0.0)
    winners = [a for a, w in total.items() if w >= best - 1e-9]
    return (gold in winners) / len(winners) if winners else 0.0


def auroc(scores: Sequence[float], labels: Sequence[int]) -> float | None:
    """Area under the ROC curve (probability that a positive scores above a negative, ties half); None with one class only."""
    pairs = sorted(zip(scores, labels, strict=True))
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    rank_sum, i = 0.0, 0
    while i < len(pairs):
        j = i
        while j < len(pairs) and pairs[j][0] == pairs[i][0]:
            j += 1
        rank_sum += (i + j + 1) / 2 * sum(y for _, y in pairs[i:j])
        i = j
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def paired_interval(differences: Sequence[float], seed: int = 0, resamples: int = 4000) -> list[float]:
    """95 % bootstrap interval of the mean over problems (of a difference: the paired one)."""
    rng, n = random.Random(seed), len(differences)
    means = sorted(sum(rng.choices(differences, k=n)) / n for _ in range(resamples))
    return [round(means[int(0.025 * resamples)], 4), round(means[int(0.975 * resamples) - 1], 4)]


def measure(
    policy: Path, prm: Path, *, problems: int = 300, samples: int = 16, level_problems: int = 24, temperature: float = 0.8, seed: int = SEED
) -> dict[str, Any]:
    """Measure the models in these folders: `mix`, `levels`, `parameters` and `versions` of the card."""
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoModelForTokenClassification, AutoTokenizer

    from .sample import sample

    tokenizer = AutoTokenizer.from_pretrained(policy)
    writer, judge = AutoModelForCausalLM.from_pretrained(policy), AutoModelForTokenClassification.from_pretrained(prm)

    def draw(chosen: list[LabProblem]) -> list[list[Any]]:
        found = sample(writer, tokenizer, [p.question for p in chosen], samples, temperature=temperature, seed=seed)
        return [found[i * samples : (i + 1) * samples] for i in range(len(chosen))]

    mix = default_mix(problems, seed)
    card: dict[str, Any] = {"mix": _mix(mix, draw(mix), judge, tokenizer, samples)}
    card["mix"] |= {"weights": {str(k): w for k, w in DEFAULT_MIX.items()}, "temperature": temperature}
    levels: dict[str, Any] = {}
    for level in LEVELS if level_problems else ():
        chosen = [generate(seed * 1_000_003 + 500_000 + i, level, "test") for i in range(level_problems)]
        replies = draw(chosen)
        votes = [Vote(tuple(_answer(s) for s in group), (1.0,) * samples, p.answer) for p, group in zip(chosen, replies, strict=True)]
        tokens = [len(s.ids) for group in replies for s in group]
        levels[str(level)] = {"problems": level_problems, **_rates(votes, samples), "mean_tokens": round(sum(tokens) / len(tokens), 1)}
    return card | {
        "levels": levels,
        "parameters": {"policy": sum(p.numel() for p in writer.parameters()), "prm": sum(p.numel() for p in judge.parameters())},
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__},
    }


def _answer(sample: Any) -> int | None:
    return boxed(sample.text) if sample.finished else None


def _rates(votes: Sequence[Vote], samples: int) -> dict[str, float]:
    n = len(votes)
    return {
        "pass_at_1": round(sum(v.pass_1 for v in votes) / n, 4),
        f"pass_at_{samples}": round(sum(v.pass_n for v in votes) / n, 4),
        f"maj_at_{samples}": round(sum(v.majority for v in votes) / n, 4),
    }


def _mix(problems: Sequence[LabProblem], replies: Sequence[Sequence[Any]], judge: Any, tokenizer: Any, samples: int) -> dict[str, Any]:
    """Numbers of the default mix."""
    from .prm import score, scored_row

    rows = [[scored_row(tokenizer, p, s.ids) for s in group] for p, group in zip(problems, replies, strict=True)]
    flat = [row for group in rows for row in group]
    scores = score(judge, tokenizer, [ids for ids, _ in flat])
    ends = [(float(p_T[end.position]), end.solvable) for p_T, (_, labels) in zip(scores, flat, strict=True) for end in labels]
    last = [float(p_T[labels[-1].position]) if labels else 0.0 for p_T, (_, labels) in zip(scores, flat, strict=True)]
    votes = [
        Vote(tuple(_answer(s) for s in group), tuple(last[i * samples : (i + 1) * samples]), p.answer)
        for i, (p, group) in enumerate(zip(problems, replies, strict=True))
    ]
    everything = [(p, s) for p, group in zip(problems, replies, strict=True) for s in group]
    tokens, idle, kinds = sum(len(s.ids) for _, s in everything), 0, Counter[str]()
    for problem, reply in everything:
        for step in label(problem, reply.text):
            if step.reflection and not step.changes:
                idle += len(tokenizer(step.text, add_special_tokens=False)["input_ids"])
            kinds["reflection" if step.reflection else "wrong" if step.right is False else "right" if step.right else "text"] += 1
            kinds["correction"] += step.reflection and step.changes
    gain = [v.weighted - v.majority for v in votes]
    return {
        "problems": len(problems),
        "samples": samples,
        **_rates(votes, samples),
        "ci95": {
            "pass_at_1": paired_interval([v.pass_1 for v in votes]),
            f"pass_at_{samples}": paired_interval([v.pass_n for v in votes]),
            f"maj_at_{samples}": paired_interval([v.majority for v in votes]),
        },
        f"bo{samples}": round(sum(v.weighted for v in votes) / len(votes), 4),
        f"bo{samples}_minus_maj{samples}": {"mean": round(sum(gain) / len(gain), 4), "ci95": paired_interval(gain)},
        "mean_tokens": round(tokens / len(everything), 1),
        "longest_tokens": max(len(s.ids) for _, s in everything),
        "unreadable": round(sum(_answer(s) is None for _, s in everything) / len(everything), 4),
        "idle_reflection": round(idle / tokens, 4),
        "prm_auroc": None if (area := auroc([p for p, _ in ends], [y for _, y in ends])) is None else round(area, 4),
        "step_ends": len(ends),
        "prm_auroc_first_wrong": _first_wrong(scores, [labels for _, labels in flat]),
        "with_trap": round(sum(bool(p.traps) for p in problems) / len(problems), 4),
        "steps": dict(sorted(kinds.items())),
    }


def _first_wrong(scores: Sequence[Any], labels: Sequence[Sequence[Any]]) -> dict[str, float | None]:
    """AUROC of first wrong steps against steps that are right so far, by what is wrong: a calculation that is off, or anything else (a trap, a distractor)."""
    right: list[float] = []
    wrong: dict[str, list[float]] = {"off_calculation": [], "misreading": []}
    for p_T, ends in zip(scores, labels, strict=True):
        for end in ends:
            if not end.solvable:
                wrong["off_calculation" if end.exact == 0 else "misreading"].append(float(p_T[end.position]))
                break
            right.append(float(p_T[end.position]))
    found = {kind: auroc([*values, *right], [0] * len(values) + [1] * len(right)) for kind, values in wrong.items()}
    return {kind: None if area is None else round(area, 4) for kind, area in found.items()}


def render_card(facts: dict[str, Any]) -> str:
    """The card as plain text."""
    mix = facts["mix"]
    n = mix["samples"]
    gain = mix[f"bo{n}_minus_maj{n}"]
    rows = [
        ("problems x samples", f"{mix['problems']} x {n} at temperature {mix['temperature']}"),
        *(
            (key, f"{mix[key]:.3f}  [{mix['ci95'][key][0]:.3f}, {mix['ci95'][key][1]:.3f}]")
            for key in ("pass_at_1", f"maj_at_{n}", f"pass_at_{n}")
        ),
        (f"weighted best of {n}", f"{mix[f'bo{n}']:.3f}, minus maj: {gain['mean']:+.3f} [{gain['ci95'][0]:+.3f}, {gain['ci95'][1]:+.3f}]"),
        ("PRM AUROC per step", "-" if mix["prm_auroc"] is None else f"{mix['prm_auroc']:.3f} over {mix['step_ends']} step ends"),
        *(
            (f"  {kind.replace('_', ' ')}", "-" if area is None else f"{area:.3f} for the first wrong step of a reply")
            for kind, area in mix["prm_auroc_first_wrong"].items()
        ),
        ("tokens a reply", f"{mix['mean_tokens']} on average, longest {mix['longest_tokens']}"),
        ("idle reflection", f"{mix['idle_reflection']:.1%} of tokens"),
        ("unreadable", f"{mix['unreadable']:.2%} of replies"),
        ("problems with a trap", f"{mix['with_trap']:.1%}"),
        ("parameters", f"policy {facts['parameters']['policy']:,}, PRM {facts['parameters']['prm']:,}"),
    ]
    for name, run in facts.get("training", {}).items():
        if isinstance(run, dict):
            rows.append(
                (
                    f"{name} training",
                    f"{run['tokens']:,} tokens, {run['steps']} steps, {run['seconds']:.0f} s, final loss {run['final_loss']:.3f}",
                )
            )
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    if facts["levels"]:
        lines += ["", f"level  pass@1  maj@{n:<3} pass@{n:<3} tokens"]
        for level, r in facts["levels"].items():
            lines.append(
                f"{level:>5}  {r['pass_at_1']:>6.3f}  {r[f'maj_at_{n}']:>6.3f}  {r[f'pass_at_{n}']:>7.3f}  {r['mean_tokens']:>6.1f}"
            )
    lines += _skill_lines(facts["skills"]) if "skills" in facts else []
    return "\n".join(lines + _start_lines(facts["starts"]) if "starts" in facts else lines)


def _start_lines(facts: dict[str, Any]) -> list[str]:
    """The starting points beside the policy."""
    columns = ("problems", "pass_at_1", "mean_tokens", "boxed", "well_formed", "idle_reflection", "corrections", "tricky_read")
    of = facts["policy"]
    width = max(map(len, facts))
    lines = [
        "",
        f"Starting points, {of['samples']} samples a problem at temperature {of['temperature']}, levels {', '.join(map(str, of['levels']))}",
        f"{'':<{width}}  {'  '.join(columns)}",
    ]
    lines += [f"{name:<{width}}  {'  '.join(f'{r[key]:>{len(key)}g}' for key in columns)}" for name, r in facts.items()]
    for tag, r in facts.get("difficulty-tags", {}).get("tags", {}).get("asked", {}).items():
        lines.append(f"difficulty-tags, asked for {tag}: pass_at_1 {r['pass_at_1']}, mean_tokens {r['mean_tokens']}")
    for style, r in facts.get("prior-prompts", {}).get("styles", {}).items():
        lines.append(f"prior-prompts, {style}: styled {r['styled']}, pass_at_1 {r['pass_at_1']}, mean_tokens {r['mean_tokens']}")
    return lines


def _skill_lines(facts: dict[str, Any]) -> list[str]:
    """The numbers of the multi-skill model: what it solves, what it says of solutions, what it writes."""

    def shown(value: Any) -> str:
        return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value}"

    rows = [(f"{model}: {key}", shown(value)) for model in ("policy", "skills") for key, value in facts["base"][model].items()]
    for name, r in facts["verdicts"].items():
        more = "".join(f", {key} {shown(r[key])}" for key in ("auroc", "place") if r.get(key) is not None)
        rows.append((name, f"balanced accuracy {shown(r['balanced_accuracy'])} of {r['n']}{more}"))
    for name, r in facts["solving"].items():
        rows.append(
            (name, f"accuracy {shown(r['accuracy'])} of {r['n']} (shown: {shown(r['of_the_shown'])}, taught: {shown(r['of_the_taught'])})")
        )
    rows += [(f"{part}: {key}", shown(value)) for part in ("stickers", "talk") for key, value in facts[part].items()]
    width = max(len(name) for name, _ in rows)
    return ["", f"The multi-skill model on {facts['solutions']} solutions of {facts['problems']} problems"] + [
        f"{name:<{width}}  {value}" for name, value in rows
    ]
