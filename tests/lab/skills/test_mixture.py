"""Every skill: its ideal replies are read by the method's own parser as the truth, are made of the lab's words, and depend on the seed alone."""

import random
import re
from collections import Counter, defaultdict

import pytest
import torch

from thinkwell.lab import tokenizer as lab_tokenizer
from thinkwell.lab import world
from thinkwell.lab.labels import boxed, first_wrong_step, label, optimal_length
from thinkwell.lab.skills import latent_seek, mixture_of_agents, multi_agent, sift
from thinkwell.lab.skills.conversation import Conversation, Piece, Solution, right_step, solve_again
from thinkwell.lab.skills.mixture import (
    IGNORE,
    ORDINARY,
    SKILLS,
    SkillBatches,
    Student,
    conversations,
    encode,
    skill_loss,
)
from thinkwell.lab.trace import NATURAL, gold_trace, write
from thinkwell.methods.wording import critic_guided as critic_words
from thinkwell.methods.wording import latent_seek as seek_words
from thinkwell.methods.wording import multi_agent as team_words
from thinkwell.methods.wording import self_refine as refine_words
from thinkwell.methods.wording import sift as sift_words
from thinkwell.methods.wording import solve_detect_verify as verify_words
from thinkwell.methods.wording._inert import after_thinking

CLOSE = "</think>"


@pytest.fixture(scope="module")
def tokens():
    return lab_tokenizer.make()


def solutions(n: int = 150) -> list[tuple[random.Random, Solution]]:
    found = []
    for seed in range(n):
        problem = world.generate(seed, 1 + seed % 10, "train")
        found.append((random.Random(seed), Solution(problem, write(problem, random.Random(seed)).text)))
    return found


SHOWN = solutions()


def made(skill: str) -> list[tuple[Solution, Conversation]]:
    pairs = [(solution, SKILLS[skill][1](random.Random(f"{skill}/{i}"), solution)) for i, (_, solution) in enumerate(SHOWN)]
    return [(solution, one) for solution, one in pairs if one is not None]


@pytest.mark.parametrize("skill", ["verify fast", "verify slow"])
def test_verdicts_name_the_first_wrong_step(skill):
    seen = Counter()
    for solution, one in made(skill):
        parts = verify_words.paragraphs(solution.text)
        verdict = verify_words.read_verdict(one.text, len(parts), lab=True, think_close=CLOSE)
        wrong = first_wrong_step(solution.problem, solution.text)
        assert verdict is not None
        assert verdict.correct is (wrong is None)
        if wrong is not None:
            step = label(solution.problem, solution.text)[wrong].text.strip()
            assert verify_words.plain(step) == parts[verdict.error]
        seen[verdict.correct] += 1
    assert min(seen.values()) > 20


def test_a_fast_verdict_learns_only_what_comes_after_the_mark_and_a_slow_one_all_of_it():
    (_, fast), (_, slow) = made("verify fast")[0], made("verify slow")[0]
    assert [piece.learn for piece in fast.reply] == [False, True]
    assert fast.reply[0].text == "</think>\n\n"
    assert [piece.learn for piece in slow.reply] == [True]
    assert slow.text.startswith("Step 1: ")


def test_the_completeness_probe_says_whether_every_step_of_the_plan_is_stated():
    seen = Counter()
    for solution, one in made("complete"):
        question, begun, _ = one.turns
        assert question == solution.problem.question
        assert re.search(r"(Wait|Hmm|check|Alternatively|However|But wait)$", begun)
        assert one.reply[-1].text == ("Yes" if optimal_length(solution.problem, begun + " ") == 0 else "No")
        seen[one.reply[-1].text] += 1
    assert min(seen.values()) > 40


def test_the_critic_judges_a_step_by_itself():
    seen = Counter()
    for solution, one in made("critic step"):
        said = critic_words.read_critique(one.text, lab=True, think_close=CLOSE)
        number = int(re.search(r"check step (\d+)\.$", one.turns[0])[1])
        assert said is not None
        assert (said.label == "incorrect") is (solution.steps[number - 1].right is False)
        assert all(step.solvable for step in solution.steps[: number - 1][-1:])
        seen[said.label] += 1
    assert min(seen.values()) > 40


def test_self_checks_say_yes_or_no_and_a_right_answer_is_read_rightly():
    for solution, one in made("self check"):
        said = seek_words.read_verdict(one.text, "", think_close=CLOSE)
        assert said is not None
        if one.turns[0].endswith("the answer: is it correct?"):
            assert said is (boxed(solution.text) == solution.problem.answer)
        if one.turns[0].endswith("the right facts?") and solution.right:
            assert said


def test_the_check_of_facts_finds_what_was_planted():
    for i in range(300):
        problem = world.generate(i, 1 + i % 10, "train")
        trace = write(problem, random.Random(i))
        fallen = {"misread", "tempted"} & {line.kind for line in trace.lines}
        unsure = any(line.kind == "correction" or (line.kind == "slip" and problem.plan[line.plan].trap) for line in trace.lines)
        if not unsure:
            assert latent_seek.misread(Solution(problem, trace.text)) is bool(fallen)


def test_feedback_names_the_wrong_step_and_the_right_one():
    for solution, one in made("feedback"):
        judged = refine_words.WORDINGS["lab"].read_feedback(one.text, CLOSE).judgement
        assert judged == ("correct" if boxed(solution.text) == solution.problem.answer else "wrong")
    assert len(made("feedback")) == len(SHOWN)  # written traces are never beyond the rule


@pytest.mark.parametrize("skill", ["refine", "solve with critics", "solve with verdict", "answers", "solve both", "solve sticker", "talk"])
def test_solving_skills_end_in_an_answer(skill):
    assert all(boxed(one.text) is not None for _, one in made(skill))


def test_who_was_told_the_wrong_step_solves_it_better():
    told = [boxed(one.text) == solution.problem.answer for solution, one in made("refine")]
    assert sum(told) / len(told) > 0.75


def test_answers_of_others_help_only_where_one_is_right():
    """Shown wrong answers alone, traps are read as ever."""
    right = Counter()
    for i in range(400):
        problem = world.generate(i, 4, "train")
        if not problem.traps:
            continue
        one = mixture_of_agents.answers(random.Random(i), Solution(problem, gold_trace(problem).text))
        right[boxed(one.text) == problem.answer] += 1
    assert right[True] / right.total() > 0.6


def test_the_team_speaks_in_words_its_readers_read():
    for solution, one in made("ceo"):
        decision = team_words.read_decision(after_thinking(one.text, CLOSE), lab=True)
        assert decision is not None
        if "One solution" in one.turns[0]:
            assert decision.go_on is not solution.right
        else:
            assert decision.go_on
    for solution, one in made("recruiter"):
        n = int(re.search(r"find (\d) roles", one.turns[0])[1])
        named = team_words.read_roles(after_thinking(one.text, CLOSE), n)
        assert named is not None
        assert named == tuple(multi_agent.roles(solution.problem)[:n])
    for skill, read in (("critic", team_words.read_review), ("evaluator", team_words.read_evaluation)):
        for solution, one in made(skill):
            said = read(after_thinking(one.text, CLOSE), lab=True)
            assert (said.agrees if skill == "critic" else said.correct) is solution.right


def test_mending_says_the_gold_step():
    """With what it says in the place of the step that went wrong, the problem can be solved again."""
    for _, solution in SHOWN:
        at = solution.wrong_for_good
        if at is not None and not solution.thinking[at].reflection:
            before = "".join(step.text for step in solution.thinking[:at])
            assert label(solution.problem, f"{before}{right_step(solution)}\n\n")[-1].solvable


@pytest.mark.parametrize("skill", ["write sticker", "fix sticker", "find sticker"])
def test_stickers_are_well_formed(skill):
    for _, one in made(skill):
        assert sift_words.read_sticker(one.text, CLOSE).well_formed


def test_stickers_read_traps_no_better_than_solving_does():
    """The same share of readings is wrong in what a sticker says and in what a trace does."""
    wrong, trapped = 0, 0
    solved, traces = 0, 0
    for i in range(1500):
        problem = world.generate(i, 6, "train")
        if len(problem.traps) != 1:
            continue
        truth = sift.sticker(problem, {})
        one = sift.write_sticker(random.Random(i), Solution(problem, "x"))
        wrong += after_thinking(one.text, CLOSE) != truth
        trapped += 1
        trace = write(problem, random.Random(i), NATURAL)
        solved += latent_seek.misread(Solution(problem, trace.text))
        traces += 1
    assert trapped > 300
    assert abs(wrong / trapped - solved / traces) < 0.06


def test_a_sticker_is_solved_as_it_says():
    for solution, one in made("solve sticker"):
        gold = sift.sticker(solution.problem, {})
        misreads = one.turns[0] != gold
        assert latent_seek.misread(Solution(solution.problem, one.text)) is misreads


def test_solving_again_without_being_told_reads_no_better():
    problem = next(p for i in range(500) if len((p := world.generate(i, 5, "train")).traps) == 1)
    wrong = next(s for i in range(500) if latent_seek.misread(s := Solution(problem, write(problem, random.Random(i)).text)))
    again = [latent_seek.misread(Solution(problem, solve_again(wrong, random.Random(i), told=False))) for i in range(200)]
    told = [latent_seek.misread(Solution(problem, solve_again(wrong, random.Random(i)))) for i in range(50)]
    assert 0.4 < sum(again) / 200 < 0.7
    assert sum(told) <= 1


def test_every_token_is_a_word_of_the_lab_but_a_counted_few(tokens):
    """Bare "it"-like words after an operator and "All" at the start of a reply are spelled."""
    pieces = {i: piece for piece, i in lab_tokenizer.vocabulary().items()}
    spelled, total = 0, 0
    for block in range(2):
        for _, one in conversations(7, block, 200, ()):
            ids = encode(tokens, one)[0]
            total += len(ids)
            spelled += sum(len(p := pieces[i]) == 1 and p.isalpha() and p != "a" for i in ids)
            assert not any(pieces[i].startswith("<0x") and i != 0 for i in ids)
    assert spelled / total < 0.01


def test_the_mixture_is_a_pure_function_of_the_seed():
    first = list(conversations(3, 5, 60, ()))
    assert first == list(conversations(3, 5, 60, ()))
    assert first != list(conversations(3, 6, 60, ()))


def test_the_mixture_holds_every_skill_and_its_share_of_ordinary_traces():
    names = Counter(name for block in range(3) for name, _ in conversations(1, block, 500, ()))
    assert abs(names["solve"] / names.total() - ORDINARY) < 0.05
    assert set(names) == {"solve", *SKILLS}


def test_the_policys_samples_are_shown(tokens):
    problem = world.generate(11, 3, "train")
    sample = (11, 3, gold_trace(problem).text)
    shown = [one for name, one in conversations(0, 0, 300, [sample]) if name == "feedback"]
    assert any(problem.question in one.turns[0] for one in shown)


def test_rows_carry_loss_on_learnt_pieces_and_labels_at_the_ends_of_shown_steps(tokens):
    one = Conversation(("Q", "Ann has 5."), (Piece("</think>\n\n", False), Piece("Yes", True)))
    ids, labels, weight, marks = encode(tokens, one)
    assert [i for i in labels if i != IGNORE] == tokens("Yes<|im_end|>", add_special_tokens=False)["input_ids"]
    assert (weight, marks) == (60, [])
    assert tokens.decode(ids).startswith("<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nAnn has 5.<|im_end|>\n")
    marked = defaultdict(list)
    for solution, conversation in made("critic step")[:30]:
        ids, _, _, marks = encode(tokens, conversation)
        assert len(marks) == 2 * len(conversation.steps)
        for position, known in marks[::2]:
            marked[tokens.decode([ids[position]])].append(known)
        assert [known[0] for _, known in marks[::2]] == [IGNORE if s.right is None else int(s.right) for s in conversation.steps]
        assert solution.problem.question in conversation.turns[0]
    assert set(marked) <= {".", "}"}


def test_the_prompt_is_the_chat_template(tokens):
    one = Conversation(("Q", "A", "R"), (Piece("x", True),))
    messages = [{"role": role, "content": text} for role, text in zip(("user", "assistant", "user"), one.turns, strict=True)]
    assert one.prompt == tokens.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def test_the_loss_counts_learnt_tokens_and_judged_steps(tokens):
    from thinkwell.lab.models import new_policy

    student = Student(new_policy(tokens, 0, width=32, layers=1), 0)
    ids, labels = SkillBatches(tokens, (), seed=0, rows=4, block=2)(0)
    assert labels.shape == (*ids.shape, 5)
    loss_of = skill_loss(student)
    with torch.no_grad():
        whole = loss_of(ids, labels)
        unjudged = labels.clone()
        unjudged[..., 2:] = IGNORE
        assert loss_of(ids, unjudged) <= whole
    again = SkillBatches(tokens, (), seed=0, rows=4, block=2)
    again(1)
    assert all(torch.equal(a, b) for a, b in zip((ids, labels), again(0), strict=True))
