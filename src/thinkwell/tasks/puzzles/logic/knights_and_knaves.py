"""Knights and knaves: knights say what is true, knaves what is false. From what some people say: does a further statement follow, is it impossible, or is it open?

Entailment: true in every world (who is a knight, who a knave) that fits all that is said; Contradiction: false in every one; Unknown: neither. The original draws from a pool
(puzzte; `tasks/pools.py` reads its files). Here people and statements are drawn, and all worlds are looked at, each a bit of one integer, so the label is exact; at least
one world fits. No entailment or contradiction rests on fewer statements than the level says: dropping any of so many loses it. The three labels are equally frequent. Paper rule:
the label's very text, quotes dropped.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

from pydantic import Field, model_validator

from thinkwell.core.config import Knobs
from thinkwell.tasks.puzzle import RIGHT, Drawn, Item, Puzzle, Redraw, Refused, Score, ask, register
from thinkwell.tasks.puzzles._lines import picture
from thinkwell.tasks.puzzles.logic._claims import COUNTED, Claim, canonical, everywhere, holds, plain, sentence, worlds_of, worlds_that_fit
from thinkwell.tasks.reading import label

LABELS = ("Entailment", "Contradiction", "Unknown")
WRONG = {
    "Entailment": "the statement does not follow from what is said",
    "Contradiction": "the statement can be true",
    "Unknown": "what is said decides the statement",
}
DRAWS = 200  # sets of statements tried for one label, so that labels stay equally frequent
TRIES = 40  # conclusions tried for one set of statements


class Config(Knobs):
    min_people: int = Field(2, ge=2, le=12)
    """Fewest people, 2 to 12; each says one thing."""
    max_people: int = Field(5, ge=2, le=12)
    """Most people, 2 to 12."""
    needed: int = Field(1, ge=1, le=8)
    """Statements, 1 to 8, each of which an entailment or contradiction needs."""

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.min_people > self.max_people:
            raise ValueError(f"min_people={self.min_people} is above max_people={self.max_people}")
        if self.needed > self.min_people:
            raise ValueError(f"needed={self.needed} statements are more than min_people={self.min_people} make")
        return self


LEVELS = {
    "easy": {"min_people": 2, "max_people": 5, "needed": 1},
    "medium": {"min_people": 6, "max_people": 7, "needed": 3},
    "hard": {"min_people": 8, "max_people": 10, "needed": 5},
}


def generate(rng: random.Random, config: Config) -> Drawn:
    """Draw a label, then what everybody says and a conclusion until they have it."""
    count = rng.randint(config.min_people, config.max_people)
    people = rng.sample(NAMES, count)
    wanted = rng.choice(LABELS)
    for _ in range(DRAWS):
        statements = [_claim(rng, count, speaker) for speaker in range(count)]
        conclusion = _conclusion(rng, statements, wanted, config.needed)
        if conclusion is not None:
            break
    else:
        raise Redraw
    said = [f'{people[speaker]} says: "{sentence(claim, people, speaker)}"' for speaker, claim in enumerate(statements)]
    board = "\n".join([f"The people: {', '.join(people)}.", *said, "", f"Statement: {sentence(conclusion, people, None)}"])
    meta = {"people": people, "statements": statements, "conclusion": conclusion}
    return Drawn(ask(rng.choice(OPENINGS), RULES, board, FORM, EXAMPLE), wanted, meta, canonical(statements, conclusion))


def verify(answer: str, item: Item) -> Score:
    """One of the three labels."""
    said = label(answer, LABELS)
    if said != item.answer:
        raise Refused(WRONG[said])
    return RIGHT


def verify_paper(answer: str, item: Item) -> Score:
    """The original's rule: the text of the label, in this case of letters; quotes are dropped."""
    if answer.replace('"', "").replace("'", "").strip() != item.answer:
        raise Refused("this is not the text of the label")
    return RIGHT


def solve(item: Item) -> str:
    """Goes through the worlds one by one and believes or disbelieves everybody."""
    statements, conclusion = item.meta["statements"], item.meta["conclusion"]
    seen = {
        holds(conclusion, world)
        for world in product((True, False), repeat=len(statements))
        if all(holds(claim, world) is knight for claim, knight in zip(statements, world, strict=True))
    }
    return "Unknown" if len(seen) == 2 else "Entailment" if seen == {True} else "Contradiction"


def form(answer: str) -> str:
    return label(answer, LABELS)


def draw(item: Item) -> str:
    """Who says what, and the statement in question, as an SVG picture."""
    people = item.meta["people"]
    said = [f"{people[i]}: “{sentence(claim, people, i)}”" for i, claim in enumerate(item.meta["statements"])]
    return picture([*said, f"? {sentence(item.meta['conclusion'], people, None)}"])


def _conclusion(rng: random.Random, statements: Sequence[Claim], wanted: str, needed: int) -> Claim | None:
    """A claim with this label and enough statements behind it, None if no world fits or none was found."""
    count = len(statements)
    fitting = [worlds_that_fit(claim, speaker, count) for speaker, claim in enumerate(statements)]
    worlds = _common(fitting, count)
    if not worlds or (wanted == "Unknown" and worlds.bit_count() == 1):
        return None
    said = [plain(claim, count) for claim in statements]
    for _ in range(TRIES):
        conclusion = _claim(rng, count, None)
        true = worlds_of(conclusion, count)
        if plain(conclusion, count) in said or _label(worlds, true) != wanted:
            continue
        if wanted == "Unknown" or _resting_on(fitting, true, wanted, count) >= needed:
            return conclusion
    return None


def _label(worlds: int, true: int) -> str:
    """worlds: those that fit, at least one; true: those in which the conclusion holds."""
    return "Entailment" if worlds & true == worlds else "Unknown" if worlds & true else "Contradiction"


def _resting_on(fitting: Sequence[int], true: int, found: str, count: int) -> int:
    """How many statements the label cannot do without."""
    return sum(_label(_common([*fitting[:i], *fitting[i + 1 :]], count), true) != found for i in range(count))


def _common(fitting: Sequence[int], count: int) -> int:
    """The worlds that fit all of these statements."""
    worlds = everywhere(count)
    for fits in fitting:
        worlds &= fits
    return worlds


def _claim(rng: random.Random, count: int, speaker: int | None) -> Claim:
    """Something that `speaker` could say of the others, or of himself and another."""
    kind = rng.choice(("is", "is", "and", "or", "if", "same", "differ", "count"))
    first, second = rng.sample(range(count), 2)
    if kind == "is":
        return ["is", [second if first == speaker else first, rng.random() < 0.5]]
    if kind in ("same", "differ"):
        return [kind, first, second]
    if kind == "count":
        return [rng.choice(COUNTED), rng.randint(1, count - 1), rng.random() < 0.5]
    return [kind, [first, rng.random() < 0.5], [second, rng.random() < 0.5]]


NAMES = (
    "Alice", "Boris", "Clara", "Dmitri", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Karin", "Leo", "Maya", "Nadia", "Oscar", "Paula", "Quentin", "Rosa", "Stefan",
    "Tilda", "Ulrich", "Vera", "Walter", "Yvonne",
)  # fmt: skip
OPENINGS = (
    "On an island everybody is either a knight or a knave.",
    "Here is a puzzle of knights and knaves.",
    "You visit an island of knights and knaves.",
    "Each of the following people is a knight or a knave.",
)
RULES = (
    "Rules: everybody is either a knight or a knave. All that a knight says is true, all that a knave says is false. "
    "In what is said, 'or' means one or both; 'if ... then' is false only when its first part is true and its second part is false; 'us' means all the people named.\n"
    "Decide about the statement at the end:\n"
    "- Entailment: it is true in every case that fits all that is said;\n"
    "- Contradiction: it is false in every case that fits all that is said;\n"
    "- Unknown: it is true in some of these cases and false in others."
)
FORM = "one of the words Entailment, Contradiction, Unknown."
EXAMPLE = "Contradiction"

register(
    Puzzle(
        "puzzles/knights_and_knaves",
        "logic",
        "decide what follows from the words of knights and knaves",
        Config,
        LEVELS,
        generate,
        verify,
        solve,
        form,
        verify_paper,
        draw,
    )
)
