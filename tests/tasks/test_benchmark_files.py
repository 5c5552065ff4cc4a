"""The real benchmark files: all gold right, all junk wrong, all copies agree."""

from pathlib import Path

import pytest

from thinkwell.tasks import TASKS
from thinkwell.tasks.validate import passed, validate

SIZES = {
    "aime2024/evalchemy_aime24.jsonl": ("aime24", 30),
    "aime2024/klear_aime24.qs.jsonl": ("aime24", 30),
    "aime2024/qwen25math_aime24_test.jsonl": ("aime24", 30),
    "aime2025/evalchemy_aime25.jsonl": ("aime25", 30),
    "aime2025/klear_aime25.qs.jsonl": ("aime25", 30),
    "aime2025/leap_aime_2025.json": ("aime25", 30),
    "aime2025/sift_AIME25.jsonl": ("aime25", 30),
    "amc2023/evalchemy_amc23.jsonl": ("amc23", 40),
    "amc2023/qwen25math_amc23_test.jsonl": ("amc23", 40),
    "bbh_temporal_sequences/temporal_sequences.json": ("bbh_temporal_sequences", 250),
    "folio/folio-train.jsonl": ("folio", 1004),
    "folio/folio-validation.jsonl": ("folio", 204),
    "gsm8k/test.jsonl": ("gsm8k", 1319),
    "math500/evalchemy_math500.jsonl": ("math500", 500),
    "math500/sift_math_500_ori.jsonl": ("math500", 500),
    "musique/random_100_musique.json": ("musique", 100),
}


@pytest.mark.slow
def test_gold_scores_one_and_junk_scores_nothing_on_every_file(data: Path) -> None:
    reports = validate(data)
    assert {report["file"]: (report["task"], report["items"]) for report in reports} == SIZES
    assert [(report["file"], report["failures"]) for report in reports if report["failures"]] == []
    assert passed(reports)
    assert all(report["gold_rate"] == 1.0 and report["junk_rate"] == 0.0 for report in reports)


@pytest.mark.parametrize("task", ["aime24", "aime25", "amc23", "math500"])
def test_all_copies_of_a_benchmark_have_the_same_answers(data: Path, task: str) -> None:
    copies = [[p.reference for p in TASKS.get(task).load(data / name)] for name, (owner, _) in SIZES.items() if owner == task]
    assert len(copies) >= 2
    first = sorted(map(str, copies[0]))
    assert all(sorted(map(str, copy)) == first for copy in copies)


def test_labels_and_targets_are_counted_as_published(data: Path) -> None:
    def counts(task: str, name: str) -> dict[str, int]:
        references = [str(p.reference) for p in TASKS.get(task).load(data / name)]
        return {value: references.count(value) for value in sorted(set(references))}

    assert counts("folio", "folio/folio-train.jsonl") == {"False": 286, "True": 388, "Uncertain": 330}
    assert counts("folio", "folio/folio-validation.jsonl") == {"False": 63, "True": 72, "Uncertain": 69}
    assert counts("bbh_temporal_sequences", "bbh_temporal_sequences/temporal_sequences.json") == {"A": 71, "B": 50, "C": 64, "D": 65}
    assert counts("amc23", "amc2023/qwen25math_amc23_test.jsonl")["-1"] == 1
    levels = [p.meta["level"] for p in TASKS.get("math500").load(data / "math500/evalchemy_math500.jsonl")]
    assert [levels.count(level) for level in range(1, 6)] == [43, 90, 105, 128, 134]


def test_no_question_holds_a_canary(data: Path) -> None:
    for problem in TASKS.get("bbh_temporal_sequences").load(data / "bbh_temporal_sequences/temporal_sequences.json"):
        assert "canary" not in problem.question.lower()
        assert "BENCHMARK DATA" in str(problem.meta["canary"])
