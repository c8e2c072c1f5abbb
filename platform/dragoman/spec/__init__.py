"""The grid specification: what a user writes, typed and checked."""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.errors import SpecError
    from dragoman.spec.base import SpecModel
    from dragoman.spec.baseline import Baseline
    from dragoman.spec.contamination import Contamination
    from dragoman.spec.corpus import CorpusChoice, CorpusOptions
    from dragoman.spec.decoding import Decoding
    from dragoman.spec.examples import SharedExamples
    from dragoman.spec.filters import Filters
    from dragoman.spec.finetuning import Finetuning
    from dragoman.spec.grid import Base, Evaluation, GridSpec
    from dragoman.spec.loading import load_campaign, load_spec
    from dragoman.spec.method import Full, Lora
    from dragoman.spec.missing import Pivot
    from dragoman.spec.monolingual import Monolingual
    from dragoman.spec.pairs import PairChoice, Roles
    from dragoman.spec.pivot_translation import PivotTranslation
    from dragoman.spec.promotion import Promotion, Rule, ScopeChampion
    from dragoman.spec.prompt import Chat, Demonstrations, EvaluationPrompt, Prompt
    from dragoman.spec.quoted import QuotedScores
    from dragoman.spec.translations import Translations

__all__ = [
    "Base",
    "Baseline",
    "Chat",
    "Contamination",
    "CorpusChoice",
    "CorpusOptions",
    "Decoding",
    "Demonstrations",
    "Evaluation",
    "EvaluationPrompt",
    "Filters",
    "Finetuning",
    "Full",
    "GridSpec",
    "Lora",
    "Monolingual",
    "PairChoice",
    "Pivot",
    "PivotTranslation",
    "Promotion",
    "Prompt",
    "QuotedScores",
    "Roles",
    "Rule",
    "ScopeChampion",
    "SharedExamples",
    "SpecError",
    "SpecModel",
    "Translations",
    "load_campaign",
    "load_spec",
]

_NAMES = {
    "dragoman.errors": ("SpecError",),
    "dragoman.spec.base": ("SpecModel",),
    "dragoman.spec.baseline": ("Baseline",),
    "dragoman.spec.contamination": ("Contamination",),
    "dragoman.spec.corpus": (
        "CorpusChoice",
        "CorpusOptions",
    ),
    "dragoman.spec.decoding": ("Decoding",),
    "dragoman.spec.examples": ("SharedExamples",),
    "dragoman.spec.filters": ("Filters",),
    "dragoman.spec.finetuning": ("Finetuning",),
    "dragoman.spec.grid": (
        "Base",
        "Evaluation",
        "GridSpec",
    ),
    "dragoman.spec.loading": (
        "load_campaign",
        "load_spec",
    ),
    "dragoman.spec.method": (
        "Full",
        "Lora",
    ),
    "dragoman.spec.missing": ("Pivot",),
    "dragoman.spec.monolingual": ("Monolingual",),
    "dragoman.spec.pairs": (
        "PairChoice",
        "Roles",
    ),
    "dragoman.spec.pivot_translation": ("PivotTranslation",),
    "dragoman.spec.promotion": (
        "Promotion",
        "Rule",
        "ScopeChampion",
    ),
    "dragoman.spec.prompt": (
        "Chat",
        "Demonstrations",
        "EvaluationPrompt",
        "Prompt",
    ),
    "dragoman.spec.quoted": ("QuotedScores",),
    "dragoman.spec.translations": ("Translations",),
}

__getattr__ = lazy_exports(__name__, _NAMES)
