import asyncio
import gzip
import json
import sys

import pytest

from thinkwell.answers.grade import grade_answer
from thinkwell.core.answer import AnswerKind
from thinkwell.core.budget import Budget
from thinkwell.core.capability import Capability
from thinkwell.core.errors import DataError, EngineError, MissingCapability, MissingExtra, ReplayExhausted, UnknownName
from thinkwell.core.noise import NoiseKey
from thinkwell.core.path import Finish
from thinkwell.core.problem import Problem
from thinkwell.core.prompt import Preset
from thinkwell.engines.protocol import Engine, Request
from thinkwell.engines.replay import ReplayEngine
from thinkwell.engines.replay_data import estimate_tokens
from thinkwell.engines.replay_formats import load_replay
from thinkwell.scorers.recorded import RecordedScorer
from thinkwell.session import Session

PRESET = Preset("test", 1, "{question}", max_tokens=100_000)


def row(index=0, text="It is \\boxed{5}.", **more):
    base = {
        "problem_id": "aime24/a",
        "benchmark": "aime24",
        "problem": "What is 2+3?",
        "reference": "005",
        "model": "m",
        "sample_index": index,
        "completion": text,
    }
    return {**base, "correct": None, "step_labels": None, "meta": {}, **more}


@pytest.fixture
def write(tmp_path):
    def go(*rows, name="samples.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in rows)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return go


def solve(engine, problem, n, sample=0, **more):
    """Open n paths, extend them all, give back the session and the paths."""
    budget = Budget(**more.pop("budget", {}))
    session = Session(problem, engine, preset=PRESET, sample=sample, budget=budget, scorers={"prm": RecordedScorer(engine)})

    async def go():
        return await session.extend(await session.open(n), **more)

    return session, asyncio.run(go())


def test_path_k_is_sample_k_in_recorded_order(write):
    engine = ReplayEngine.from_file(write(row(1, "one"), row(0, "zero"), row(2, "two")))
    assert isinstance(engine, Engine)
    (problem,) = engine.problems()
    session, paths = solve(engine, problem, 3)
    assert [path.text for path in paths] == ["zero", "one", "two"]
    assert all(path.finish is Finish.EOS for path in paths)
    assert session.usage.generated_tokens == 3


def test_problems_carry_reference_and_kind(write):
    rows = [row(), row(problem_id="b", benchmark="math500", reference="\\frac12"), row(problem_id="c", benchmark="amc24", reference="B")]
    found = {problem.id: problem for problem in ReplayEngine.from_file(write(*rows)).problems()}
    assert (found["aime24/a"].kind, found["aime24/a"].reference) == (AnswerKind.INTEGER, "005")
    assert found["b"].kind is AnswerKind.MATH
    assert found["c"].kind is AnswerKind.CHOICE


def test_repetitions_start_one_sample_later_and_go_round(write):
    engine = ReplayEngine.from_file(write(*(row(i, f"t{i}") for i in range(3))))
    (problem,) = engine.problems()
    served = [[path.text for path in solve(engine, problem, 2, sample=r)[1]] for r in range(3)]
    assert served == [["t0", "t1"], ["t1", "t2"], ["t2", "t0"]]
    with pytest.raises(ReplayExhausted, match="holds 3 samples"):
        solve(engine, problem, 1, sample=3)


def test_more_paths_than_samples_are_refused(write):
    engine = ReplayEngine.from_file(write(row(0), row(1), row(0, problem_id="b")))
    assert engine.min_samples == 1
    assert [engine.samples_of(problem) for problem in engine.problems()] == [2, 1]
    assert engine.samples_of("unknown") == 0
    with pytest.raises(ReplayExhausted, match="ask for no more than 2"):
        solve(engine, engine.problems()[0], 3)


def test_another_tasks_name_for_a_problem_is_found_by_its_question(write):
    engine = ReplayEngine.from_file(write(row(text="x")))
    same = Problem("other/7", "What is   2+3?")
    assert solve(engine, same, 1)[1][0].text == "x"
    assert engine.samples_of(same) == 1
    with pytest.raises(DataError, match="was not recorded"):
        solve(engine, Problem("other/8", "What is 9?"), 1)


def test_several_models_must_be_chosen_from_or_pooled(write):
    file = write(row(), row(model="n", text="other"))
    with pytest.raises(DataError, match=r"2 models.*Models: m, n"):
        ReplayEngine.from_file(file)
    with pytest.raises(UnknownName, match="recorded model 'k'"):
        ReplayEngine.from_file(file, model="k")
    assert ReplayEngine.from_file(file, model="n").info.model == "n"
    pooled = ReplayEngine.from_file(file, pool=True)
    assert pooled.min_samples == 2
    assert pooled.info.model == "pool of 2 models"
    assert pooled.info.fingerprint != ReplayEngine.from_file(file, model="n").info.fingerprint


def test_token_counts_are_the_recorded_ones_else_estimated_and_flagged(write):
    recorded = ReplayEngine.from_file(write(row(meta={"n_tokens": 7})))
    assert recorded.info.details["token_counts"] == "recorded"
    assert solve(recorded, recorded.problems()[0], 1)[0].usage.generated_tokens == 7
    guessed = ReplayEngine.from_file(write(row(text="So 12 + 3 = 15.\n\nDone")))
    assert guessed.info.details["token_counts"] == "estimated"
    assert solve(guessed, guessed.problems()[0], 1)[0].usage.generated_tokens == 11
    mixed = ReplayEngine.from_file(write(row(meta={"n_tokens": 7}), row(1)))
    assert mixed.info.details["token_counts"] == "mixed"


@pytest.mark.parametrize("tokens", [1, 2, 3, 7, 50, 99])
def test_a_budget_cuts_a_sample_at_exactly_its_tokens(write, tokens):
    engine = ReplayEngine.from_file(write(row(text="abcdefghij" * 10, meta={"n_tokens": 100})))
    session, (path,) = solve(engine, engine.problems()[0], 1, budget={"tokens": tokens})
    assert path.finish is Finish.BUDGET
    assert session.usage.generated_tokens == tokens == len(path.text)


def test_what_one_path_leaves_another_gets_and_its_text_goes_on_without_a_seam(write):
    texts = ["short", "x y " * 40]
    engine = ReplayEngine.from_file(write(row(0, texts[0]), row(1, texts[1])))
    session, paths = solve(engine, engine.problems()[0], 2, budget={"tokens": 100})
    assert [path.text for path in paths] == texts
    assert session.usage.generated_tokens == 1 + 80
    assert session.usage.engine_calls == 3


def test_hidden_tokens_cost_before_anything_is_read(write):
    engine = ReplayEngine.from_file(write(row(text="\\boxed{5}", meta={"n_tokens": 1009})))
    _, (path,) = solve(engine, engine.problems()[0], 1)
    assert (path.text, path.finish, path.segments[-1].n_tokens) == ("\\boxed{5}", Finish.EOS, 1009)
    session, (cut,) = solve(engine, engine.problems()[0], 1, budget={"tokens": 500})
    assert (cut.text, cut.finish, session.usage.generated_tokens) == ("", Finish.BUDGET, 500)


@pytest.mark.parametrize(
    ("text", "meta", "cut"),
    [
        ("", {}, True),
        ("<think>\nso", {}, True),
        ("<think>\nso</think> \\boxed{5}", {}, False),
        ("the answer is \\boxed{5", {}, True),
        ("the answer is \\boxed{\\frac{1}{2}}", {}, False),
        ("<|begin_of_thought|> and", {}, True),
        ("fine", {"finish_reason": "length"}, True),
        ("<think>\nso", {"finish_reason": "stop"}, False),
        ("fine", {"budget": 10, "n_tokens": 10}, True),
    ],
)
def test_a_cut_sample_has_no_end_of_its_own(write, text, meta, cut):
    engine = ReplayEngine.from_file(write(row(text=text, meta=meta)))
    _, (path,) = solve(engine, engine.problems()[0], 1)
    assert path.text == text
    assert path.finish is (Finish.CONTEXT if cut else Finish.EOS)


def test_a_stop_string_ends_a_piece_kept_or_dropped(write):
    engine = ReplayEngine.from_file(write(row(text="a b\n\nc d")))
    (problem,) = engine.problems()
    _, (kept,) = solve(engine, problem, 1, stop=("\n\n",))
    assert (kept.text, kept.finish) == ("a b\n\n", Finish.STOP)
    session, (dropped,) = solve(engine, problem, 1, stop=("\n\n",), include_stop=False)
    assert dropped.text == "a b"
    assert session.usage.generated_tokens == 4


def test_nothing_new_can_be_written(write):
    engine = ReplayEngine.from_file(write(row()))
    assert engine.capabilities == {Capability.RESUME_OWN}
    (problem,) = engine.problems()

    async def continue_a_fork():
        session = Session(problem, engine, preset=PRESET)
        (path,) = await session.open()
        return await session.extend(session.fork(path, 1))

    with pytest.raises(MissingCapability, match="continue_prefix"):
        asyncio.run(continue_a_fork())
    wrong = Request(NoiseKey(0, problem.id, "0"), 5, text="something else", stop_context="something else")
    with pytest.raises(EngineError, match="its own text"):
        asyncio.run(engine.generate([wrong]))


def test_shuffled_order_is_a_fixed_permutation(write):
    file = write(*(row(i, f"t{i}") for i in range(8)))
    orders = []
    for seed in (1, 1, 2):
        engine = ReplayEngine.from_file(file, shuffle=seed)
        orders.append([path.text for path in solve(engine, engine.problems()[0], 8)[1]])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == [f"t{i}" for i in range(8)]


# ---- recorded scores --------------------------------------------------------------------------------------------------------


def scores_of(engine, n=1, **more):
    session, paths = solve(engine, engine.problems()[0], n, **more)
    return [found.steps for found in asyncio.run(session.score(paths))]


def test_numbers_of_steps_are_scores_and_a_cut_path_has_those_of_its_steps(write):
    labels = [{"step": "first", "label": 0.5}, {"step": "second", "label": 0.25}]
    engine = ReplayEngine.from_file(write(row(text="first second", step_labels=labels, meta={"n_tokens": 12})))
    assert scores_of(engine) == [(0.5, 0.25)]
    assert scores_of(engine, budget={"tokens": 8}) == [(0.5,)]
    request = Request(NoiseKey(0, "aime24/a", "0"), 100)
    (done,) = asyncio.run(engine.generate([request]))
    assert done.scores == (0.5, 0.25)


def test_labels_by_people_and_grades_that_repeat_the_verdict_are_not_scores_unless_asked_for(write):
    labels = [{"step": "a", "label": 1}, {"step": "b", "label": -1}, {"step": "c", "label": None}]
    file = write(row(text="a b c", step_labels=labels))
    assert scores_of(ReplayEngine.from_file(file)) == [()]
    assert scores_of(ReplayEngine.from_file(file, scores="steps")) == [(1.0, 0.0)]
    graded = write(row(correct=True, meta={"score": 1.0}), row(1, correct=False, meta={"score": 0.4}))
    assert scores_of(ReplayEngine.from_file(graded), 2) == [(), ()]
    assert scores_of(ReplayEngine.from_file(graded, scores="grade"), 2) == [(1.0,), (0.4,)]
    judged = write(row(correct=True, meta={"score": 0.3}), row(1, correct=False, meta={"score": 1.0}))
    assert scores_of(ReplayEngine.from_file(judged), 2) == [(0.3,), (1.0,)]


def test_values_of_a_recorded_search_score_the_states_on_the_way(write):
    search = [{"new_ys": ["4+5=9\n", "x\n"], "values": [60.0, 3.0]}, {"new_ys": ["4+5=9\n9-3=6\n"], "values": [3.0]}]
    engine = ReplayEngine.from_file(write(row(text="4+5=9\n9-3=6\n", meta={"search": search}), row(1, text="x\nzz")))
    assert scores_of(engine, 2) == [(1.0, 0.05), (0.05,)]


# ---- files ------------------------------------------------------------------------------------------------------------------


def test_compressed_and_several_files_are_read(write, tmp_path):
    one, two = write(row(0), name="a.jsonl.gz"), write(row(1), name="b.jsonl")
    assert load_replay([one, two]).max_samples == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(), "{not json"], "line 2: not a JSON object"),
        ([row(), "[1]"], "line 2: not a JSON object"),
        ([row(), {"problem": "x"}], "line 2: field 'completion' is missing"),
        ([row(), row(completion=3)], "line 2: field 'completion' is a int"),
        ([{"a": 1}], "line 1: the fields a belong to no layout"),
        ([], "holds no samples"),
        ([row(), row(text="another")], "lines 1 and 2 both hold sample 0"),
        ([row(), row(1, reference="6")], "line 2 gives '6' as the reference"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(write, rows, message):
    with pytest.raises(DataError, match=message):
        load_replay(write(*rows))


def test_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="is not a file"):
        load_replay(tmp_path / "none.jsonl")
    (tmp_path / "broken.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="compressed with gzip"):
        load_replay(tmp_path / "broken.jsonl.gz")
    with pytest.raises(UnknownName, match="duplicates rule"):
        load_replay(__file__, duplicates="maybe")


def test_repeated_rows_are_left_out_and_different_ones_renumbered_when_asked(write):
    file = write(row(text="a"), row(text="a"), row(text="b"), row(1, text="c"))
    data = load_replay(file, duplicates="renumber")
    assert [sample.text for sample in data.samples["aime24/a"]] == ["a", "c", "b"]
    assert data.notes == ("1 rows that repeat another one were left out",)
    assert [sample.text for sample in load_replay(file, duplicates="first").samples["aime24/a"]] == ["a", "c"]


def test_references_that_mean_the_same_number_agree(write):
    assert load_replay(write(row(), row(1, reference="5.0"), row(2, reference=None))).questions["aime24/a"].reference == "005"


def test_lm_evaluation_harness_samples_are_read(write):
    doc = {"question": "2+3?", "answer": "2+3=5 #### 5"}
    base = {
        "doc_id": 7,
        "doc": doc,
        "target": "2+3=5\n#### 5",
        "arguments": [["Question: 2+3?\nAnswer:", {"until": ["Question:"]}]],
        "metrics": ["exact_match"],
    }
    file = write(
        {**base, "resps": [["5", "so 5"]], "filtered_resps": ["5"], "filter": "strict-match", "exact_match": 1.0},
        {**base, "resps": [["5", "so 5"]], "filtered_resps": ["5"], "filter": "flexible-extract", "exact_match": 1.0},
        name="org__model/samples_gsm8k_2026-01-02T03-04-05.678901.jsonl",
    )
    engine = ReplayEngine.from_file(file)
    (problem,) = engine.problems()
    assert (problem.id, problem.question, problem.kind) == ("gsm8k/7", "2+3?", AnswerKind.INTEGER)
    assert engine.info.model == "org/model"
    _, paths = solve(engine, problem, 2)
    assert [path.text for path in paths] == ["5", "so 5"]
    assert grade_answer("5", problem).correct


def test_lm_evaluation_harness_choices_and_log_likelihoods(write):
    doc = {"prompt": "Pick one", "choices": ["red", "green"]}
    newer = {"gen_args_0": {"arg_0": "Pick one\nA. red\nB. green", "arg_1": {}}}
    file = write(
        {"doc_id": 0, "doc": doc, "target": "1", "arguments": newer, "resps": [["B"]], "filtered_resps": ["B"]}, name="x/samples_mmlu.jsonl"
    )
    (problem,) = load_replay(file).problems()
    assert (problem.kind, problem.reference, problem.options) == (AnswerKind.CHOICE, "B", ("red", "green"))
    with pytest.raises(DataError, match="line 1: the responses are log-likelihoods"):
        load_replay(write({"doc_id": 0, "doc": doc, "target": "1", "arguments": newer, "resps": [[[-1.5, True]], [[-2.5, False]]]}))


def lighteval_record(**more):
    doc = {"query": "What is 2+3?", "choices": ["5"], "gold_index": [0], "task_name": "aime24", "id": "3"}
    response = {"text": ["\\boxed{5}", "\\boxed{6}"], "output_tokens": [[1, 2, 3], [1, 2]]}
    return {"doc": doc, "model_response": response, "metric": {"pass@1": 0.5}, **more}


def test_lighteval_details_are_read(write):
    file = write(lighteval_record(), name="details/org/model/2026-01-02T03-04-05/details_aime24_2026-01-02T03-04-05.jsonl")
    engine = ReplayEngine.from_file(file)
    (problem,) = engine.problems()
    assert (problem.id, problem.reference, problem.kind) == ("aime24/3", "5", AnswerKind.INTEGER)
    assert (engine.info.model, engine.info.details["token_counts"]) == ("org/model", "recorded")
    session, _ = solve(engine, problem, 2)
    assert session.usage.generated_tokens == 5


def test_old_lighteval_details_are_read(write):
    record = {
        "example": "2+3?",
        "full_prompt": "Q: 2+3?",
        "predictions": "['5', '6']",
        "gold": "['5']",
        "cont_tokens": "[[1], [2, 3]]",
        "metrics": "{'em': 1.0}",
    }
    engine = ReplayEngine.from_file(write(record, name="details_lighteval|gsm8k|0_2024-01-02T03-04-05.jsonl"))
    (problem,) = engine.problems()
    assert (problem.kind, problem.reference, engine.min_samples) == (AnswerKind.INTEGER, "5", 2)


def test_parquet_details_are_read(tmp_path):
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "details_aime24_x.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([lighteval_record()]), path)
    assert load_replay(path).max_samples == 2


def test_parquet_details_name_the_library_that_is_missing(tmp_path, monkeypatch):
    path = tmp_path / "details_aime24_x.parquet"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"thinkwell\[data\]"):
        load_replay(path)


# ---- real recordings --------------------------------------------------------------------------------------------------------


def test_the_known_figures_of_a_recorded_run_come_out(traces):
    """AMC 2023, 50 samples a problem of a 3B model: mean .144, majority of 50 .25, at least one right .675."""
    engine = ReplayEngine.from_file(traces / "reasoning_gym_eval.jsonl.gz", benchmark="amc23", model="Llama-3.2-3B-Instruct-RLVR@step_400")
    mean, majority, best = [], [], []
    for problem in engine.problems():
        session, paths = solve(engine, problem, engine.samples_of(problem))
        right = [(answer := session.answer(path)) is not None and grade_answer(answer.text, problem).correct for path in paths]
        choice = session.vote(paths)
        mean.append(sum(right) / len(right))
        majority.append(choice.answer is not None and grade_answer(choice.answer.text, problem).correct)
        best.append(any(right))
    assert len(mean) == 40
    assert sum(mean) / 40 == pytest.approx(0.144, abs=0.004)
    assert sum(majority) / 40 == pytest.approx(0.25, abs=0.03)
    assert sum(best) / 40 == pytest.approx(0.675, abs=0.001)


def test_the_estimate_is_within_a_tenth_of_real_token_counts(traces):
    data = load_replay(traces / "areal_rollouts.jsonl.gz", pool=True)
    samples = [sample for group in data.samples.values() for sample in group]
    real, guessed = sum(sample.n_tokens for sample in samples), sum(estimate_tokens(sample.text) for sample in samples)
    assert data.token_counts == "recorded"
    assert guessed == pytest.approx(real, rel=0.1)


@pytest.mark.parametrize("name", ["thinkbooster", "rstar_amc24", "tree_of_thoughts"])
def test_recorded_judgements_are_probabilities_of_steps_in_the_text(name, traces):
    data = load_replay(traces / f"{name}.jsonl.gz", pool=True)
    scored = [sample for group in data.samples.values() for sample in group if sample.scores]
    assert len(scored) >= 36
    for sample in scored:
        assert all(0 <= score <= 1 for score in sample.scores)
        assert list(sample.ends) == sorted(sample.ends)
        assert sample.ends[-1] <= len(sample.text)
