"""All skills with their weights, and training batches that mix them with ordinary traces; pure functions of (seed, step)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from thinkwell.lab.data import IGNORE, LEVEL_WEIGHTS, bucket
from thinkwell.lab.prm import WRITTEN
from thinkwell.lab.skills import critic_guided, latent_seek, leap, mixture_of_agents, multi_agent, self_refine, sift, solve_detect_verify
from thinkwell.lab.skills.conversation import Conversation, Make, Piece, Solution
from thinkwell.lab.tokenizer import END
from thinkwell.lab.trace import NATURAL, THOUGHTFUL, write
from thinkwell.lab.world import LEVELS, generate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

SKILLS: dict[str, tuple[float, Make]] = {
    "verify fast": (14, solve_detect_verify.verify_fast),
    "verify slow": (14, solve_detect_verify.verify_slow),
    "complete": (3, solve_detect_verify.complete),
    "solve with verdict": (3, solve_detect_verify.solve_with_verdict),
    "critic step": (11, critic_guided.critic_step),
    "self check": (14, latent_seek.self_check),
    "feedback": (6, self_refine.feedback),
    "refine": (3, self_refine.refine),
    "write sticker": (5, sift.write_sticker),
    "fix sticker": (4, sift.fix_sticker),
    "find sticker": (3, sift.find_sticker),
    "solve sticker": (4, sift.solve_sticker),
    "solve both": (3, sift.solve_both),
    "talk": (12, leap.talk),
    "ceo": (2, multi_agent.ceo),
    "recruiter": (1, multi_agent.recruiter),
    "critic": (4, multi_agent.critic),
    "evaluator": (4, multi_agent.evaluator),
    "solve with critics": (2, multi_agent.solver),
    "answers": (3, mixture_of_agents.answers),
}
"""Skill -> its weight among the skills, and what makes a conversation of it."""
TAUGHT = sorted({make.__module__.rpartition(".")[2] for _, make in SKILLS.values()})
"""The wordings (files of `thinkwell.methods.wording`) whose turns the skills are; the card keeps them."""
ORDINARY = 0.4
"""Share of ordinary traces, so that solving stays as it is."""
SAMPLED = 0.6
"""Share of the shown solutions that the policy wrote; the others are written by the world, half of them with more mistakes noticed (`prm.WRITTEN`)."""
LONGEST = 900
"""Conversations of more tokens are left out."""
FAIR, MOST = 60, 6
"""A reply of fewer learnt tokens than `FAIR` weighs as much as one of so many, up to `MOST` times its length: a verdict is one word."""
JUDGE = 1.0
"""Weight of what is learnt of the shown solution's steps beside the reply."""

SkillRow = tuple[list[int], list[int], int, list[tuple[int, tuple[int, int, int]]]]
"""Token ids of a conversation; their labels; the weight of a labelled token; (position, (right, solvable, exact)) of shown steps."""


def load_samples(tokenizer: PreTrainedTokenizerFast, path: Path) -> list[tuple[int, int, str]]:
    """Stored replies, one JSON list [problem seed, level, token ids] a line, as (seed, level, text)."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    texts = tokenizer.batch_decode([ids for *_, ids in rows])
    return [(seed, level, text.removesuffix(END)) for (seed, level, _), text in zip(rows, texts, strict=True)]


def conversations(seed: int, block: int, count: int, samples: Sequence[tuple[int, int, str]]) -> Iterator[tuple[str, Conversation]]:
    """`count` conversations with the names of their skills ("solve" for ordinary traces); a pure function of (seed, block) and the samples."""
    rng = random.Random(f"skills/{seed}/{block}")
    names, weights = list(SKILLS), [weight for weight, _ in SKILLS.values()]
    for _ in range(count):
        if rng.random() < ORDINARY:
            problem = generate(rng.getrandbits(48), rng.choices(LEVELS, LEVEL_WEIGHTS)[0], "train")
            yield "solve", Conversation((problem.question,), (Piece(write(problem, rng, rng.choice((NATURAL, THOUGHTFUL))).text, True),))
            continue
        (name,) = rng.choices(names, weights)
        while (made := SKILLS[name][1](rng, solution(rng, samples))) is None:
            pass
        yield name, made


def solution(rng: random.Random, samples: Sequence[tuple[int, int, str]]) -> Solution:
    """A solution of a train problem: one of the samples, or written."""
    if samples and rng.random() < SAMPLED:
        seed, level, text = rng.choice(samples)
        return Solution(generate(seed, level, "train"), text)
    problem = generate(rng.getrandbits(48), rng.choices(LEVELS, LEVEL_WEIGHTS)[0], "train")
    return Solution(problem, write(problem, rng, rng.choice((NATURAL, WRITTEN))).text)


def encode(tokenizer: PreTrainedTokenizerFast, made: Conversation) -> SkillRow:
    """A conversation as ids, labels and what is known of the steps it shows. Pieces are encoded one by one, as a method puts them in."""
    encoded = tokenizer(made.prompt, add_special_tokens=False, return_offsets_mapping=bool(made.steps))
    ids: list[int] = list(encoded["input_ids"])
    labels = [IGNORE] * len(ids)
    marks: list[tuple[int, tuple[int, int, int]]] = []
    if made.steps:
        ends = {end: i for i, (_, end) in enumerate(encoded["offset_mapping"])}
        place = 0
        for step in made.steps:
            found = made.prompt.find(step.text, place)
            if found < 0:
                continue
            place = found + len(step.text)
            known = tuple(IGNORE if x is None else int(x) for x in (step.right, step.solvable, step.exact))
            marks += [(ends[place] + i, known) for i in (0, 1)] if place in ends else []  # type: ignore[misc]
    for k, piece in enumerate(made.reply):
        text = piece.text + (END if k == len(made.reply) - 1 else "")
        more = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids += more
        labels += more if piece.learn else [IGNORE] * len(more)
    learnt = sum(label != IGNORE for label in labels)
    return ids, labels, min(MOST * 10, max(10, 10 * FAIR // learnt)), marks


def stack(rows: Sequence[SkillRow], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids (B, T) padded on the right, and (B, T, 5): the label and ten times the weight of a token, and right, solvable, exact of a shown step's end."""
    longest = max(len(ids) for ids, *_ in rows)
    ids_BT = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    labels_BT5 = torch.full((len(rows), longest, 5), IGNORE, dtype=torch.long)
    for i, (ids, labels, weight, marks) in enumerate(rows):
        ids_BT[i, : len(ids)] = torch.tensor(ids)
        labels_BT5[i, : len(ids), 0] = torch.tensor(labels)
        labels_BT5[i, :, 1] = weight
        for position, known in marks:
            labels_BT5[i, position, 2:] = torch.tensor(known)
    return ids_BT, labels_BT5


class SkillBatches:
    """Batch of step t; blocks of steps share one pool of rows that is sorted into like lengths."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, samples: Sequence[tuple[int, int, str]], seed: int, rows: int = 32, block: int = 16
    ) -> None:
        self.tokenizer, self.samples, self.seed, self.rows, self.block = tokenizer, samples, seed, rows, block
        self._cached: tuple[int, list[list[SkillRow]]] = (-1, [])

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        block = step // self.block
        if self._cached[0] != block:
            made = conversations(self.seed, block, self.rows * self.block, self.samples)
            rows = [row for _, one in made if len((row := encode(self.tokenizer, one))[0]) <= LONGEST]
            self._cached = block, bucket(rows, self.block, random.Random(f"skills-order/{self.seed}/{block}"))
        return stack(self._cached[1][step % self.block], self.tokenizer.pad_token_id)


class Student(nn.Module):
    """The policy, and while it learns a judge of the steps it is shown: is the step right, can the problem still be solved, is the calculation exact? The judge is dropped.

    A verdict is one word for a whole solution, so few of them teach where mistakes are; the judge is taught at every step.
    """

    def __init__(self, policy: Qwen3ForCausalLM, seed: int) -> None:
        super().__init__()
        self.policy = policy
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.judge = nn.Linear(policy.config.hidden_size, 3)


def skill_loss(student: Student, *, compiled: bool = False) -> Callable[[Tensor, Tensor], Tensor]:
    """Weighted mean cross-entropy of the learnt tokens, plus the judge's binary cross-entropy; a function of (ids_BT, labels_BT5)."""
    policy = student.policy
    if compiled:
        policy.set_attn_implementation("eager")
    body = torch.compile(policy.model, dynamic=True) if compiled else policy.model

    def loss_of(ids_BT: Tensor, labels_BT5: Tensor) -> Tensor:
        hidden_BTD = body(input_ids=ids_BT, use_cache=False).last_hidden_state
        target_BT = labels_BT5[:, 1:, 0]
        learnt = target_BT != IGNORE
        weight_N = labels_BT5[:, 1:, 1][learnt].float()
        losses_N = nn.functional.cross_entropy(policy.lm_head(hidden_BTD[:, :-1][learnt]).float(), target_BT[learnt], reduction="none")
        loss = (losses_N * weight_N).sum() / weight_N.sum()
        known_BT3 = labels_BT5[..., 2:]
        ends = (known_BT3 != IGNORE).any(-1)
        if ends.any():
            known = known_BT3[ends]
            judged = nn.functional.binary_cross_entropy_with_logits(
                student.judge(hidden_BTD[ends]).float(), known.clamp(min=0).float(), reduction="none"
            )
            loss = loss + JUDGE * judged[known != IGNORE].mean()
        return loss

    return loss_of
