"""Languages in the codes of data sets: ISO 639-3 with the script of ISO 15924 (``deu_Latn``)."""

from functools import cache

import langcodes

from dragoman.pair import Pair
from dragoman.script import likely_script


@cache
def code_with_script(tag: str, joint: str = "_") -> str:
    """A canonical tag as FLORES and others write it: ``deu_Latn`` for ``de``; a region stays, ``por_Latn_PT``."""
    language = langcodes.Language.get(tag)
    parts = (language.to_alpha3(), likely_script(tag), language.territory)
    return joint.join(filter(None, parts))


def pair_with_scripts(pair: Pair) -> str:
    """A pair in these codes: ``deu_Latn-eng_Latn``."""
    return "-".join(code_with_script(tag) for tag in pair)
