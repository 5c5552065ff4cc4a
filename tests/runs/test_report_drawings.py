"""The drawings of the report, looked at by a real browser where there is one."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import runs_world as world
from drawings_world import HOSTILE, METHODS_THAT_ARE_DRAWN
from headless import CHROMIUM, Page

from thinkwell.core.method import METHODS
from thinkwell.engines.scripted import Ask, Reply, ScriptedEngine
from thinkwell.runs.compare import compare
from thinkwell.runs.report import write_report

INK_AND_PAPER = """() => [...document.querySelectorAll('.drawing *:not(title, .pip)')]
    .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
    .map(node => {
        const style = getComputedStyle(node);
        if (node.matches('.order')) return [style.fill, getComputedStyle(node.parentElement.querySelector('.node')).fill, 'order'];
        let back = node, colour = 'rgba(0, 0, 0, 0)';
        while (back && colour === 'rgba(0, 0, 0, 0)') { colour = getComputedStyle(back).backgroundColor; back = back.parentElement }
        return [node instanceof SVGElement ? style.fill : style.color, colour, node.tagName + ' ' + node.getAttribute('class')];
    })"""
"""Of everything in a drawing that holds text: its colour, that behind it, its name. The marks of verdicts are pictures with a label."""
NAMES = ["one", *(method.name for method in METHODS_THAT_ARE_DRAWN)]


def script(ask: Ask) -> Reply:
    return Reply(f"At first {HOSTILE} there are \u20ac 3.\n\n{world.write(ask).text}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawings")
    METHODS.names()
    methods = {method.name: method for method in (*METHODS_THAT_ARE_DRAWN, world.One)}
    METHODS._entries.update(methods)
    try:
        compare("toy", NAMES, engine=ScriptedEngine(script), problems=world.problems(2), preset=world.PRESET, out=folder)
    finally:
        for name in methods:
            METHODS._entries.pop(name, None)
    return write_report(folder)


@pytest.fixture(scope="module", params=[(1280, False), (390, True)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, report: Path) -> Iterator[Page]:
    if not CHROMIUM:
        warnings.warn("no chromium found: the drawings are not looked at by a browser", stacklevel=1)
        pytest.skip("NO CHROMIUM: the drawings are not looked at by a browser; install chromium to run this")
    width, dark = request.param
    with Page(width, 900, dark) as page:
        page.open(report)
        yield page
        assert page.problems == []


def show(page: Page, method: str) -> None:
    """Choose a method's tab and wait until what depends on the width is drawn."""
    page.evaluate(f"document.querySelectorAll('[role=tab]')[{NAMES.index(method)}].click()")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")


def count(page: Page, selector: str) -> int:
    return int(page.evaluate(f"document.querySelectorAll({selector!r}).length"))


def text(page: Page, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector({selector!r}).textContent"))


def test_a_method_without_such_events_has_no_drawing(page: Page) -> None:
    show(page, "one")
    assert count(page, ".trace") == 1
    assert count(page, ".drawing") == 0


def test_messages_between_paths_are_lanes_arrows_and_cards(page: Page) -> None:
    show(page, "peers")
    assert text(page, ".drawing h4") == "Messages between paths"
    assert count(page, ".messages .lane") == 3
    kinds = {kind: count(page, f".piece-bar.{kind}") for kind in ("o-model", "r-summary", "o-injected")}
    assert kinds == {"o-model": 6, "r-summary": 3, "o-injected": 6}
    assert count(page, ".messages .arrow") == 6
    assert count(page, ".messages .card") == 3
    assert count(page, ".messages .heard li") == 6
    assert f"1 says {HOSTILE[:20]}" in text(page, ".messages .card .heard")
    assert "and wrote" in text(page, ".messages .card")
    page.evaluate("document.querySelectorAll('.piece-bar')[3].dispatchEvent(new Event('focus'))")
    assert "put in by the method" in text(page, ".reader-head")
    assert HOSTILE[:40] in text(page, ".messages .reader .words")
    assert count(page, ".arrow.lit") == 4  # two to path 0 and two from it
    assert page.evaluate("[...document.querySelectorAll('.piece-bar')].every(bar => bar.getBoundingClientRect().width > 0)")


def test_no_reader_has_read_before_the_words_were_written(page: Page) -> None:
    show(page, "peers")
    ends = page.evaluate(
        "[...document.querySelectorAll('.arrow')].map(arrow => [0, arrow.getTotalLength()].map(at => arrow.getPointAtLength(at).x))"
    )
    assert len(ends) == 6
    assert all(told < read for told, read in ends)


def test_a_search_tree_can_be_read_and_replayed(page: Page) -> None:
    show(page, "search")
    assert text(page, ".drawing h4") == "Search tree"
    assert count(page, ".tree-node") == 6
    states = {state: count(page, f".tree-node .s-{state}") for state in ("expanded", "open", "goal", "dead_end", "dropped")}
    assert states == {"expanded": 2, "open": 1, "goal": 1, "dead_end": 1, "dropped": 1}
    assert page.evaluate("[...document.querySelectorAll('.order')].map(order => order.textContent)") == ["1", "2"]
    assert count(page, ".node.chosen") == 3
    assert count(page, ".edge.chosen") == 2
    assert count(page, ".branch li") == 2
    assert text(page, ".search .legend").endswith("f: low is better (3 to 1)")
    slide = "(value => { const slider = document.querySelector('.replay input'); slider.value = value; slider.dispatchEvent(new Event('input')) })"
    page.evaluate(f"{slide}(1)")
    assert (count(page, ".tree-node"), count(page, ".tree-node .s-expanded"), text(page, ".replay output")) == (4, 1, "1 of 2")
    page.evaluate(f"{slide}(0)")
    assert count(page, ".tree-node") == 1
    page.evaluate(f"{slide}(2)")
    page.evaluate("document.querySelectorAll('.tree-node')[1].dispatchEvent(new Event('mouseenter'))")
    assert "expanded as number 2" in text(page, ".reader-head")
    assert "f 1.25, h 0.25" in text(page, ".reader-head")
    assert text(page, ".search .reader .words") == "At first </script"
    page.evaluate("document.querySelectorAll('.tree-node')[1].dispatchEvent(new Event('mouseleave'))")
    assert text(page, ".reader-head") == "The chosen branch"


def test_a_node_can_be_reached_and_held_by_keys(page: Page) -> None:
    show(page, "search")
    page.evaluate("document.querySelector('.tree-node').focus()")
    page.press("ArrowRight", 2)
    page.press("Enter")
    assert "f 2.5" in text(page, ".reader-head")
    page.press("Tab")  # to the path's button
    assert page.evaluate("document.activeElement.textContent") == "path 0.1"
    page.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "treeitem"
    assert page.evaluate("document.activeElement.querySelector('code').textContent") == "0.1"
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"


def test_a_discussion_shows_roles_rounds_decisions_and_what_could_not_be_read(page: Page) -> None:
    show(page, "crew")
    assert text(page, ".drawing h4") == "Discussion"
    assert count(page, ".dialogue .turn") == 6
    assert count(page, ".dialogue details.round") == 2
    assert count(page, ".turn.unread") == 1
    assert "1 could not be read" in text(page, ".dialogue .note")
    assert text(page, ".turn.leads .decision").startswith("go on, 3 experts")
    assert count(page, ".turn.r-ceo") == 1
    assert count(page, ".turn.o-tool") == 1
    assert (count(page, ".decision.yes"), count(page, ".decision.no")) == (1, 1)
    assert text(page, ".replies .turn .words") == "No."  # beside the solution it speaks of
    folded = text(page, ".turn.ours .words")
    page.evaluate("document.querySelector('.turn.ours .words button').click()")
    assert len(text(page, ".turn.ours .words")) > len(folded) + 200


def test_accepted_drafts_are_shaded_run_by_run(page: Page) -> None:
    show(page, "guesses")
    assert text(page, ".drawing h4") == "Accepted drafts"
    runs = page.evaluate("[...document.querySelectorAll('.run')].map(run => [run.textContent, run.title])")
    words = f"At first {HOSTILE}"
    assert runs == [[words[:7], "3 tokens in one target call"], [words[12:16], "2 tokens in one target call"]]
    found = re.match(
        r"([\d.]+) tokens a target call: (\d+) tokens in (\d+) target calls, 2 of which kept a guess", text(page, ".drafts-caption")
    )
    assert found
    tokens, calls = int(found[2]), int(found[3])
    assert calls == tokens - 3
    assert found[1] == f"{tokens / calls:.2f}"
    assert page.evaluate("[...document.querySelectorAll('.lengths li')].map(bar => bar.textContent)") == [f"{calls - 2}1", "12", "13"]
    shown = text(page, ".drafted").replace("\u21b5", "")
    assert shown.startswith(f"At first {HOSTILE} there are \u20ac 3.\n")


@pytest.mark.parametrize("method", NAMES[1:])
def test_drawings_fit_the_page_and_their_texts_never_act(method: str, page: Page) -> None:
    show(page, method)
    page.evaluate("document.querySelectorAll('.drawing details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.hacked") is None
    assert count(page, "img") == 0
    assert [url for url in page.requests if not url.startswith("file://")] == []


@pytest.mark.parametrize("method", NAMES[1:])
def test_texts_of_drawings_have_enough_contrast_in_both_schemes(method: str, page: Page) -> None:
    show(page, method)
    page.evaluate("document.querySelectorAll('.drawing details').forEach(part => part.open = true)")
    pairs = page.evaluate(f"({INK_AND_PAPER})()")
    assert len(pairs) > 5
    for ink, paper, name in pairs:
        assert contrast(ink, paper) >= 4.5, (name, ink, paper)


def contrast(one: str, other: str) -> float:
    """Of two CSS colours: `rgb(0, 0, 0)` or `color(srgb 0 0 0)`."""

    def light(colour: str) -> float:
        numbers = [float(x) for x in re.findall(r"[\d.]+(?:e-?\d+)?", colour)[:3]]
        parts = numbers if colour.startswith("color(") else [x / 255 for x in numbers]
        return sum(
            w * (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4) for w, p in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
