"""Tables, trees and drafters, without a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from thinkwell.core.errors import ConfigError
from thinkwell.core.sampling import GREEDY, Sampling
from thinkwell.decoding.acceptance import Rule
from thinkwell.decoding.draft_tree import DraftTree, heuristic_tree, load_tree, save_tree, start_tree, tree_named, tuned_tree
from thinkwell.decoding.drafts import Drafting, DraftStats
from thinkwell.decoding.rivals import AdaptiveNgram, PromptLookup, SuffixDecoding, TokenRecycling
from thinkwell.decoding.stand import NgramTable, StandDrafter


class Still:
    """Noise that is not there, or favours one id."""

    def __init__(self, rule: Rule = Rule.GUMBEL_COUPLED, favour: int | None = None) -> None:
        self.rule, self.favour, self.asked = rule, favour, 0

    def gumbel(self, depth: int, ids: Sequence[int]) -> Sequence[float]:
        self.asked += 1
        return [50.0 if token == self.favour else 0.0 for token in ids]


BOB, MARY, TOM, SUE = 1, 2, 3, 4


# The table


def test_a_key_seen_twice_holds_the_average_over_the_union() -> None:
    """The worked example of the paper's readers: {.7 .2 .05} and {.3 .6 .05} on Bob, Mary, Tom and Bob, Mary, Sue."""
    table = NgramTable(2, 2)
    table.add([8, 9], [BOB, MARY, TOM], [0.7, 0.2, 0.05])
    table.add([8, 9], [MARY, BOB, SUE], [0.6, 0.3, 0.05])
    assert table.law((8, 9)) == pytest.approx({BOB: 0.5, MARY: 0.4, TOM: 0.025, SUE: 0.025})


def test_the_third_law_weighs_a_third() -> None:
    table = NgramTable(1, 1)
    for p in (0.9, 0.3, 0.6):
        table.add([5], [7], [p])
    assert table.law((5,)) == pytest.approx({7: 0.6})


def test_a_key_keeps_its_likeliest_ids_only() -> None:
    table = NgramTable(1, 1, top=2)
    table.add([5], [1, 2], [0.6, 0.4])
    table.add([5], [3, 2], [0.8, 0.2])
    assert table.law((5,)) == pytest.approx({3: 0.4, 2: 0.3} | {}) or table.law((5,)) == pytest.approx({3: 0.4, 1: 0.3})
    table.add([5], [3], [1.0])
    assert max(table.law((5,)) or {}, key=lambda token: (table.law((5,)) or {})[token]) == 3


def test_replace_forgets() -> None:
    table = NgramTable(1, 1, average=False)
    table.add([5], [1], [0.6])
    table.add([5], [2], [0.5])
    assert table.law((5,)) == {2: 0.5}


def test_the_longest_known_context_answers() -> None:
    table = NgramTable(3, 1)
    table.add([1, 2, 3], [10], [1.0])
    table.add([9, 2, 3], [11], [1.0])
    table.add([3], [12], [1.0])
    assert table.law((1, 2, 3)) == {10: 1.0}
    assert table.law((9, 2, 3)) == {11: 1.0}
    assert table.law((7, 2, 3)) == pytest.approx({10: 0.5, 11: 0.5})
    assert table.law((7, 7, 3)) == pytest.approx({10: 1 / 3, 11: 1 / 3, 12: 1 / 3})
    assert table.law((7, 7, 7)) is None
    assert (table.lookups, table.hits) == (5, 4)


def test_orders_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="min"):
        NgramTable(2, 3)


# The tree


def test_the_first_nodes_of_a_tree_are_a_tree() -> None:
    tree = heuristic_tree()
    assert len(tree) == 79
    for count in range(80):
        part = tree.first(count)
        assert len(part) == min(count, 79)
        assert all(-1 <= parent < node for node, parent in enumerate(part.parents))
    assert sum(tree.widths()) == 79
    assert len(start_tree()) == 625
    assert start_tree().depth == 20


def test_the_nodes_accepted_most_are_kept_with_what_they_need() -> None:
    tree = DraftTree(((0,), (1,), (2,), (0, 0), (0, 1), (2, 0)))
    best = tuned_tree(tree, {0: 50, 1: 3, 2: 9, 3: 40, 4: 3, 5: 9}, 4)
    # (2, 0) was accepted 9 times and needs (2), which needs (1); ties go to the shallower, then to the lower rank
    assert best.nodes == ((0,), (0, 0), (1,), (2,))
    assert tuned_tree(tree, {}, 3).nodes == ((0,), (1,), (2,))


def test_a_tree_comes_back_from_its_file(tmp_path: Path) -> None:
    tree = heuristic_tree(20)
    save_tree(tree, tmp_path / "tree.json", {"problems": 30})
    assert load_tree(tmp_path / "tree.json") == tree
    assert tree_named(str(tmp_path / "tree.json")) == tree
    assert tree_named("heuristic", 20) == tree


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read"),
        ("{", "not JSON"),
        ("\x80", "not"),
        ("[]", '"format"'),
        ('{"format": "other"}', '"format"'),
        ('{"format": "thinkwell-draft-tree", "version": 2, "nodes": [[0]]}', "version 2"),
        ('{"format": "thinkwell-draft-tree", "version": 1}', "no list of nodes"),
        ('{"format": "thinkwell-draft-tree", "version": 1, "nodes": [["a"]]}', "no list of nodes"),
        ('{"format": "thinkwell-draft-tree", "version": 1, "nodes": [[0, 0]]}', "before its parent"),
        ('{"format": "thinkwell-draft-tree", "version": 1, "nodes": [[1]]}', "earlier sibling"),
        ('{"format": "thinkwell-draft-tree", "version": 1, "nodes": [[0], [0]]}', "twice"),
        ('{"format": "thinkwell-draft-tree", "version": 1, "nodes": [[]]}', "root"),
    ],
)
def test_a_file_that_is_no_tree_is_refused_with_what_to_do(content: str | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "tree.json"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=says) as refused:
        load_tree(file)
    assert "tree.json" in str(refused.value)


# STAND's draft


def taught() -> StandDrafter:
    drafter = StandDrafter(NgramTable(2, 1), DraftTree(((0,), (0, 0), (1,), (0, 1), (0, 0, 0))))
    drafter.observe([[1, 2], [2, 5], [2, 6]], [([5, 6], [0.6, 0.4]), ([7, 8], [0.9, 0.1]), ([9], [1.0])])
    return drafter


def test_a_draft_walks_the_tree_and_the_table() -> None:
    draft = taught().propose("p", [0, 1, 2], 5, 9, Still())
    assert [draft.tokens[i] for i in range(len(draft.tokens))] == [5, 6, 7, 8]
    assert list(draft.parents) == [-1, -1, 0, 0]
    assert list(draft.slots) == [0, 2, 1, 3]
    assert draft.laws == {}


def test_coupled_noise_decides_the_order_of_children() -> None:
    draft = taught().propose("p", [0, 1, 2], 5, 9, Still(favour=6))
    assert list(draft.tokens) == [6, 5, 9]
    assert list(draft.parents) == [-1, -1, 0]


def test_the_match_rule_asks_for_no_noise() -> None:
    noise = Still(Rule.MATCH, favour=6)
    assert list(taught().propose("p", [0, 1, 2], 5, 9, noise).tokens) == [5, 6, 7, 8]
    assert noise.asked == 0


def test_rules_that_reject_get_the_laws() -> None:
    draft = taught().propose("p", [0, 1, 2], 5, 9, Still(Rule.REJECTION))
    assert draft.laws[-1] == {5: 0.6, 6: 0.4}
    assert draft.laws[0] == {7: 0.9, 8: 0.1}
    assert list(taught().propose("p", [0, 1, 2], 5, 9, Still(Rule.WITH_REPLACEMENT)).tokens)[:2] == [5, 5]
    assert list(taught().propose("p", [0, 1, 2], 5, 9, Still(Rule.CHAIN)).parents) == [-1, 0]


def test_a_draft_is_no_deeper_and_no_larger_than_asked() -> None:
    assert list(taught().propose("p", [0, 1, 2], 5, 1, Still()).tokens) == [5, 6]
    assert list(taught().propose("p", [0, 1, 2], 2, 9, Still()).tokens) == [5, 7]
    assert taught().propose("p", [44], 5, 9, Still()).tokens == []


# The rivals


def test_prompt_lookup_copies_what_followed_the_earliest_match() -> None:
    drafter = PromptLookup(2, 2, length=3)
    ids = [1, 2, 3, 4, 1, 2, 9, 1, 2]
    assert list(drafter.propose("a", ids, 8, 8, Still()).tokens) == [3, 4, 1]
    assert list(drafter.propose("a", ids, 2, 8, Still()).tokens) == [3, 4]
    assert list(drafter.propose("b", [7, 2, 9], 8, 8, Still()).tokens) == [1, 2]  # from its sibling
    assert list(drafter.propose("c", [55, 56], 8, 8, Still()).tokens) == []


def test_adaptive_ngrams_repeat_the_likeliest_follower() -> None:
    drafter = AdaptiveNgram(2, length=4)
    drafter.propose("a", [1, 2, 3, 1, 2, 4, 1, 2, 4, 5], 8, 8, Still())
    assert list(drafter.propose("b", [1, 2], 8, 8, Still()).tokens) == [4, 1, 2, 4]
    assert list(drafter.propose("b", [1, 2], 8, 2, Still()).parents) == [-1, 0]


def test_token_recycling_keeps_the_last_candidates_of_each_token() -> None:
    drafter = TokenRecycling(DraftTree(((0,), (1,), (0, 0))), top=2)
    drafter.observe([[9, 1], [9, 2]], [([2, 3, 4], [0.5, 0.3, 0.2]), ([7], [1.0])])
    draft = drafter.propose("a", [0, 1], 8, 8, Still())
    assert list(draft.tokens) == [2, 3, 7]
    assert list(draft.parents) == [-1, -1, 0]
    drafter.observe([[9, 1]], [([8], [1.0])])
    assert list(drafter.propose("a", [0, 1], 8, 8, Still()).tokens) == [8]


def test_suffix_decoding_drafts_more_after_longer_matches() -> None:
    drafter = SuffixDecoding(factor=1.0)
    drafter.propose("a", [1, 2, 3, 4, 5, 6, 7, 8], 8, 8, Still())
    assert list(drafter.propose("b", [3], 8, 8, Still()).tokens) == [4]
    assert list(drafter.propose("c", [1, 2, 3], 8, 8, Still()).tokens) == [4, 5, 6]
    assert list(drafter.propose("d", [50], 8, 8, Still()).tokens) == []


def test_suffix_decoding_takes_the_likelier_branches_first() -> None:
    drafter = SuffixDecoding(factor=9.0, min_prob=0.2)
    drafter.propose("a", [1, 2, 1, 2, 1, 3, 0], 8, 8, Still())
    draft = drafter.propose("b", [1], 3, 8, Still())
    assert draft.tokens[0] == 2
    assert set(draft.tokens[1:]) == {3, 1}


def test_texts_that_were_cut_are_read_again() -> None:
    drafter = AdaptiveNgram(1, length=1)
    drafter.propose("a", [1, 2, 3], 8, 8, Still())
    assert list(drafter.propose("a", [4, 4, 4, 4, 4, 4, 4, 4, 4, 4], 8, 8, Still()).tokens) == [4]


# Bookkeeping


def test_tables_are_shared_by_sampling_and_not_with_other_temperatures() -> None:
    drafting = Drafting(StandDrafter)
    first = drafting.drafter(Sampling(0.8), "0")
    assert drafting.drafter(Sampling(0.8), "1") is first
    assert drafting.drafter(GREEDY, "0") is not first
    alone = Drafting(StandDrafter, share=False)
    assert alone.drafter(Sampling(0.8), "0") is not alone.drafter(Sampling(0.8), "1")
    assert len(drafting.drafters) == 2


def test_statistics_say_how_many_tokens_a_call_wrote() -> None:
    stats = DraftStats()
    stats.count(3, 3, [0, 4])
    stats.count(1, 1, [])
    assert stats.mean_accepted_tokens == 2.0
    assert stats.as_facts() == {"mean_accepted_tokens": 2.0, "target_calls": 2, "drafted_tokens": 4, "accepted_by_depth": (1, 1)}
    assert stats.by_slot == {0: 1, 4: 1}
    assert json.dumps(stats.as_facts())
    assert DraftStats().mean_accepted_tokens == 0.0
