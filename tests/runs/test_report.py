"""The report, looked at by a real browser where there is one."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import runs_world as world
from headless import CHROMIUM, Page

from thinkwell.core.answer import AnswerKind
from thinkwell.core.errors import RunFolderError
from thinkwell.core.method import METHODS
from thinkwell.core.problem import Problem
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.runs.compare import compare
from thinkwell.runs.report import write_report
from thinkwell.runs.store import Store

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>{{script}} <!-- \u2028 \ud800 &lt;b&gt; \x00"
METHODS_SHOWN = ["one", "vote", "fork", "broken"]


def hostile(ask: Ask) -> Reply:
    reply = world.write(ask)
    return Reply(f"{HOSTILE}\n\n{reply.text}", delay=reply.delay)


def run_into(folder: Path, n: int = 12, script: Any = hostile) -> None:
    for method in world.METHODS_OF_THE_WORLD:
        METHODS.names()
        METHODS._entries[method.name] = method
    try:
        question = "What is {i} + {i}? " + HOSTILE.replace("\ud800", "")
        problems = [
            Problem(f"p{i}", question.replace("{i}", str(i)), str(2 * i), AnswerKind.INTEGER, meta={"level": 1 + i % 3}) for i in range(n)
        ]
        compare(
            "toy/" + "hostile<b>", METHODS_SHOWN, engine=ScriptedEngine(script), problems=problems, preset=world.PRESET, out=folder,
            budget={"tokens": 400}, command=("thinkwell", "compare", "--task", "it's"),
        )  # fmt: skip
    finally:
        for method in world.METHODS_OF_THE_WORLD:
            METHODS._entries.pop(method.name, None)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run_into(folder)
    return write_report(folder)


def data_of(report: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', report.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found.group(1))


def test_report_is_one_file_that_asks_for_nothing(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"<link|<iframe|@import|url\(|fetch\(|XMLHttpRequest|import\(|\ssrc=|\shref=.(?!#)", text.split('id="data"')[0])
    assert text.count("<script") == text.count("</script>") == 2  # hostile text closed and opened none


def test_report_embeds_the_table_and_every_path(report: Path) -> None:
    data = data_of(report)
    assert [row["method"] for row in data["comparison"]["rows"]] == METHODS_SHOWN
    assert len(data["records"]) == 48
    assert data["traced_problems"] == 12
    assert data["command"] == "thinkwell compare --task 'it'\"'\"'s'"
    fork = next(r for r in data["records"] if r["m"] == 2)
    assert [(n["id"], n["fate"]) for n in data["traces"][fork["trace"]]["nodes"]] == [("0", "left"), ("0.0", "chosen"), ("0.1", "pruned")]
    assert len(data["texts"]) == len(set(data["texts"]))  # shared texts are stored once


def test_a_big_run_leaves_out_whole_problems_and_says_so(tmp_path: Path) -> None:
    run_into(tmp_path / "run")
    full = write_report(tmp_path / "run").stat().st_size
    report = write_report(tmp_path / "run", trace_bytes=20_000, file=tmp_path / "small.html")
    data = data_of(report)
    assert 1 <= data["traced_problems"] < 12
    assert len(data["records"]) == 48
    assert {r["p"] for r in data["records"] if r["trace"] is not None} == set(range(data["traced_problems"]))
    assert max(r["trace"] for r in data["records"] if r["trace"] is not None) == len(data["traces"]) - 1
    used = {i for trace in data["traces"] for node in trace["nodes"] for _, i, *_ in node.get("pieces", ())}
    assert max(used) < len(data["texts"])
    assert report.stat().st_size < full


def test_a_long_text_is_shown_without_its_middle(tmp_path: Path) -> None:
    run_into(tmp_path, n=1, script=lambda ask: Reply("<think>" + "a" * 50_000 + "</think>\\boxed{0}"))
    longest = max(data_of(write_report(tmp_path))["texts"], key=len)
    assert len(longest) < 13_000
    assert "characters left out" in longest


def test_report_of_an_unfinished_run_says_what_to_do(tmp_path: Path) -> None:
    Store.create(tmp_path, {"seed": 0}).close()
    with pytest.raises(RunFolderError, match="run the same command again"):
        write_report(tmp_path)
    with pytest.raises(RunFolderError, match="no run folder"):
        write_report(tmp_path / "nothing")


# ---- in a browser ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[(1280, False), (390, True)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, report: Path) -> Iterator[Page]:
    if not CHROMIUM:
        warnings.warn("no chromium found: the report is not looked at by a browser", stacklevel=1)
        pytest.skip("NO CHROMIUM: the report is not looked at by a browser; install chromium to run this")
    width, dark = request.param
    with Page(width, 900, dark) as page:
        page.open(report)
        yield page


def test_page_draws_everything_without_errors_or_requests(page: Page) -> None:
    assert page.problems == []
    assert [url for url in page.requests if not url.startswith("file://")] == []
    assert len(page.requests) == 1
    assert page.evaluate("[...document.querySelectorAll('h2')].map(h => h.textContent)") == [
        "Accuracy against cost", "More samples", "Accuracy by level", "How answers ended", "Where the tokens went", "Problem by problem", "How this was made",
    ]  # fmt: skip
    assert page.evaluate("document.querySelectorAll('svg .dot').length") == 8


def test_page_never_scrolls_sideways(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(
        "document.querySelectorAll('[role=tab]')[2].click(); [...document.querySelectorAll('button')].find(b => b.textContent == 'Open all').click()"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_text_is_shown_and_never_acts(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    assert "onerror='window.hacked = 2'" in page.evaluate("document.querySelector('.piece.o-model').textContent")
    assert "<b>" in page.evaluate("document.querySelector('h1').textContent")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 3\">')")  # even if it were parsed
    assert page.evaluate("new Promise(done => setTimeout(() => done(window.hacked), 200))") is None
    page.evaluate("document.querySelector('img').remove()")
    page.problems.clear()


def test_labels_of_the_plot_do_not_overlap(page: Page) -> None:
    box = "(t => { const r = t.getBBox(); return [r.x, r.y + 3, r.x + r.width, r.y + r.height - 3] })"
    boxes = page.evaluate(f"[...document.querySelectorAll('svg')].map(svg => [...svg.querySelectorAll('.label')].map({box}))")
    for labels in boxes:
        assert len(labels) == len(METHODS_SHOWN)
        for i, a in enumerate(labels):
            for b in labels[:i]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_filters_narrow_the_list(page: Page) -> None:
    choose = """(index, value) => { const s = document.querySelectorAll('.filters select')[index]; s.value = value; s.dispatchEvent(new Event('change')) }"""
    page.evaluate(f"({choose})(0, '3'); ({choose})(1, 'error')")
    assert page.evaluate("document.querySelector('.count').textContent") == "2 problems of 12"
    assert page.evaluate("document.querySelector('[role=tab][aria-selected=true]').textContent").endswith("broken")
    assert "RuntimeError: no idea about p1" in page.evaluate("document.querySelector('.outcome').textContent")
    page.evaluate(f"({choose})(2, '3')")
    assert page.evaluate("document.querySelector('.detail').textContent") == "No problem matches. Change a filter."
    page.evaluate(f"({choose})(0, ''); ({choose})(1, ''); ({choose})(2, '')")
    assert page.evaluate("document.querySelectorAll('[role=option]').length") == 12


def test_everything_can_be_reached_and_moved_by_keys(page: Page) -> None:
    page.evaluate("document.querySelector('[role=option]').focus()")
    page.press("ArrowDown", 2)
    assert page.evaluate("document.activeElement.id") == "problem-2"
    assert page.evaluate("document.querySelector('.detail h3').firstChild.textContent") == "Problem 3"
    page.evaluate("document.querySelector('[role=tab]').focus()")
    page.press("ArrowRight", 2)
    assert page.evaluate("document.activeElement.textContent").endswith("fork")
    page.press("Tab")  # Open all
    page.press("Tab")
    page.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "treeitem"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"  # the focus is visible
    page.press("ArrowDown", 2)
    page.press("ArrowRight")
    assert page.evaluate(
        "[document.activeElement.querySelector('code').textContent, document.activeElement.getAttribute('aria-expanded')]"
    ) == ["0.1", "true"]
    page.press("ArrowLeft")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
    page.evaluate("document.querySelector('svg .dot').focus()")
    page.press("ArrowRight")
    assert page.evaluate("document.querySelector('.reading').textContent").startswith("vote: accuracy")


def test_text_has_enough_contrast_in_both_schemes(page: Page) -> None:
    pairs = page.evaluate(
        """[...document.querySelectorAll('.note, .tick, .label, td, th, .path-facts, .piece, .count')].slice(0, 400).map(node => {
        const style = getComputedStyle(node); let back = node, colour = 'rgba(0, 0, 0, 0)';
        while (back && /rgba?\\(0, 0, 0, 0\\)/.test(colour)) { colour = getComputedStyle(back).backgroundColor; back = back.parentElement }
        return [node instanceof SVGElement ? style.fill : style.color, colour, node.className.baseVal ?? node.className] })"""
    )
    for ink, paper, name in pairs:
        if paper.startswith("rgb"):
            assert contrast(ink, paper) >= 4.5, (name, ink, paper)


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
        return sum(
            w * (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4) for w, p in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
