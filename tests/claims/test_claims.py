"""Claims: every file names arms that exist, and verdicts follow from the interval and the threshold alone."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from thinkwell.claims.claim import CLAIMS, Effect, Paper, accuracy, fact, tokens
from thinkwell.claims.measure import estimate_of, finding_of, measure, spec_of
from thinkwell.claims.page import markdown, measured, number
from thinkwell.core.answer import VerdictValue
from thinkwell.core.budget import Budget
from thinkwell.core.errors import ConfigError
from thinkwell.core.method import METHODS
from thinkwell.runs.comparison import Comparison
from thinkwell.runs.record import Record
from thinkwell.runs.spec import arms_of
from thinkwell.runs.statistics import Estimate
from thinkwell.tasks.presets import preset

TEN = "a_star critic_guided cyclic_reflex latent_seek leap multi_agent sift solve_detect_verify stand subthoughts".split()  # noqa: SIM905


def record(method: str, problem: int, right: bool, spent: int = 10, failure: str | None = None, **facts: object) -> Record:
    verdict = VerdictValue.CORRECT if right else VerdictValue.WRONG
    return Record(
        f"{method}/{problem}", method, str(problem), 0, 0, "1", verdict, "", float(right),
        {"generated_tokens": spent, "scorer_calls": 1}, failure=failure, facts=facts,
    )  # fmt: skip


def comparison(records: list[Record]) -> Comparison:
    return Comparison("lab/arithmetic", "lab", "lab", 4, 7, {}, (), records=tuple(records))


def paper(*effects: Effect) -> Paper:
    return Paper("toy", "Toy (A 2025)", "2501.00000", "because", effects)


def test_the_ten_systems_have_a_file_each() -> None:
    assert CLAIMS.names() == TEN


@pytest.mark.parametrize("name", TEN)
def test_every_arm_exists_and_is_accepted_with_its_knobs_and_budget(name: str) -> None:
    claims = CLAIMS.get(name)
    arms = arms_of(spec_of(claims, "fast", 0, None), preset("lab"))
    assert [arm.label for arm in arms] == list(claims.arms)
    assert all(METHODS.get(arm.name) for arm in arms)
    assert any(effect.left.split(":")[0] == name or (effect.right or "").split(":")[0] == name for effect in claims.effects)
    assert Budget(tokens=claims.tokens).tokens == claims.tokens


@pytest.mark.parametrize("name", [name for name in TEN if name not in ("stand", "cyclic_reflex", "latent_seek", "leap")])
def test_a_gain_stands_beside_the_vote_at_the_same_tokens(name: str) -> None:
    assert any(effect.control and effect.right == "self_consistency" for effect in CLAIMS.get(name).effects)


@pytest.mark.parametrize(
    ("low", "high", "above", "verdict"),
    [(0.01, 0.2, 0.0, "holds"), (-0.1, 0.2, 0.0, "undecided"), (-0.2, 0.0, 0.0, "does not hold"), (-0.02, 0.1, -0.03, "holds"), (-0.1, 0.1, -0.03, "undecided"),
     (0.0, 0.0, 0.0, "undecided"), (0.5, 0.5, 0.0, "holds"), (-0.5, -0.5, 0.0, "does not hold")],
)  # fmt: skip
def test_the_interval_and_the_threshold_decide(low: float, high: float, above: float, verdict: str) -> None:
    assert Effect("c", "p", "a", "b", above=above).verdict(Estimate((low + high) / 2, low, high, 50)) == verdict


def test_differences_are_paired_and_relative_ones_are_shares_of_the_right_arm() -> None:
    records = [record("a", i, right=True, spent=30) for i in range(4)] + [record("b", i, right=i < 2, spent=20) for i in range(4)]
    gain = estimate_of(Effect("c", "p", "a", "b"), records)
    assert gain is not None
    assert (gain.mean, gain.n) == (0.5, 4)
    longer = estimate_of(Effect("c", "p", "a", "b", quantity=tokens, relative=True), records)
    assert longer is not None
    assert longer.mean == pytest.approx(0.5)  # 30 against 20


def test_a_fact_that_is_missing_says_nothing_about_its_problem() -> None:
    records = [
        record("a", 0, right=True, score=3.0),
        record("a", 1, right=True),
        record("b", 0, right=True, score=1.0),
        record("b", 1, right=True, score=9.0),
    ]
    found = estimate_of(Effect("c", "p", "a", "b", quantity=fact("score")), records)
    assert found is not None
    assert (found.mean, found.n) == (2.0, 1)
    assert estimate_of(Effect("c", "p", "a", "b", quantity=fact("nothing")), records) is None


def test_an_arm_with_an_error_decides_nothing_and_says_so() -> None:
    effect = Effect("c", "p", "a", "b")
    records = [
        record("a", 0, right=True),
        record("a", 1, right=True, failure="boom"),
        record("b", 0, right=False),
        record("b", 1, right=False),
    ]
    finding = finding_of(paper(effect), effect, comparison(records), 1.0, "command")
    assert (finding.verdict, finding.measured, finding.errors) == ("undecided", None, 1)
    assert "1 errors" in measured(finding)


def test_the_page_shows_claim_numbers_and_verdict() -> None:
    effect = Effect("it is better", "+5 points", "a", "b", control=True)
    records = [record("a", i, right=True) for i in range(4)] + [record("b", i, right=False) for i in range(4)]
    finding = finding_of(paper(effect), effect, comparison(records), 2.0, "thinkwell reproduce toy")
    text = markdown([finding])
    assert "| it is better *(control)* | `a` : `b` | +5 points | +100.0 [+100.0, +100.0] | 10 : 10 | **holds** |" in text
    assert "`thinkwell reproduce toy`" in text
    assert finding.as_dict().keys() >= {"claim", "paper", "paper_effect", "measured", "ci95", "verdict", "seconds", "seed"}


@pytest.mark.parametrize(
    ("quantity", "value", "shown"),
    [("accuracy", 0.031, "+3.1"), ("tokens", -0.25, "-25.0 %"), ("kl", 0.5, "+0.50"), ("kl", 0.00115, "+0.0011"), ("kl", 0.0, "+0.00")],
)
def test_a_number_is_shown_in_its_unit_and_a_small_one_is_not_zero(quantity: str, value: float, shown: str) -> None:
    effect = Effect("it is better", "+5 points", "a", "b")
    finding = finding_of(paper(effect), effect, comparison([record("a", 0, right=True), record("b", 0, right=False)]), 2.0, "command")
    assert number(value, replace(finding, quantity=quantity, ci95=(value, value))) == shown


def test_measuring_runs_the_arms_once_and_goes_on_where_it_was(tmp_path: Path) -> None:
    effect = Effect("votes help", "-", "self_consistency:n_paths=3", "single", quantity=accuracy)
    toy = Paper("toy", "Toy", "2501.00000", "-", (effect,), tokens=None, problems={"fast": 3})
    first = asyncio.run(measure(toy, out=tmp_path / "run"))
    done: list[int] = []
    again = asyncio.run(measure(toy, out=tmp_path / "run", progress=lambda p: done.append(p.resumed)))
    assert (first[0].measured, first[0].ci95) == (again[0].measured, again[0].ci95)
    assert done[0] == 6
    with pytest.raises(ConfigError, match="expected one of fast"):
        asyncio.run(measure(toy, scale="huge"))


def test_the_command_refuses_what_it_does_not_know(cli) -> None:
    for arguments, said in [
        (("nobody",), "unknown claim 'nobody'"),
        (("leap", "--budget", "huge"), "expected fast or full"),
        (("all", "leap"), "expected it alone"),
    ]:
        done = cli("reproduce", *arguments)
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err


def test_the_command_writes_json_and_page(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    effect = Effect("one path is one path", "-", "single", "self_consistency:n_paths=1")
    toy = Paper("toy", "Toy", "2501.00000", "-", (effect,), tokens=None, problems={"fast": 2})
    CLAIMS.names()
    monkeypatch.setitem(CLAIMS._entries, "toy", toy)
    done = cli("reproduce", "toy", "--json", tmp_path / "found.json", "--write", tmp_path / "claims.md")
    assert done.code == 0, done.err
    (found,) = json.loads((tmp_path / "found.json").read_text())["claims"]
    assert (found["measured"], found["verdict"]) == (0.0, "undecided")
    assert "one path is one path" in (tmp_path / "claims.md").read_text()
    assert "undecided" in done.out
