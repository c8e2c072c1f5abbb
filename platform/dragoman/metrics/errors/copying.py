"""Copies of the source."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from rapidfuzz.distance import Indel

from dragoman.metrics.errors.tokens import tokens

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

ALIKE = 0.9
"""Likeness (twice what is common by the length of both) from which a text is a copy of its source."""

BLEU_OF_COPY = 50
"""Sentence BLEU against the source above which a text is a copy too, as in the mFTI paper's code."""

_MAY_HAVE_BLEU = 0.4
"""Likeness below which BLEU is not computed: so little in common gives no such BLEU."""

_FEWEST = 4
"""Tokens from which BLEU is looked at: of fewer it says little."""


@lru_cache(maxsize=20_000)  # a reference is looked at once for all models
def is_copy(text: str, source: str) -> bool:
    """Whether a text is its source, nearly so, or has most of its n-grams."""
    likeness = Indel.normalized_similarity(text.casefold(), source.casefold(), score_cutoff=_MAY_HAVE_BLEU)
    if likeness >= ALIKE:
        return True
    words = [token.text for token in tokens(text)]
    if likeness < _MAY_HAVE_BLEU or len(words) < _FEWEST:
        return False
    score = _bleu().sentence_score(" ".join(words), [" ".join(token.text for token in tokens(source))])
    return bool(score.score > BLEU_OF_COPY)


@cache
def _bleu() -> "BLEU":
    """BLEU of tokens that are already parted, whatever the script."""
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize="none", effective_order=True)
