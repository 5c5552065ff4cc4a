"""The curve page: what it holds, that it trusts no text, and how a real browser draws it where there is one."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from thinkwell.core.errors import DataError
from thinkwell.training.curves import CURVES, TEXT_CHARS, Curves, fitting, page_data, thinned, total_of, write_curves
from thinkwell.training.record import Record

_spec = importlib.util.spec_from_file_location("headless", Path(__file__).parent.parent / "runs" / "headless.py")
assert _spec is not None
assert _spec.loader is not None
headless = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("headless", headless)
_spec.loader.exec_module(headless)
HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"


def step(number: int, **more: Any) -> dict[str, Any]:
    sft = number <= 4
    row = {"step": number, "stage": "cold start" if sft else "rl", "kind": "sft" if sft else "rl", "seconds": 2.0, "loss": 1 / number}
    if not sft:
        row |= {"reward": number / 40, "accuracy": number / 50, "tokens": 150.0 - number, "cut": 0.0, "approx_kl": 0.001, "odd/measure": 3}
        row |= {"reward/length": -number / 80, "time/rollout": 1.5, "time/loss": 0.5}
    return {**row, **more}


def sample(number: int, right: bool | None, text: str = "<think>\nfour and four\n</think>\n\n\\boxed{8}", **more: Any) -> dict[str, Any]:
    row = {"step": number, "problem": "lab/train/7", "question": f"What is 4 + 4? {HOSTILE}", "text": text, "reward": float(bool(right))}
    return {**row, "parts": {"correct": float(bool(right))}, "advantage": 0.5 if right else -0.5, "right": right, "tokens": 9, **more}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of 24 steps in two stages with three evaluations, whose model wrote hostile text."""
    facts = {"recipe": "s-grpo", "model": "lab", "seed": 3, "knobs": {"steps": 20, "levels": [3, 4]}, "versions": {"torch": "2"}}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    record = Record(tmp_path)
    for number in range(1, 25):
        record.step(step(number))
        if number > 4:
            record.samples([sample(number, True), sample(number, False, HOSTILE), sample(number, None, "<think>\ncut while thinking")])
    for number, accuracy in ((0, 0.25), (12, 0.5), (24, 0.625)):
        record.evaluation({"step": number, "accuracy": accuracy, "tokens": 150 - number, "cut": 0.0, "problems": 64})
    return tmp_path


def data_of(file: Path) -> dict[str, Any]:
    """The page's one block of data, as a browser reads it."""
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read_text(encoding="utf-8"), re.S)
    assert block is not None
    return json.loads(block[1])


# ---- what it holds -----------------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_that_names_no_address_and_lets_no_text_out_of_its_block(run: Path) -> None:
    file = write_curves(run, total=24)
    assert file == run / CURVES
    text = file.read_text(encoding="utf-8")
    assert text.count("</script>") == 2  # the data and our script; a model's text closes none
    assert not re.search(r"(?:src|href)=[\"']?(?!#)\w", text.split('id="data"')[0])
    assert "default-src &#x27;none&#x27;" in text
    assert HOSTILE in data_of(file)["samples"][1]["text"]
    assert [file.name for file in run.iterdir() if file.name.startswith(".")] == []  # no draft is left


def test_it_holds_what_was_recorded(run: Path) -> None:
    data = page_data(run, live=True, total=30)
    assert (data["recipe"], data["done"], data["total"], data["live"]) == ("s-grpo", 24, 30, True)
    assert data["spent"] == pytest.approx(48.0)
    assert [row["accuracy"] for row in data["evaluations"]] == [0.25, 0.5, 0.625]
    assert len(data["steps"]) == 24
    assert len(data["samples"]) == 60
    assert data["resume"].startswith("thinkwell train s-grpo --out ")
    assert data["resume"].endswith(" --resume")


def test_a_folder_without_anything_gives_a_page_too(tmp_path: Path) -> None:
    data = data_of(write_curves(tmp_path, live=True))
    assert (data["done"], data["steps"], data["samples"], data["run"]) == (0, [], [], {})


def test_the_page_knows_how_many_steps_the_run_has(run: Path) -> None:
    assert total_of(run) is None
    Curves(run, total=31).update()
    assert total_of(run) == 31
    write_curves(run)
    assert total_of(run) is None


def test_a_broken_run_file_is_named(run: Path) -> None:
    (run / "run.json").write_text("{")
    with pytest.raises(DataError, match=r"run\.json"):
        write_curves(run)


def test_many_steps_become_means_of_consecutive_ones_of_a_stage() -> None:
    rows = [{"step": i, "stage": "a" if i <= 5 else "b", "reward": float(i), "loss": None if i == 2 else 1.0} for i in range(1, 11)]
    points, each = thinned(rows, limit=5)
    assert each == 2
    assert [(row["step"], row["stage"], row["reward"]) for row in points] == [
        (2, "a", 1.5), (4, "a", 3.5), (5, "a", 5.0), (7, "b", 6.5), (9, "b", 8.5), (10, "b", 10.0),
    ]  # fmt: skip
    assert points[0]["loss"] == 1.0  # over the one row that has it
    assert thinned(rows, limit=10) == (rows, 1)


def test_samples_beyond_the_limit_are_left_out_by_whole_steps_but_never_the_newest() -> None:
    rows = [{"step": i // 2, "text": "x" * 100} for i in range(2, 22)]  # ten steps, two samples each
    kept, left_out = fitting(rows, limit=900)
    assert [row["step"] for row in kept] == [2, 2, 6, 6, 10, 10]
    assert left_out == 7
    assert [row["step"] for row in fitting(rows, limit=10)[0]] == [10, 10]
    assert fitting(rows, limit=10**6) == (rows, 0)


def test_a_long_text_loses_its_middle_and_says_so() -> None:
    ((row,), _) = fitting([{"step": 1, "text": "a" * TEXT_CHARS + "b" * 500}])
    assert len(row["text"]) < TEXT_CHARS + 100
    assert "500 characters left out" in row["text"]
    assert row["text"].endswith("b" * 500)


def test_the_page_is_not_written_at_every_step_but_once_more_at_the_end(run: Path) -> None:
    curves = Curves(run, total=24)
    curves.update()
    written = (run / CURVES).read_bytes()
    Record(run).step(step(25))
    curves.update()  # at once: not due
    assert (run / CURVES).read_bytes() == written
    assert data_of(run / CURVES)["live"] is True
    data = data_of(curves.finish())
    assert (data["live"], data["done"]) == (False, 25)


def test_a_page_that_cannot_be_written_leaves_no_draft(run: Path) -> None:
    (run / CURVES).mkdir()
    with pytest.raises(OSError):
        write_curves(run)
    assert [file.name for file in run.iterdir() if file.name.startswith(".")] == []


# ---- how it looks --------------------------------------------------------------------------------------------------------------

CONTRAST = """(() => {
    const parse = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = (colour) => parse(colour).reduce((sum, v, i) => sum + linear(v / 255) * [0.2126, 0.7152, 0.0722][i], 0);
    const paper = light(getComputedStyle(document.body).backgroundColor);
    return [...document.querySelectorAll('.values, .tick, .unit, .stage-name, figcaption, .lead, th, .response summary')].map((node) => {
        const ink = light(node instanceof SVGElement ? getComputedStyle(node).fill : getComputedStyle(node).color);
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    });
})()"""


@pytest.fixture(params=[(1280, False), (390, True)], ids=["desktop light", "phone dark"])
def page(request: pytest.FixtureRequest, run: Path) -> Iterator[Any]:
    if not headless.CHROMIUM:
        warnings.warn("no chromium found: the curve page is not looked at by a browser", stacklevel=1)
        pytest.skip("NO CHROMIUM: the curve page is not looked at by a browser; install chromium to run this")
    width, dark = request.param
    with headless.Page(width, 900, dark) as page:
        page.open(write_curves(run, total=24))
        yield page
        assert page.problems == []
        assert [address for address in page.requests if not address.startswith("file:")] == []


def texts(page: Any, selector: str) -> list[str]:
    return list(page.evaluate(f"[...document.querySelectorAll({selector!r})].map(node => node.textContent)"))


def test_a_browser_draws_every_curve_with_axes_and_the_stages(page: Any) -> None:
    titles = [text.strip() for text in texts(page, ".curves > .curve figcaption")]
    for wanted in (
        "Reward",
        "Accuracy",
        "Length of a response",
        "Loss, supervised",
        "Loss, reinforcement",
        "KL divergence",
        "Time by phase",
    ):
        assert any(title.startswith(wanted) for title in titles), wanted
    shown = page.evaluate("[...document.querySelectorAll('#curves > .curves svg')].map(svg => svg.querySelectorAll('.axis').length)")
    assert len(shown) == len(titles) - 1  # all but the measure that is folded away
    assert set(shown) == {2}
    assert page.evaluate(
        "[...document.querySelectorAll('#curves > .curves svg')].every(svg => svg.querySelectorAll('.stage-line').length === 1)"
    )
    assert "cold start" in texts(page, ".stage-name")
    assert page.evaluate("document.title") == "s-grpo: training"  # no model's text ran
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert min(page.evaluate(CONTRAST)) > 4.5


def test_the_lead_and_the_state_say_what_the_record_says(page: Any) -> None:
    (lead,) = texts(page, ".lead")
    assert "64 held-out problems" in lead
    assert "from 25.0 % at step 0 to 62.5 % at step 24" in lead
    assert "from 150 to 126 tokens" in lead
    assert texts(page, ".state") == ["finished"]


def test_arrow_keys_read_every_curve_at_the_same_step(page: Any) -> None:
    page.evaluate("document.querySelector('.curve svg').focus()")
    page.press("Home")
    page.press("ArrowRight", times=20)
    assert set(texts(page, "#curves > .curves .values .at")) == {"step 20"}
    values = texts(page, "#curves > .curves .values")
    assert "mean reward0.5" in values[0]
    assert "length-0.25" in values[0]
    assert "training samples40.0 %" in values[1]
    assert "held-out problems50.0 %" in values[1]  # the newest one so far


def test_samples_show_question_reward_and_verdict_with_the_thought_folded(page: Any) -> None:
    assert len(texts(page, ".rollouts tbody")) == 3
    assert "What is 4 + 4?" in texts(page, ".prompt-of .question")[0]
    assert [text.split()[-1] for text in texts(page, ".rollouts .verdict")] == ["right", "wrong", "judged"]
    assert [text.strip() for text in texts(page, ".advantage")] == ["+0.50", "\u22120.50", "\u22120.50"]
    assert page.evaluate("[...document.querySelectorAll('.response details')].map(node => node.open)") == [False, False]
    thoughts = texts(page, ".response details > p")
    assert thoughts == ["four and four", "cut while thinking"]
    answers = texts(page, ".response > p")
    assert answers == ["\\boxed{8}", HOSTILE, "(no answer after the thought)"]


def test_choosing_wrong_answers_shows_only_those(page: Any) -> None:
    page.evaluate(
        "(() => { const box = document.querySelectorAll('.chooser select')[1]; box.value = 'wrong'; box.dispatchEvent(new Event('change')); })()"
    )
    assert texts(page, ".count") == ["2 samples of step 24"]


def test_a_run_that_was_stopped_says_how_to_go_on(run: Path) -> None:
    if not headless.CHROMIUM:
        pytest.skip("NO CHROMIUM: the curve page is not looked at by a browser; install chromium to run this")
    with headless.Page(800, 600) as page:
        page.open(write_curves(run, total=40))
        assert texts(page, ".state") == ["stopped"]
        (warning,) = texts(page, ".warnings")
        assert f"--out {run} --resume" in warning
        assert page.problems == []
