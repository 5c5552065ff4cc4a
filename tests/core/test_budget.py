"""Budgets are read from text, refuse nonsense, and usage adds up."""

import pytest

from thinkwell.core.budget import Budget, Usage
from thinkwell.core.errors import BudgetError, UnknownName


def test_a_budget_reads_as_it_is_typed() -> None:
    assert Budget.parse(["tokens=1024", "scorer_calls=64,seconds=2.5"]) == Budget(1024, 64, 2.5)
    assert Budget.parse([]) == Budget()


@pytest.mark.parametrize("text", ["tokens=0", "tokens=-5", "seconds=0", "scorer_calls=-1"])
def test_a_budget_without_room_is_refused(text: str) -> None:
    with pytest.raises(BudgetError, match="leaves no room"):
        Budget.parse([text])


@pytest.mark.parametrize("text", ["tokens=many", "tokens=", "tokens", "tokens=1.5"])
def test_a_budget_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BudgetError, match="is not a number"):
        Budget.parse([text])


def test_an_unknown_currency_offers_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'tokens'"):
        Budget.parse(["token=5"])


def test_usage_adds_every_column() -> None:
    one = Usage(
        injected=1,
        tool=2,
        prompt=3,
        prefill_computed=4,
        prefill_reused=5,
        scorer_calls=6,
        scored_tokens=7,
        engine_calls=8,
        engine_steps=9,
        seconds=0.5,
    )
    one.generated["solver"] = 10
    total = Usage()
    total.add(one)
    total.add(one)
    doubled = {name: value * 2 for name, value in one.as_dict().items() if not isinstance(value, dict)}
    assert {name: value for name, value in total.as_dict().items() if not isinstance(value, dict)} == doubled
    assert total.generated_tokens == 20
