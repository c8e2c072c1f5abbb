"""Answers to claims: holds, fails or too few data, by p-values that are adjusted for the number of claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np

from dragoman.analysis.campaigns import grids_of
from dragoman.analysis.finding import Finding
from dragoman.claims.claim_file import Claim, ClaimFile
from dragoman.effects.campaign_scores import read_campaign
from dragoman.errors import StoreError
from dragoman.metrics.significance import adjusted
from dragoman.store.store import Store

ALPHA = 0.05
"""The level of significance where none is said."""


class Verdict(StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    """It is significant."""
    FAILS = "fails"
    """It is not, though there is enough to tell."""
    TOO_FEW = "too few data"
    """There is no estimate or p-value, or of too few, or the interval holds both what is claimed and what is not."""

    @property
    def mark(self) -> str:
        """A mark for tables."""
        return {"holds": "✓", "fails": "✗", "too few data": "?"}[self.value]


@dataclass(frozen=True)
class Answer:
    """A claim with what was found."""

    claim: Claim
    """The claim."""
    title: str
    """What is estimated, in words."""
    finding: Finding
    """The estimate."""
    p: float | None
    """One-sided p-value of the claim; two-sided where it is that the estimate differs."""
    adjusted: float | None
    """The p-value adjusted for the number of claims that were tested; None of one that was not."""
    alpha: float
    """The level."""
    verdict: Verdict
    """The answer."""
    why: str | None
    """What is to be said of the answer, as a sentence."""


def answered(store: Store, file: ClaimFile) -> list[Answer]:
    """Answer the claims of a file.

    Claims that can't be answered for want of scores are `too few data`, with the reason, and no part of the family that
    p-values are adjusted in.

    Raises:
        StoreError: there is no campaign or grid of a name.
    """
    for name in dict.fromkeys(str(claim.over) for claim in file.claims):
        grids_of(store, name)
    questions = [claim.made() for claim in file.claims]
    read = cache(read_campaign)
    findings = []
    for claim, question in zip(file.claims, questions, strict=True):
        try:
            findings.append(question.find(store, claim.asked()._replace(read=read)))
        except StoreError as error:
            findings.append(Finding(why=str(error)))
    p_values = [_p(claim, finding) for claim, finding in zip(file.claims, findings, strict=True)]
    is_tested = [
        p is not None and finding.n >= question.fewest
        for p, finding, question in zip(p_values, findings, questions, strict=True)
    ]
    family = _adjusted(file, p_values, is_tested)
    return [
        _answer(claim, question.title, finding, p, own)
        for claim, question, finding, p, own in zip(file.claims, questions, findings, p_values, family, strict=True)
    ]


def _p(claim: Claim, finding: Finding) -> float | None:
    """The p-value of the claim, of the two-sided one of the finding."""
    if finding.p is None or finding.estimate is None or claim.direction == "differs":
        return finding.p
    is_so = (finding.estimate > claim.value) == (claim.direction == "above")
    return finding.p / 2 if is_so else 1 - finding.p / 2


def _adjusted(file: ClaimFile, p_values: Sequence[float | None], is_tested: Sequence[bool]) -> list[float | None]:
    places = [place for place, tested in enumerate(is_tested) if tested]
    found: list[float | None] = [None] * len(p_values)
    values = adjusted(np.array([p_values[place] for place in places], np.float64), file.how).tolist() if places else []
    for place, value in zip(places, values, strict=True):
        found[place] = value
    return found


def _answer(claim: Claim, title: str, finding: Finding, p: float | None, own: float | None) -> Answer:
    alpha = ALPHA if claim.alpha is None else claim.alpha
    verdict, why = _verdict(claim, finding, p, own, alpha)
    return Answer(claim, title, finding, p, own, alpha, verdict, why)


def _verdict(
    claim: Claim, finding: Finding, p: float | None, own: float | None, alpha: float
) -> tuple[Verdict, str | None]:
    if own is None:
        return Verdict.TOO_FEW, finding.why or f"It is of {finding.n} {finding.of_what} alone."
    if own <= alpha:
        return Verdict.HOLDS, None
    low, high = finding.low, finding.high
    if low is None or high is None or finding.estimate is None:
        return Verdict.FAILS, None
    if claim.matters is not None and low <= claim.value <= high:
        sides = {"above": (1,), "below": (-1,), "differs": (1, -1)}[claim.direction]
        if any(low <= claim.value + side * claim.matters <= high for side in sides):
            return Verdict.TOO_FEW, f"The interval holds both {claim.value:g} and what would matter."
    if claim.direction != "differs" and finding.p is not None and finding.p <= alpha:
        other = "below" if claim.direction == "above" else "above"
        if (finding.estimate < claim.value) == (claim.direction == "above"):
            return Verdict.FAILS, f"It is {other} {claim.value:g}."
    if p is not None and p <= alpha:
        return (
            Verdict.FAILS,
            f"As the only claim it would be shown to be {_direction(claim)}; after Holm it is not.",
        )
    return Verdict.FAILS, f"It is not shown to be {_direction(claim)}."


def _direction(claim: Claim) -> str:
    return f"other than {claim.value:g}" if claim.direction == "differs" else f"{claim.direction} {claim.value:g}"
