"""Claims as something one runs: statements about campaigns with a question, a direction and a level, each answered."""

from dragoman.analysis.finding import Finding
from dragoman.claims.claim_file import Claim, ClaimFile, ClaimsError, read_claims
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.claims.verdicts import Answer, Verdict, answered

__all__ = [
    "Answer",
    "Asked",
    "Claim",
    "ClaimFile",
    "ClaimsError",
    "Finding",
    "Question",
    "QuestionOptions",
    "Verdict",
    "answered",
    "read_claims",
]
