"""Template mining beside Drain3 with its example masks: speed on the same lines, memory, quality on labelled logs."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl

from benchmarks.race import FOLDER, Row, Run, child, in_turn
from benchmarks.template_quality import behind, folder_of_loghub, scores
from tests.error_patterns.labelled_logs import labelled_logs

ROUNDS = 3
LINES, DRAIN_LINES = 2_000_000, 50_000
MASKED_BAR, WORDS_BAR, KNOWN_BAR, MEMORY_BAR = 20, 3, 1e6, 1024
ACCURACY_BAR, F1_BAR, BEHIND_BAR = 0.93, 0.90, 0.02
WHAT = {
    "loghub": "logs of Loghub", "drawn": "drawn logs", "held_out": "drawn logs that no rule has seen",
    "fresh": "later drawn logs that no rule has seen",
}  # fmt: skip
SHAPES = (
    "job {} of {} failed", "user {} has left {} for {}", "cannot open {} because {} was denied", "drop {} {} {} {}",
    "payment of {} by {} was declined: {} is not {}",
)  # fmt: skip


def rows() -> list[Row]:
    return [*_speed(), *_quality()]


def _speed() -> list[Row]:
    found = []
    for what, file, bar in (
        ("lines that masks collapse", _of_values(), MASKED_BAR), ("words as values only", _of_words(), WORDS_BAR)
    ):  # fmt: skip
        ours, known, drain = in_turn(
            ROUNDS,
            lambda file=file: child("benchmarks.templates_timed", "ours", file),
            lambda file=file: child("benchmarks.templates_timed", "known", file),
            lambda file=file: child("benchmarks.templates_timed", "drain", file, DRAIN_LINES),
        )
        ratio, in_cpu = (_median(ours, cpu) / _median(drain, cpu) for cpu in (False, True))
        rate, peak = _median(known, False), max(run.peak_mb for run in ours)
        print(
            f"  {what}: mined {_median(ours, False):,.0f} lines/s ({_median(ours, True):,.0f} a CPU second), known"
            f" {rate:,.0f} ({_median(known, True):,.0f}), Drain3 {_median(drain, False):,.0f}"
            f" ({_median(drain, True):,.0f}); {ours[0].said['templates']:.0f} templates; peak {peak:.0f} MB"
        )
        found += [
            Row(
                f"`mine_templates`, {LINES:,} {what} / Drain3 with masks, lines a second",
                f"≥ {bar} ×", f"{ratio:.0f} × (CPU: {in_cpu:.0f} ×)", ratio >= bar,
            ),
            Row(
                f"memory of it, {what}", f"≤ {MEMORY_BAR} MB", f"{peak:.0f} MB", peak <= MEMORY_BAR,
            ),
        ]  # fmt: skip
        if bar == MASKED_BAR:
            found.append(
                Row("`transform` of known lines", "≥ 1 M lines/s", f"{rate / 1e6:.2f} M lines/s", rate >= KNOWN_BAR)
            )
    return found


def _median(runs: list[Run], cpu: bool) -> float:
    rates = sorted(run.said["lines"] / (run.cpu_seconds if cpu else run.seconds) for run in runs)
    return rates[len(rates) // 2]


def _of_values() -> Path:
    """Lines of all makes in turn, as often as it takes."""
    file = FOLDER / "messages-values.parquet"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        drawn = pl.concat([log["error_message"] for _, log in labelled_logs(20_000)])
        whole = pl.concat([drawn] * -(-LINES // len(drawn))).sample(LINES, shuffle=True, seed=1)
        whole.to_frame().write_parquet(file)
    return file


def _of_words() -> Path:
    """Lines of a few templates with random words, nearly all distinct."""
    file = FOLDER / "messages-words.parquet"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        chance = random.Random(1)
        letters = "abcdefghijklmnopqrstuvwxyz"
        words = ["".join(chance.choices(letters, k=chance.randint(3, 10))) for _ in range(30_000)]
        lines = [shape.format(*chance.choices(words, k=4)) for shape in chance.choices(SHAPES, k=LINES)]
        pl.DataFrame({"error_message": lines}).write_parquet(file)
    return file


def _quality() -> list[Row]:
    found = scores(folder_of_loghub())
    rows = []
    for (name_of_set,), part in found.group_by("set", maintain_order=True):
        print(part)
        accuracy, f1, worst = part.select(pl.col("GA", "FGA").mean(), worst=behind().max()).row(0)
        if name_of_set == "tuning":  # rules were made on these: they show nothing
            continue
        what = f"{part.height} {WHAT[str(name_of_set)]}"
        rows += [
            Row(f"grouping accuracy, mean of {what}", f"≥ {ACCURACY_BAR}", f"{accuracy:.3f}", accuracy >= ACCURACY_BAR),
            Row(f"F1 of groups, mean of {what}", f"≥ {F1_BAR}", f"{f1:.3f}", f1 >= F1_BAR),
            Row(f"the one of {what} on which GA or FGA is furthest below Drain3", f"≤ {BEHIND_BAR}",
                f"{max(worst, 0.0):.3f}", worst <= BEHIND_BAR),
        ]  # fmt: skip
    return rows
