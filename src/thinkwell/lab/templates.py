"""The words of the lab's world: names, items, and several wordings of every move, as data.

Question wordings are filled with `N` (who acts: a name or a pronoun), `M` (somebody else), `items`, `a` and `b` (numbers).
Trace wordings are filled with the same and `x`, the claim of the step ("5 + 3 = 8", or a bare number).
"""

from __future__ import annotations

GIRLS = ("Ann", "Mia", "Eva", "Lily", "Zoe", "Sara")
BOYS = ("Ben", "Tom", "Max", "Leo", "Sam", "Jack")
ITEMS = ("apples", "pears", "coins", "cards", "books", "stamps", "shells", "pens", "marbles", "eggs")

START = ("{N} has {b} {items}.", "{N} starts with {b} {items}.", "At first {N} has {b} {items}.")
START_TRACE = (("{N} starts with {x} {items}.", "At first {N} has {x} {items}."),)
ASK = ("How many {items} does {N} have now?", "How many {items} does {N} have in the end?", "How many {items} has {N} got at last?")
CONNECTIVES = ("Then ", "Next, ", "Later ", "After that, ", "", "", "", "")

QUESTION: dict[str, tuple[str, ...]] = {
    "gain": ("{N} buys {b} more {items}.", "{N} finds {b} {items}.", "{N} gets {b} {items} from {M}.", "{M} gives {N} {b} {items}."),
    "lose": ("{N} gives {b} {items} to {M}.", "{N} loses {b} {items}.", "{N} sells {b} {items}.", "{M} takes {b} {items} from {N}."),
    "double": ("{N} doubles the number of {items}.", "{N} makes it two times as many {items}."),
    "triple": ("{N} triples the number of {items}.", "{N} makes it three times as many {items}."),
    "halve": ("{N} gives half of the {items} to {M}.", "{N} loses half of the {items}.", "{N} sells half of the {items}."),
    "share": (
        "{N} shares the {items} equally among {b} friends and counts one share.",
        "{N} splits the {items} into {b} equal parts and keeps one part.",
    ),
    "boxes_gain": (
        "{N} buys {a} boxes with {b} {items} each.",
        "{N} gets {a} bags of {b} {items} each.",
        "{M} brings {N} {a} boxes with {b} {items} in each.",
    ),
    "boxes_lose": ("{N} sells {a} boxes with {b} {items} each.", "{N} gives away {a} bags of {b} {items} each."),
    "rate_gain": (
        "{N} earns {b} {items} per hour for {a} hours.",
        "{N} finds {b} {items} each day for {a} days.",
        "{N} makes {b} {items} every day for {a} days.",
    ),
    "more": ("{M} has {b} more {items} than {N}. From now on count those of {M}.", "{M} has {b} more than {N}. Now look at {M}."),
    "fewer": ("{M} has {b} fewer {items} than {N}. From now on count those of {M}.", "{M} has {b} fewer than {N}. Now look at {M}."),
    "times": ("{M} has twice as many {items} as {N}. From now on count those of {M}.", "{M} has twice as many as {N}. Now look at {M}."),
    # Moves with a tricky phrase.
    "every_second": ("{N} finds {a} {items} every second day for {b} days.", "Every second day for {b} days {N} gets {a} {items}."),
    "per_pair": ("{N} sells {b} shoes at {a} coins per pair.", "At {a} coins per pair, {N} sells {b} shoes."),
    "reverse_more": (
        "That is {b} more than {M} has. Now look at {M}.",
        "That is {b} more {items} than {M} has. From now on count those of {M}.",
    ),
    "reverse_fewer": (
        "That is {b} fewer than {M} has. Now look at {M}.",
        "That is {b} fewer {items} than {M} has. From now on count those of {M}.",
    ),
    "reverse_twice": (
        "That is twice as many as {M} has. Now look at {M}.",
        "That is twice as many {items} as {M} has. From now on count those of {M}.",
    ),
    "reverse_half": (
        "That is half as many as {M} has. Now look at {M}.",
        "That is half as many {items} as {M} has. From now on count those of {M}.",
    ),
    "all_but": ("{N} gives away all but {b} {items}.", "{N} sells all but {b} of the {items}.", "{N} loses all but {b} {items}."),
    "half_again": ("{N} gets half as many {items} again.", "{N} buys half as many again."),
    "in_all": ("{N} buys {a} boxes with {b} {items} in all.", "{N} gets {a} bags that hold {b} {items} in all."),
}

_ADD = ("Now {N} has {x}.", "With them {N} has {x}.", "Add them: {x}.")
_TAKE = ("Now {N} has {x}.", "Without them {N} has {x}.", "Take them off: {x}.")

TRACE: dict[str, tuple[tuple[str, ...], ...]] = {
    "gain": (("{N} gets {b} more: {x}.", "Add {b}: {x}."),),
    "lose": (("{N} loses {b}: {x}.", "Take off {b}: {x}."),),
    "double": (("Two times as many: {x}.", "Double it: {x}."),),
    "triple": (("Three times as many: {x}.", "Triple it: {x}."),),
    "halve": (("Half is left: {x}.", "Half of that is {x}."),),
    "share": (("One of {b} parts is {x}.", "One share: {x}."),),
    "boxes_gain": (("The boxes hold {x} {items}.", "That is {x} {items}."), _ADD),
    "boxes_lose": (("The boxes hold {x} {items}.", "That is {x} {items}."), _TAKE),
    "rate_gain": (("That is {x} {items}.", "In that time {N} gets {x}."), _ADD),
    "more": (("{M} has {b} more: {x}.",),),
    "fewer": (("{M} has {b} fewer: {x}.",),),
    "times": (("{M} has twice as many: {x}.",),),
    "every_second": (("{N} does that on {x} days.", "That is on {x} days."), ("That is {x} {items}.",), _ADD),
    "per_pair": (("{N} sells {x} pairs.", "That is {x} pairs."), ("That is {x} coins.",), _ADD),
    "reverse_more": (("{M} has {b} fewer: {x}.",),),
    "reverse_fewer": (("{M} has {b} more: {x}.",),),
    "reverse_twice": (("{M} has half of that: {x}.",),),
    "reverse_half": (("{M} has twice as many: {x}.",),),
    "all_but": (("{N} keeps {x} {items}.", "Only {x} {items} are left."),),
    "half_again": (("Half of that is {x}.", "Half as many is {x}."), _ADD),
    "in_all": (("The boxes hold {x} {items}.", "That is {x} {items}."), _ADD),
}

MISREAD: dict[str, tuple[str, ...]] = {
    "every_second": ("{N} does that on {x} days.", "That is on {x} days."),
    "per_pair": ("{N} sells {x} pairs.", "That is {x} pairs."),
    "reverse_more": ("{M} has {b} more: {x}.",),
    "reverse_fewer": ("{M} has {b} fewer: {x}.",),
    "reverse_twice": ("{M} has twice as many: {x}.",),
    "reverse_half": ("{M} has half of that: {x}.",),
    "all_but": ("{N} loses {b}: {x}.", "Take off {b}: {x}."),
    "half_again": ("Now {N} has {x}.", "So {N} has {x}."),
    "in_all": ("The boxes hold {x} {items}.", "That is {x} {items}."),
}

TEMPTING = ("{M} has {b} {items}.", "{M} also has {b} {items}.", "Near {N}, {M} counts {b} {items}.")
TEMPTED_TRACE = ("The {b} of {M} too: {x}.", "With the {b} of {M}: {x}.")
NOT_TEMPTED_TRACE = ("{N} still has {x} {items}.",)
HARMLESS = ("{M} is {b} years old.", "The walk takes {b} minutes.", "The bag weighs {b} pounds.", "The shop has {b} windows.")

RECHECKS = (
    "Wait, let me check. {x}. Yes.",
    "Wait, is that right? {x}. Yes.",
    "Hmm, let me check: {x}. Yes, correct.",
    "Let me check: {x}. Correct.",
    "But wait, {x}. Yes, that is right.",
    "Alternatively, count again: {x}. Yes.",
)
CORRECTIONS = ("Wait, that is wrong: {x}.", "Hmm, that is wrong: {x}.", "Wait, I made a mistake: {x}.")
REREADINGS = ("Wait, that is wrong. {say}", "Hmm, I made a mistake. {say}")
FULL_RECHECKS = (
    "Wait, let me check it all again: {x}. Yes.",
    "Let me check it all again: {x}. All correct.",
    "However, let me check each step: {x}. Yes.",
)
LATE_CORRECTIONS = ("Wait, let me check it all again. One step is wrong: {x}.", "Let me check it all again. I made a mistake: {x}.")
REFLECTION_OPENERS = ("Wait", "Hmm", "Let me check", "But wait", "Alternatively", "However")
CORRECTION_WORDS = ("wrong", "mistake")
SOLUTIONS = ("{N} has {x} {items}.", "So {N} has {x} {items} now.", "The answer is {x}.")

LATER_WORDS = tuple(
    """summary summaries peers peer comment comments agree disagree correct incorrect check checks step steps critic sticker
stickers condition conditions question questions verify verified verifier verifying role roles tool tools tool_call planner plan solver
solve solved solution answer answers final finally so therefore thus but however alternatively hmm okay wait maybe perhaps because since
yes no not true false right wrong error errors mistake mistakes first second third last next previous again problem problems path paths
think thinking reason reasoning fast slow mode short long easy hard score good bad better best result results value number total sum
difference product given find compute compare choose option options vote majority confidence low high review feedback fix fixed rewrite
facts fact who where when what why which is are was the a an and or of to in it that this my your we I you me they them he she his her
do does can should must will need use using used say says from by on at for with as be has have had let us let's also than then if else
expert team agent leader stop continue done code python output input print observation action search city country lives born""".split()  # noqa: SIM905
)
