"""What the multi-skill model can do, skill by skill, against exact truth; and whether it still solves as the policy does.

The solutions shown are samples of the policy on test problems, at the temperature at which methods sample. Verdicts are written greedily, traces sampled. The keys:

- `base`: `policy` and `skills`, each pass@1, pass@n and maj@n on the same problems, and the difference of pass@1 and maj@n with a paired interval.
- `verdicts`: for each judging skill `balanced_accuracy` (mean of the shares judged rightly among right and among wrong solutions or steps; 0.5 is chance), `right_kept`,
  `wrong_found`, `unreadable`, `n`; `auroc` where the verdict is the first word: of the log probability of a good verdict minus that of a bad one; `place` for those that name a
  step: share of the wrong ones for which it is the first wrong one.
- `stickers`: `well_formed`; `gold` (every line reads as the plan does; with misreadings taught, not to be 1); `a_reading` (every line is a right or a wrong reading,
  nothing else); `fixed_faults` (a line left out or a number off is mended); `left_as_they_were` (a sticker without such a fault gets none); `found` (that of a prediction,
  exactly); `solved_as_said` (answer is the sticker's).
- `solving`: accuracy of sampled traces with what the turn shows, beside the accuracy of the solutions that were shown.
- `talk`: `summaries` (exactly the ideal one), `corrected` and `kept` (a wrong step is put right exactly where a peer shows it; right ones are left).
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from thinkwell.core.noise import NoiseKey
from thinkwell.core.sampling import Sampling
from thinkwell.lab.card import SEED, Vote, auroc, paired_interval
from thinkwell.lab.labels import boxed
from thinkwell.lab.sample import sample
from thinkwell.lab.skills import critic_guided, latent_seek, mixture_of_agents, multi_agent, self_refine, sift, solve_detect_verify
from thinkwell.lab.skills.conversation import AT_ONCE, Conversation, Make, Solution, at_once
from thinkwell.lab.skills.leap import talk
from thinkwell.lab.tokenizer import END
from thinkwell.lab.world import default_mix
from thinkwell.methods.wording.critic_guided import read_critique
from thinkwell.methods.wording.latent_seek import Check
from thinkwell.methods.wording.sift import read_sticker
from thinkwell.methods.wording.solve_detect_verify import paragraphs, read_verdict

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

CLOSE = "</think>"
TEMPERATURE = 0.8


class Writer:
    """A model that goes on from given texts."""

    def __init__(self, model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
        self.model, self.tokenizer, self.seed = model.eval(), tokenizer, seed

    def write(self, prefixes: Sequence[Sequence[str]], temperature: float = 0.0, max_tokens: int = 640) -> list[str]:
        """What follows each prefix, given as the pieces it was put together from."""
        from thinkwell.engines.local.engine import LocalEngine
        from thinkwell.engines.protocol import Completion, Request

        if not prefixes:
            return []
        engine = LocalEngine(self.model, self.tokenizer, rows=128)
        requests = [
            Request(
                NoiseKey(self.seed, f"{i}", "0"), max_tokens, prefix=self.ids(pieces), lineage=(f"{i}",), sampling=Sampling(temperature)
            )
            for i, pieces in enumerate(prefixes)
        ]

        async def run() -> list[Completion]:
            completions = await engine.generate(requests)
            await engine.aclose()
            return completions

        return [completion.text.removesuffix(END) for completion in asyncio.run(run())]

    def ids(self, pieces: Sequence[str]) -> tuple[int, ...]:
        return tuple(i for piece in pieces for i in self.tokenizer(piece, add_special_tokens=False)["input_ids"])

    @torch.inference_mode()
    def odds(self, prefixes: Sequence[Sequence[str]], good: str, bad: str) -> list[float]:
        """Log probability of the word `good` minus that of `bad` after each prefix (of their first tokens that differ)."""
        first, second = self.ids([good]), self.ids([bad])
        same = next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
        out = []
        for pieces in prefixes:
            logits_V = self.model(torch.tensor([[*self.ids(pieces), *first[:same]]]), use_cache=False).logits[0, -1].float()
            out.append(float(logits_V[first[same]] - logits_V[second[same]]))
        return out


def measure(policy: Path, skills: Path, *, problems: int = 100, samples: int = 16, shown: int = 2, seed: int = SEED) -> dict[str, Any]:
    """Measure the multi-skill model in the folder `skills` beside the policy it was made from."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(skills)
    chosen = default_mix(problems, seed + 1)
    votes: dict[str, list[Vote]] = {}
    solutions: list[Solution] = []
    for name, folder in (("policy", policy), ("skills", skills)):
        model = AutoModelForCausalLM.from_pretrained(folder)
        found = sample(model, tokenizer, [p.question for p in chosen], samples, temperature=TEMPERATURE, seed=seed)
        groups = [found[i * samples : (i + 1) * samples] for i in range(len(chosen))]
        votes[name] = [
            Vote(tuple(boxed(s.text) if s.finished else None for s in group), (1.0,) * samples, p.answer)
            for p, group in zip(chosen, groups, strict=True)
        ]
        if name == "policy":
            solutions = [Solution(p, s.text) for p, group in zip(chosen, groups, strict=True) for s in group[:shown] if s.finished]
    writer = Writer(model, tokenizer, seed)
    return {
        "problems": problems,
        "solutions": len(solutions),
        "seed": seed,
        "base": base(votes, samples),
        "verdicts": verdicts(writer, solutions),
        "stickers": stickers(writer, solutions),
        "solving": solving(writer, solutions),
        "talk": talking(writer, solutions),
    }


def base(votes: dict[str, list[Vote]], samples: int) -> dict[str, Any]:
    def mean(values: Sequence[float]) -> float:
        return round(sum(values) / len(values), 4)

    facts: dict[str, Any] = {
        name: {
            "pass_at_1": mean([v.pass_1 for v in own]),
            f"maj_at_{samples}": mean([v.majority for v in own]),
            f"pass_at_{samples}": mean([v.pass_n for v in own]),
            "unreadable": mean([sum(a is None for a in v.answers) / samples for v in own]),
        }
        for name, own in votes.items()
    }
    both = list(zip(votes["policy"], votes["skills"], strict=True))
    for key, of in (("pass_at_1", lambda v: v.pass_1), (f"maj_at_{samples}", lambda v: v.majority)):
        change = [of(after) - of(before) for before, after in both]
        facts[f"change_of_{key}"] = {"mean": mean(change), "ci95": paired_interval(change)}
    return facts


Truth = Callable[[Solution, Conversation], bool]


def made(make: Make, solutions: Sequence[Solution], name: str) -> list[tuple[Solution, Conversation]]:
    pairs = [(solution, make(random.Random(f"measure/{name}/{i}"), solution)) for i, solution in enumerate(solutions)]
    return [(solution, one) for solution, one in pairs if one is not None]


def balanced(truths: Sequence[bool], said: Sequence[bool | None]) -> dict[str, Any]:
    """What is said of right and of wrong ones; what cannot be read is a verdict on neither side."""
    pairs = list(zip(truths, said, strict=True))
    right, wrong = [s is True for t, s in pairs if t], [s is False for t, s in pairs if not t]
    kept = sum(right) / len(right) if right else None
    found = sum(wrong) / len(wrong) if wrong else None
    return {
        "balanced_accuracy": None if kept is None or found is None else round((kept + found) / 2, 4),
        "right_kept": None if kept is None else round(kept, 4),
        "wrong_found": None if found is None else round(found, 4),
        "unreadable": round(sum(s is None for s in said) / max(1, len(said)), 4),
        "n": len(pairs),
    }


def first_word(yes: str, no: str) -> Callable[[str], bool | None]:
    """Reads a verdict that begins with one of two words."""
    return lambda text: True if text.startswith(yes) else False if text.startswith(no) else None


def verdicts(writer: Writer, solutions: Sequence[Solution]) -> dict[str, Any]:
    """Every judging skill. All but the slow verification are answered at once, as the methods ask them."""
    facts: dict[str, Any] = {}
    verifiers: dict[str, Make] = {"verify fast": solve_detect_verify.verify_fast, "verify slow": solve_detect_verify.verify_slow}
    for name, make in verifiers.items():
        pairs = made(make, solutions, name)
        slow = name == "verify slow"
        prefixes = [[one.prompt] if slow else [one.prompt, AT_ONCE] for _, one in pairs]
        replies = [text if slow else AT_ONCE + text for text in writer.write(prefixes)]
        read = [
            read_verdict(text, len(paragraphs(s.text)), lab=True, think_close=CLOSE) for text, (s, _) in zip(replies, pairs, strict=True)
        ]
        truths = [s.first_wrong is None for s, _ in pairs]
        facts[name] = balanced(truths, [None if v is None else v.correct for v in read])
        wrong = [v is not None and v.error == s.first_wrong for v, (s, _) in zip(read, pairs, strict=True) if s.first_wrong is not None]
        facts[name]["place"] = round(sum(wrong) / len(wrong), 4) if wrong else None
        if not slow:
            area = auroc(writer.odds(prefixes, "All correct", "Step"), [int(t) for t in truths])
            facts[name]["auroc"] = None if area is None else round(area, 4)
    pairs = made(critic_guided.critic_step, solutions, "critic step")
    replies = [AT_ONCE + text for text in writer.write([[one.prompt, AT_ONCE] for _, one in pairs])]
    said = [None if (c := read_critique(text, lab=True, think_close=CLOSE)) is None else c.label == "correct" for text in replies]
    facts["critic step"] = balanced([one.text.endswith(" correct") for _, one in pairs], said)
    right = lambda solution, one: solution.right  # noqa: E731
    yes = lambda solution, one: one.text.endswith("Yes")  # noqa: E731
    kinds: list[tuple[str, Make, str, str, Truth]] = [
        ("complete", solve_detect_verify.complete, "Yes", "No", yes),
        *((f"self check: {check.value}", checking(check), "Yes", "No", yes) for check in Check),
        ("feedback", self_refine.feedback, "Yes", "No", right),
        ("critic", multi_agent.critic, "Yes", "No", right),
        ("evaluator", multi_agent.evaluator, "Yes", "No", right),
        ("ceo", with_solution(multi_agent.ceo), "So stop", "So continue", right),
    ]
    for name, make, good, bad, truth in kinds:
        pairs = made(make, solutions, name)
        prefixes = [[one.prompt, AT_ONCE] for _, one in pairs]
        truths = [truth(solution, one) for solution, one in pairs]
        facts[name] = balanced(truths, [first_word(good, bad)(text) for text in writer.write(prefixes, max_tokens=8)])
        area = auroc(writer.odds(prefixes, good, bad), [int(t) for t in truths])
        facts[name]["auroc"] = None if area is None else round(area, 4)
    return facts


def checking(check: Check) -> Make:
    """Only this check, of the solution as it is (for the check of the end also cut before it)."""

    def make(rng: random.Random, solution: Solution) -> Conversation | None:
        if check is Check.COMPLETE and rng.random() < 0.5:
            solution = Solution(solution.problem, "".join(step.text for step in solution.thinking))
        (turn,) = latent_seek.LAB.messages(check, solution.problem.question, solution.text)
        return at_once(turn["content"], "Yes" if latent_seek.verdict(check, solution) else "No")

    return make


def with_solution(make: Make) -> Make:
    """Conversations that show a solution."""

    def shown(rng: random.Random, solution: Solution) -> Conversation | None:
        one = make(rng, solution)
        return one if one and one.steps else None

    return shown


def stickers(writer: Writer, solutions: Sequence[Solution]) -> dict[str, Any]:
    problems = {s.problem.id: s for s in solutions}.values()
    facts: dict[str, Any] = {}

    def written(make: Make, name: str) -> list[tuple[Solution, Conversation, Any]]:
        pairs = made(make, list(problems), name)
        replies = writer.write([[one.prompt, AT_ONCE] for _, one in pairs])
        return [(s, one, read_sticker(AT_ONCE + text, CLOSE)) for (s, one), text in zip(pairs, replies, strict=True)]

    def share(values: Sequence[bool]) -> float | None:
        return round(sum(values) / len(values), 4) if values else None

    found = written(sift.write_sticker, "write sticker")
    facts["well_formed"] = share([sticker.well_formed for *_, sticker in found])
    facts["gold"] = share([operations(sticker.conditions) == operations(sift.conditions(s.problem, {})) for s, _, sticker in found])
    facts["a_reading"] = share([operations(sticker.conditions) in readings_of(s) for s, _, sticker in found])
    fixed = written(sift.fix_sticker, "fix sticker")
    faulty = [(s, sticker) for s, one, sticker in fixed if is_faulty(s, one)]
    facts["fixed_faults"] = share([operations(sticker.conditions) in readings_of(s) for s, sticker in faulty])
    facts["faulty"] = len(faulty)
    facts["left_as_they_were"] = share(
        [operations(sticker.conditions) in readings_of(s) for s, one, sticker in fixed if not is_faulty(s, one)]
    )
    facts["found"] = share([after(one.text) == sticker.text for _, one, sticker in written(sift.find_sticker, "find sticker")])
    pairs = made(sift.solve_sticker, list(problems), "solve sticker")
    replies = writer.write([[one.prompt] for _, one in pairs], TEMPERATURE)
    facts["solved_as_said"] = share([boxed(text) == value_of(one.turns[0]) for (_, one), text in zip(pairs, replies, strict=True)])
    facts["n"] = len(problems)
    return facts


def after(text: str) -> str:
    return text.rpartition(CLOSE)[2].strip()


def operations(lines: Sequence[str]) -> tuple[str, ...]:
    """What each condition says to do, whatever its words: "it + 7", or the last number of a line without an operation."""
    out = []
    for line in lines:
        done = re.search(r"(?:it|that|\d+) [-+*/] (?:it|that|\d+)", line)
        out.append(done[0] if done else (re.findall(r"\d+|\bthat\b", line) or [""])[-1])
    return tuple(out)


def readings_of(solution: Solution) -> set[tuple[str, ...]]:
    """All readings of a problem: every trap right or wrong."""
    problem = solution.problem
    traps = [i for i, step in enumerate(problem.plan) if step.misread] + [-1 - d.number for d in problem.distractors if d.tempting]
    every = [{trap: bool(mask >> k & 1) for k, trap in enumerate(traps)} for mask in range(1 << len(traps))]
    return {operations(sift.conditions(problem, reading)) for reading in every}


def is_faulty(solution: Solution, one: Conversation) -> bool:
    """Has the sticker shown in this turn a fault that is no reading?"""
    return operations(read_sticker(one.turns[0].partition("\n\n")[2]).conditions) not in readings_of(solution)


def value_of(sticker: str) -> int:
    """An independent reader of stickers: does what each line says; "that" is the value just found, "it" the running one."""
    lines = list(read_sticker(sticker).conditions)
    it = that = 0
    for i, line in enumerate(lines):
        done = re.search(r"(it|that|\d+) ([-+*/]) (it|that|\d+)", line)
        if done:
            left, right = (it if x == "it" else that if x == "that" else int(x) for x in (done[1], done[3]))
            that = {"+": left + right, "-": max(0, left - right), "*": left * right, "/": left // right if right else 0}[done[2]]
        else:
            that = next((int(x) for x in re.findall(r"\d+", line)), that)
        side = i + 1 < len(lines) and re.search(r"\bthat [-+*/]|[-+*/] that\b", lines[i + 1])
        it = it if side else that
    return it


def solving(writer: Writer, solutions: Sequence[Solution]) -> dict[str, Any]:
    """Traces of the turns that show something, beside what was shown."""
    facts: dict[str, Any] = {}
    skills: dict[str, Make] = {
        "refine": self_refine.refine,
        "solve with verdict": solve_detect_verify.solve_with_verdict,
        "solve with critics": multi_agent.solver,
        "answers": mixture_of_agents.answers,
        "solve both": sift.solve_both,
    }
    for name, make in skills.items():
        pairs = made(make, solutions, name)
        replies = writer.write([[one.prompt] for _, one in pairs], TEMPERATURE)
        right = [boxed(text) == s.problem.answer for (s, _), text in zip(pairs, replies, strict=True)]
        facts[name] = {
            "accuracy": round(sum(right) / len(right), 4) if right else None,
            "of_the_shown": round(sum(s.right for s, _ in pairs) / len(pairs), 4) if pairs else None,
            "of_the_taught": round(sum(boxed(one.text) == s.problem.answer for s, one in pairs) / len(pairs), 4) if pairs else None,
            "n": len(pairs),
        }
    return facts


def talking(writer: Writer, solutions: Sequence[Solution]) -> dict[str, Any]:
    """The first block of a written trace: is it summed up as it should be, and is exactly what a peer shows put right?"""
    blocks = [(s, one, [piece.text for piece in one.reply]) for s, one in made(talk, solutions, "talk")]
    said = writer.write([[one.prompt, *pieces[:2]] for _, one, pieces in blocks], max_tokens=256)
    exact = [text.startswith(pieces[2]) for text, (_, _, pieces) in zip(said, blocks, strict=True)]
    talked = [(one, pieces) for _, one, pieces in blocks if pieces[3].endswith("comments:")]
    replies = writer.write([[one.prompt, *pieces[:4]] for one, pieces in talked], max_tokens=64)
    wrong = [(text, pieces[4]) for text, (_, pieces) in zip(replies, talked, strict=True) if pieces[4].startswith(" that is wrong")]
    right = [text for text, (_, pieces) in zip(replies, talked, strict=True) if not pieces[4].startswith(" that is wrong")]
    return {
        "summaries": round(sum(exact) / len(exact), 4) if exact else None,
        "corrected": round(sum(text.startswith(ideal) for text, ideal in wrong) / len(wrong), 4) if wrong else None,
        "noticed": round(sum(text.startswith(" that is wrong") for text, _ in wrong) / len(wrong), 4) if wrong else None,
        "kept": round(sum(not text.startswith(" that is wrong") for text in right) / len(right), 4) if right else None,
        "wrong": len(wrong),
        "right": len(right),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2])), indent=1))
