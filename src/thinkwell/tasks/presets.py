"""Named, versioned prompt presets. A score belongs to a preset: when a word changes, the version does.

`preset("r1")` is the newest version, `preset("r1@1")` a fixed one. think_open and think_close are empty for models that do not mark their thinking. Presets named
r1-... are the task's wording for models that think before they answer (sampling as published for DeepSeek-R1: temperature 0.6, top-p 0.95).
"""

from __future__ import annotations

from dataclasses import replace

from thinkwell.core.errors import UnknownName
from thinkwell.core.prompt import Preset

BOXED = "{question}\n\nPlease reason step by step, and put your final answer within \\boxed{}."
CHOICE = (
    "Answer the following multiple choice question. Think step by step before answering. The last line of your response should be of the form "
    "'Answer: LETTER' (without quotes), where LETTER is the letter of one of the options.\n\n{question}\n\n{options}"
)
BBH = "{question}\nOptions:\n{options}\n\nThink step by step. End with one sentence of the form: So the answer is (X)."
FOLIO = (
    "Decide whether the conclusion follows from the premises alone. Think step by step. The last line of your response should be of the form 'Answer: LABEL' "
    "(without quotes), where LABEL is True, False or Uncertain (neither it nor its opposite follows).\n\n{question}"
)
MUSIQUE = "{question}\n\nThink step by step. The last line of your response should be of the form 'Answer: ...' with the answer alone, in a few words."

_NOT_THINKING = {"think_open": "", "think_close": "", "temperature": 0.7, "top_p": 0.95, "max_tokens": 4096}
_BOXED = Preset("boxed", 1, BOXED, **_NOT_THINKING)  # type: ignore[arg-type]
_CHOICE = replace(_BOXED, name="choice", template=CHOICE, answer_cue="\n\nAnswer: ")
_BBH = replace(_BOXED, name="bbh-cot", template=BBH, answer_cue="\n\nSo the answer is (", max_tokens=1024, typical_tokens=256)
_FOLIO = replace(_CHOICE, name="folio", template=FOLIO)
_MUSIQUE = replace(_CHOICE, name="musique", template=MUSIQUE, max_tokens=2048, typical_tokens=512)
_PUZZLE = replace(_BOXED, name="puzzle", template="{question}", answer_cue="\n\nFinal answer:\n```\n")
_R1 = Preset("r1", 1, BOXED, temperature=0.6, top_p=0.95, max_tokens=32768, typical_tokens=8192)

PRESETS: dict[str, Preset] = {
    preset.full_name: preset
    for preset in (
        Preset("lab", 1, "{question}", answer_cue="\n\nThe answer is ", max_tokens=640, typical_tokens=180, temperature=0.8, top_p=1.0),
        Preset("plain", 1, "{question}", **_NOT_THINKING),  # type: ignore[arg-type]
        _BOXED,
        replace(
            _BOXED,
            name="qwen-math",
            template="{question}",
            system="Please reason step by step, and put your final answer within \\boxed{}.",
            top_p=0.8,
            max_tokens=3072,
        ),
        _R1,
        _CHOICE,
        _BBH,
        _FOLIO,
        _MUSIQUE,
        _PUZZLE,
        *(
            replace(_R1, name=f"r1-{other.name}", template=other.template, answer_cue=other.answer_cue)
            for other in (_CHOICE, _BBH, _FOLIO, _MUSIQUE, _PUZZLE)
        ),
    )
}


def preset(name: str) -> Preset:
    """The preset of that name, the newest version if none is given. Raises `UnknownName` with the nearest names."""
    if name in PRESETS:
        return PRESETS[name]
    versions = [entry for entry in PRESETS.values() if entry.name == name]
    if not versions:
        raise UnknownName("preset", name, PRESETS)
    return max(versions, key=lambda entry: entry.version)
