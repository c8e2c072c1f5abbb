"""The folder of a test set as WMT and mt-metrics-eval lay it out, with the outputs of many systems.

`sources/LP.txt`, `references/LP.NAME.txt` and `system-outputs/LP/SYSTEM.txt`, line by line alike, where `LP` is a pair
such as `en-de` (google-research/mt-metrics-eval, README.md, "File organization and naming convention").
"""

import re
from collections import defaultdict
from collections.abc import Collection

from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import pair_of
from dragoman.errors import nearest
from dragoman.language import tags_as_they_are
from dragoman.pair import Pair
from dragoman.spec.translations import Translations
from dragoman.translations.base import TranslationError
from dragoman.translations.text_files import TextFiles

OUTPUTS = "system-outputs/"
"""The folder that tells the layout."""

_OUTPUT = re.compile(r"(?:(?P<set>.*)/)?system-outputs/(?P<pair>[^/]+)/(?P<system>[^/]+)\.txt")
_REFERENCE = re.compile(r"(?:(?P<set>.*)/)?references/(?P<pair>[^/]+)\.(?P<system>[^./]+)\.txt")


def open_wmt(key: str, choice: Translations, name: str, languages: Collection[str]) -> TextFiles:
    """The outputs of one system of a WMT folder, or one of its references.

    Args:
        key: where the folder was given, for errors.
        choice: the folder and the system.
        name: the system's name where the choice has none.
        languages: tags that are taken as they are.

    Raises:
        CorpusError: there is no such folder.
        TranslationError: it holds several test sets, or no such system.
    """
    files = Files(key, choice.placed(choice.path), "a folder with system-outputs/LP/SYSTEM.txt in it")
    system = choice.system or name
    found: defaultdict[str, dict[Pair, str]] = defaultdict(dict)
    sets: dict[str, None] = {}
    with tags_as_they_are(languages):
        # an output of that name comes before a reference
        for layout in (_REFERENCE, _OUTPUT):
            for each in files.names:
                if (match := layout.fullmatch(each)) and (pair := pair_of(match["pair"])):
                    sets[match["set"] or ""] = None
                    found[match["system"]][pair] = each
    files.require(found, "system-outputs/LP/SYSTEM.txt")
    if len(sets) > 1:
        raise TranslationError(
            f"{key} is '{files.url}': it holds {len(sets)} test sets ({', '.join(sorted(sets))}); give one's."
        )
    if system not in found:
        raise TranslationError(f"{key} is '{files.url}': it has no system '{system}'; {nearest(system, found)}")
    above = "".join(f"{each}/" for each in sets if each)
    sources = {}
    for pair, output in found[system].items():
        match = _OUTPUT.fullmatch(output) or _REFERENCE.fullmatch(output)
        source = f"{above}sources/{match['pair']}.txt" if match else ""
        if source in files.names:
            sources[pair] = (files, source)
    return TextFiles(files, found[system], sources)
