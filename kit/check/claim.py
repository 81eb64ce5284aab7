"""Claims: what everyone says, settled by numbers under sentences that were written down before any run.

The notebook hands over one number for each independent repetition. What is asked of them stands in
data/sentences.csv, and `kit.check.sentences` judges them; no bar, case or outcome is typed beside a result.

Taught in: every notebook
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from IPython.display import display

from kit.arguments import instance, several, shown
from kit.check.card import BLUE, GREEN, GREY, ORANGE, RED, Card
from kit.check.progress import record
from kit.check.sentences import (
    FAILS,
    HOLDS,
    IN_PART,
    NOT_HERE,
    NOT_SHOWN,
    Lacking,
    Result,
    Sentence,
    judge,
    sentences,
    together,
)
from kit.check.strips import picture, strips
from kit.files import data_file

Evidence = Any  # numbers, Lacking, or a mapping from each case to either
MIME = "application/vnd.learnkit.verdict+json"  # what `python run.py claims` reads in a stored notebook
_COLORS = {HOLDS: GREEN, IN_PART: ORANGE, FAILS: RED, NOT_SHOWN: GREY, NOT_HERE: GREY}
_SIGNS = {HOLDS: "✓", IN_PART: "◐", FAILS: "✗", NOT_SHOWN: "?", NOT_HERE: "–"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict(Card):
    """A settled claim: shown, it is a card and a picture of its repetitions.

    Args:
        outcome: "holds", "holds in part", "fails", "not shown" or "not settled here".
        judged: each sentence with the results of its cases.
        table: the same as plain data.
    """

    outcome: str
    judged: tuple[tuple[Sentence, tuple[Result, ...]], ...]
    table: dict[str, Any]

    def _ipython_display_(self) -> None:
        display({"text/plain": repr(self), "text/html": self._repr_html_(), MIME: self.table}, raw=True)
        figure = strips(self.judged)
        if figure:
            display(
                {"text/plain": f"<the repetitions of {self.table['claim']}>", "image/png": picture(figure)}, raw=True
            )


def claims() -> dict[str, str]:
    """Read the claims of data/claims.csv: identifier to sentence."""
    return {row["id"]: row["claim"] for row in _rows()}


def settle(claim: str, evidence: Mapping[str, Evidence], *, scope: str = "", fewer: str = "") -> Verdict:
    """Settle a claim by its sentences in data/sentences.csv.

    Args:
        claim: its identifier in data/claims.csv.
        evidence: for each sentence's identifier a number for each repetition, or a mapping from each of its cases
            to such numbers; `Lacking("needs an NVIDIA GPU")` where this machine cannot give them.
        scope: how far the verdict reaches, beyond what data/claims.csv says of it: "68,000 parameters".
        fewer: why there are fewer repetitions than planned; without it they are refused.

    Raises:
        TypeError: if the evidence is no mapping, or holds what are no numbers.
        ValueError: if the claim is unknown, a sentence or a case is left out or unknown, repetitions are fewer
            than planned, or numbers are none that the sentence can have.
    """
    known = {row["id"]: row for row in _rows()}
    if not isinstance(claim, str) or claim not in known:
        raise ValueError(f"claim must be an identifier in data/claims.csv, got {shown(claim)}")
    instance("evidence", evidence, Mapping)
    instance("scope", scope, str)
    instance("fewer", fewer, str)
    rows = sentences()[claim]
    _same("evidence", [row.id for row in rows], list(evidence), "sentence")
    judged = tuple((row, _judged(row, evidence[row.id], fewer=fewer)) for row in rows)
    outcomes = [together([result.outcome for result in results]) for _, results in judged]
    outcome = together(outcomes)
    reach = "; ".join(part for part in (known[claim]["scope"], scope) if part)
    lines = [
        line
        for (row, results), each in zip(judged, outcomes, strict=True)
        for line in _lines(row, results, each, fewer)
    ]
    kept = record({"kind": "claim", "claim": claim, "verdict": outcome})
    table = {
        "claim": claim,
        "outcome": outcome,
        "scope": reach,
        "sentences": [_data(row, results, each) for (row, results), each in zip(judged, outcomes, strict=True)],
    }
    return Verdict(
        color=_COLORS[outcome],
        heading=f"{claim} {outcome}: “{known[claim]['claim']}”",
        lines=(*lines, f"Reaches: {reach}", *kept),
        outcome=outcome,
        judged=judged,
        table=table,
    )


def finding(text: str) -> Card:
    """Show what else was seen; it decides nothing.

    Raises:
        TypeError, ValueError: if `text` is not a text, or is empty.
    """
    instance("text", text, str)
    if not text.strip():
        raise ValueError("text must say what was seen, got an empty one")
    return Card(color=BLUE, heading="Finding, which decides nothing", lines=(text,))


def _rows() -> list[dict[str, str]]:
    with data_file("claims.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _judged(row: Sentence, given: Evidence, *, fewer: str) -> tuple[Result, ...]:
    """Judge every case of a sentence."""
    if isinstance(given, Lacking) and not row.cases:
        return (Result(case="", outcome=NOT_HERE, lacking=given.what),)
    if isinstance(given, Lacking):
        given = dict.fromkeys(row.cases, given)
    if row.cases == ("",) and not isinstance(given, Mapping):
        given = {"": given}
    if not isinstance(given, Mapping):
        raise ValueError(f"evidence of {row.id} must be a mapping of its cases, {_some(row.cases)}; got {shown(given)}")
    if row.cases:
        _same(f"evidence of {row.id}", row.cases, list(given), "case")
    elif len(given) < row.n_cases:
        raise ValueError(f"evidence of {row.id} must have at least {row.n_cases} cases, got {len(given)}")
    results = []
    for case in row.cases or given:
        numbers, place = given[case], f"evidence of {row.id}{f', {case}' if case else ''}"
        if isinstance(numbers, Lacking):
            results.append(Result(case=case, outcome=NOT_HERE, lacking=numbers.what))
            continue
        several(place, numbers)
        try:
            result = judge(row, case, numbers if isinstance(numbers, np.ndarray) else list(numbers))
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("numbers of", "evidence of", 1)) from None
        if len(result.numbers) < row.planned and not fewer:
            raise ValueError(f"{place} must have the {row.planned} repetitions that are planned, or `fewer` must say "
                             f"why not; got {len(result.numbers)}")  # fmt: skip
        results.append(result)
    return tuple(results)


def _same(place: str, wanted: Sequence[str], given: list[Any], what: str) -> None:
    missing, unknown = [each for each in wanted if each not in given], [each for each in given if each not in wanted]
    if missing:
        raise ValueError(f"{place} must have every {what}: {missing[0]!r} is left out, of {_some(wanted)}")
    if unknown:
        raise ValueError(f"{place} must have no {what} but {_some(wanted)}; got {shown(unknown[0])}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _lines(row: Sentence, results: Sequence[Result], outcome: str, fewer: str) -> list[str]:
    heading = f"{_SIGNS[outcome]} {row.id} {outcome}: {row.text}"
    if len(results) == 1 and not results[0].case:
        return [heading, f"    {row.rule}: {_words(row, results[0], fewer)}"]
    each = [f"    {_SIGNS[r.outcome]} {r.case} {r.outcome}: {_words(row, r, fewer)}" for r in results]
    return [heading, f"    {row.rule}", *each]


def _words(row: Sentence, result: Result, fewer: str) -> str:
    """Say what a result rests on: the estimate, its interval, the repetitions, and the margin."""
    if result.lacking:
        return result.lacking
    n = len(result.numbers)
    many = f"{n:,} repetition{'s' * (n != 1)}" if n >= row.planned else f"{n} of {row.planned} repetitions planned"
    many += f" ({fewer})" if n < row.planned else ""
    if not result.interval:
        ends = sorted(dict.fromkeys(map(_short, (min(result.numbers), max(result.numbers)))), key=len)
        return f"counted: {' to '.join(ends)}; {many}"
    at = result.interval
    margin = "all alike" if math.isinf(result.margin or 0) else f"margin ≈{abs(result.margin or 0):.1f} standard errors"
    return f"≈{_short(at.estimate)}, 95% interval ≈{_short(at.low)} to ≈{_short(at.high)}; {many}; {margin}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e6 else f"{number:.3g}"


def _data(row: Sentence, results: Sequence[Result], outcome: str) -> dict[str, Any]:
    return {
        "id": row.id, "sentence": row.text, "rule": row.rule, "outcome": outcome,
        "cases": [_case_data(row, result) for result in results],
    }  # fmt: skip


def _case_data(row: Sentence, result: Result) -> dict[str, Any]:
    at, numbers, margin = result.interval, result.numbers, result.margin
    ends = (at.estimate, at.low, at.high) if at else (None, min(numbers), max(numbers)) if numbers else (None,) * 3
    estimate, low, high = (None if end is None else float(f"{end:.4g}") for end in ends)
    return {
        "case": result.case, "outcome": result.outcome, "estimate": estimate, "low": low, "high": high,
        "repetitions": len(numbers), "planned": row.planned, "lacking": result.lacking,
        "margin": None if margin is None or math.isinf(margin) else float(f"{margin:.2g}"),
    }  # fmt: skip
