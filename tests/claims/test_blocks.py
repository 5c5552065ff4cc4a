"""Blocks of documents: filled from findings and from nothing else, again and again the same, and no text of a claim gets out of its cell."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from thinkwell.claims.blocks import blocks, files_with_blocks, fill, read_findings
from thinkwell.claims.claim import CLAIMS
from thinkwell.claims.measure import Finding
from thinkwell.claims.page import cost, markdown, paper, systems
from thinkwell.claims.trained import TRAINED
from thinkwell.core.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parents[2]
LEAP = Finding(
    "leap", "peers help", "Learning from Peers (Luo 2025), arXiv 2505.07787", "+5 points", False, "leap", "self_consistency", "accuracy", 0.0,
    0.05, (0.01, 0.09), "holds", 80, 0, 12.4, 0, "thinkwell reproduce leap", 600.0, 800.0,
)  # fmt: skip
PAGE = "# leap\n\nBefore.\n\n<!-- claims:leap -->\nold words\n<!-- /claims:leap -->\n\nAfter.\n"
HOSTILE = "a | b\n<!-- /claims:leap -->\n| c | `d` <script>x</script> *e* [f](javascript:g) \u2028 \x0b \\"


def all_ten() -> list[Finding]:
    return [replace(LEAP, name=name, left=name, command=f"thinkwell reproduce {name}") for name in CLAIMS.names()]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "leap.md"
    file.write_text(PAGE)
    return file


def cells(row: str) -> list[str]:
    """A table row as GitHub splits it: at bars that no backslash precedes."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def test_a_block_gets_the_papers_claims_and_the_rest_stays(page: Path) -> None:
    assert fill([page], [LEAP]) == [page]
    text = page.read_text()
    assert text.startswith("# leap\n\nBefore.\n\n<!-- claims:leap -->\n")
    assert text.endswith("\n<!-- /claims:leap -->\n\nAfter.\n")
    assert "old words" not in text
    assert "`thinkwell reproduce leap`: 80 problems, seed 0, 12 s." in text
    assert "| peers help | `leap` : `self_consistency` | +5 points | +5.0 [+1.0, +9.0] | 600 : 800 | **holds** |" in text


def test_filling_again_changes_nothing_and_new_findings_replace_old_ones(page: Path) -> None:
    fill([page], [LEAP])
    first = page.read_text()
    assert fill([page], [LEAP]) == []
    assert page.read_text() == first
    assert fill([page], [replace(LEAP, measured=0.02)]) == [page]
    assert "+2.0 [" in page.read_text()
    fill([page], [LEAP])
    assert page.read_text() == first


def test_no_text_of_a_claim_gets_out_of_its_cell(page: Path) -> None:
    hostile = replace(LEAP, claim=HOSTILE, paper=HOSTILE, paper_effect=HOSTILE, left=HOSTILE, command=HOSTILE)
    fill([page], [hostile])
    first = page.read_text()
    assert blocks(page) == ["leap"]
    assert fill([page], [hostile]) == []
    rows = [line for line in first.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert {len(cells(row)) for row in rows} == {6}
    assert first.endswith("\n<!-- /claims:leap -->\n\nAfter.\n")
    assert not re.search(r"(?<!\\)<script", re.sub(r"`[^`]*`", "", first))
    assert len(cells(systems([replace(hostile, left="leap")], {}).splitlines()[-1])) == 7


def test_a_file_without_a_block_is_refused(tmp_path: Path) -> None:
    bare = tmp_path / "bare.md"
    bare.write_text("# No block. `<!-- claims:leap -->` inside a line is none.\n")
    for place in (bare, tmp_path):
        with pytest.raises(ConfigError, match="has no block to fill; expected the lines <!-- claims:NAME -->"):
            files_with_blocks([place])
    with pytest.raises(ConfigError, match="cannot read"):
        files_with_blocks([tmp_path / "nowhere.md"])


def test_a_folder_gives_its_files_with_blocks_each_once(page: Path) -> None:
    (page.parent / "bare.md").write_text("nothing here\n")
    assert files_with_blocks([page.parent, page]) == [page]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!-- claims:leap -->\n", "does not end"),
        ("<!-- /claims:leap -->\n", "found <!-- /claims:leap --> where a block begins or ends"),
        ("<!-- claims:leap -->\n<!-- claims:sift -->\n<!-- /claims:sift -->\n", r"expected <!-- /claims:leap -->"),
        ("<!-- claims:leap -->\n<!-- /claims:sift -->\n", r"expected <!-- /claims:leap -->"),
        ("<!-- claims:laep -->\n<!-- /claims:laep -->\n", "unknown claim 'laep'"),
    ],
)
def test_marks_that_do_not_match_are_refused_before_anything_is_measured(page: Path, text: str, said: str) -> None:
    page.write_text(text)
    with pytest.raises(Exception, match=said):
        files_with_blocks([page])


def test_blocks_of_papers_that_were_not_measured_stay_as_they_are(page: Path) -> None:
    page.write_text(PAGE + "\n<!-- claims:sift -->\nearlier\n<!-- /claims:sift -->\n")
    fill([page], [LEAP])
    assert "<!-- claims:sift -->\nearlier\n<!-- /claims:sift -->" in page.read_text()
    page.write_text(PAGE)
    with pytest.raises(ConfigError, match="expected one of what was measured: sift"):
        fill([page], [replace(LEAP, name="sift")])


def test_the_table_of_all_systems_needs_all_of_them_and_touches_nothing_without(tmp_path: Path, page: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- claims:all -->\n<!-- /claims:all -->\n")
    with pytest.raises(ConfigError, match="shows all systems, but a_star"):
        fill([page, readme], [LEAP])
    assert page.read_text() == PAGE
    (tmp_path / "docs" / "methods").mkdir(parents=True)
    (tmp_path / "docs" / "methods" / "leap.md").write_text("there")
    fill([readme], all_ten())
    rows = [cells(line) for line in readme.read_text().splitlines() if line.startswith("|")][2:]
    assert [row[0].strip("[`").split("`")[0] for row in rows] == CLAIMS.names()
    assert "[`leap`](docs/methods/leap.md)" in readme.read_text()
    assert rows[4][1:] == [
        "paths read their peers' summaries midway", "peers help", "+5.0 [+1.0, +9.0] points", "**holds**", "1 / 0 / 0", "0.75x `self_consistency`",
    ]  # fmt: skip


def test_every_system_is_said_in_six_words() -> None:
    assert {name: len(claims.summary.split()) for name, claims in CLAIMS.items() if len(claims.summary.split()) != 6} == {}


def test_the_first_claim_is_the_central_one_and_every_verdict_is_counted() -> None:
    later = [replace(LEAP, claim="second", verdict="undecided"), replace(LEAP, claim="third", verdict="does not hold")]
    row = systems([LEAP, *later], {}).splitlines()[-1]
    assert "peers help" in row
    assert "| 1 / 1 / 1 |" in row


def test_cost_is_set_against_the_vote_then_a_control_then_the_central_claims_other_arm() -> None:
    search = replace(LEAP, right="leap:router=random", left_tokens=300.0, right_tokens=200.0)
    control = replace(search, right="leap:router=all", control=True, right_tokens=600.0)
    assert cost([search, control, LEAP]) == "0.75x `self_consistency`"
    assert cost([search, control]) == "0.50x `leap:router=all`"
    assert cost([search]) == "1.50x `leap:router=random`"
    assert cost([replace(search, left="single", right="leap", left_tokens=100.0, right_tokens=250.0)]) == "2.50x `single`"
    assert cost([replace(search, left="leap:n_paths=4", right="leap:n_paths=4,explain=false")]) == "1.50x `leap:explain=false`"
    assert cost([replace(LEAP, left_tokens=None, right_tokens=None)]) == "-"
    assert cost([replace(LEAP, right=None)]) == "-"


def test_findings_survive_json_and_anything_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    file.write_text(json.dumps({"claims": [LEAP.as_dict(), replace(LEAP, measured=None, ci95=None).as_dict()]}))
    assert read_findings(file) == [LEAP, replace(LEAP, measured=None, ci95=None)]
    for broken in (
        "{", "[]", "{}", '{"claims": ["leap"]}', '{"claims": [{"name": "leap"}]}', json.dumps({"claims": [LEAP.as_dict() | {"verdict": "perhaps"}]}),
        json.dumps({"claims": [LEAP.as_dict() | {"ci95": [1]}]}), json.dumps({"claims": [LEAP.as_dict() | {"measured": "much"}]}),
    ):  # fmt: skip
        file.write_text(broken)
        with pytest.raises(DataError, match="holds no findings"):
            read_findings(file)
    with pytest.raises(DataError, match="cannot read"):
        read_findings(tmp_path / "nowhere.json")


def test_the_command_fills_pages_from_a_file_of_findings(cli, tmp_path: Path, page: Path) -> None:
    found, claims = tmp_path / "found.json", tmp_path / "claims.md"
    found.write_text(json.dumps({"claims": [finding.as_dict() for finding in all_ten()]}))
    done = cli("reproduce", "leap", "--from", found, "--fill", page, "--write", claims)
    assert done.code == 0, done.err
    assert "filled" in done.err
    assert "+5.0 [+1.0, +9.0]" in page.read_text()
    assert claims.read_text() == markdown([LEAP])
    (page.parent / "bare.md").write_text("no block\n")
    refused = cli("reproduce", "leap", "--from", found, "--fill", page.parent / "bare.md")
    assert (refused.code, "Traceback" in refused.err) == (2, False)
    assert "has no block to fill" in refused.err
    found.write_text(json.dumps({"claims": [LEAP.as_dict()]}))
    refused = cli("reproduce", "all", "--from", found)
    assert refused.code == 2
    assert "holds nothing of a_star" in refused.err


def test_of_a_paper_that_several_files_hold_the_last_one_counts(cli, tmp_path: Path) -> None:
    newer = replace(LEAP, measured=0.25)
    for name, findings in (("old", all_ten()), ("new", [newer])):
        (tmp_path / f"{name}.json").write_text(json.dumps({"claims": [finding.as_dict() for finding in findings]}))
    files = ("--from", tmp_path / "old.json", "--from", tmp_path / "new.json")
    done = cli("reproduce", "leap", *files, "--json", tmp_path / "both.json")
    assert done.code == 0, done.err
    assert read_findings(tmp_path / "both.json") == [newer]


def test_readme_and_method_pages_show_what_the_page_of_claims_shows() -> None:
    claims = (ROOT / "docs" / "claims.md").read_text()
    section = {
        name: claims.split(f"\n## {name}\n")[1].split(f"<!-- /claims:{name} -->")[0].split("-->\n")[1].strip() for name in CLAIMS.names()
    }
    readme = (ROOT / "README.md").read_text()
    assert blocks(ROOT / "README.md") == ["all", "training"]
    for name, text in section.items():
        assert blocks(ROOT / "docs" / "methods" / f"{name}.md") == [name]
        central = cells(text.splitlines()[4])
        row = next(cells(line) for line in readme.splitlines() if line.startswith(f"| [`{name}`]"))
        assert (row[2], row[3].startswith(central[3]), row[4]) == (central[0], True, central[5])
    for file in files_with_blocks([ROOT / "docs" / "methods"]):
        for name in blocks(file):
            shown = file.read_text().split(f"<!-- claims:{name} -->\n")[1].split(f"<!-- /claims:{name} -->")[0].strip()
            assert shown == section[name], f"{file.name} and claims.md differ; docs/reproduce.md names the command that writes both"


def test_a_paper_is_one_table() -> None:
    text = paper([LEAP, replace(LEAP, claim="second", control=True)], "leap")
    assert next(line for line in text.splitlines() if line.startswith("| second")).startswith("| second *(control)* |")
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 4


def test_the_table_of_recipes_keeps_the_rows_of_those_that_were_not_measured(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("<!-- claims:training -->\n<!-- /claims:training -->\n")
    laser = replace(LEAP, name="laser-d", left="grpo", right="laser-d")
    fill([page], [laser])
    rows = [cells(line) for line in page.read_text().splitlines() if line.startswith("| `")]
    assert [row[0].strip("`") for row in rows] == TRAINED.names()
    assert [row[0] for row in rows if row[3] != "not measured yet"] == ["`laser-d`"]
    fill([page], [replace(laser, name="gppo")])
    measured = [
        line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| `") and "not measured yet" not in line
    ]
    assert measured == ["`gppo`", "`laser-d`"]
