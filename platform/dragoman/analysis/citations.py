"""Citations of what numbers rest on: Dragoman, the test sets, the metrics and the tests, as BibTeX.

The entries are in `citations.bib`; those of papers are the ACL Anthology's keys, titles, pages and DOIs
(https://aclanthology.org), or arXiv's numbers.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

from dragoman.analysis.caption import Caption
from dragoman.metrics.names import plugin_of
from dragoman.version import __version__

OF_DRAGOMAN = "dragoman"
"""The key of Dragoman's own entry."""

OF_INTERVALS = ("koehn-2004-statistical",)
"""The entry of the bootstrap that intervals are made by."""

OF_TESTS = ("riezler-maxwell-2005-pitfalls",)
"""The entry of the randomization test that differences are tested by."""

_SACREBLEU = "post-2018-call"

_OF_METRICS: dict[str, tuple[str, ...]] = {
    r"bleu": ("papineni-etal-2002-bleu", _SACREBLEU),
    r"chrf": ("popovic-2015-chrf", _SACREBLEU),
    r"chrf\+\+": ("popovic-2017-chrf", _SACREBLEU),
    r"ter": ("snover-etal-2006-study", _SACREBLEU),
    r"spbleu.*": ("goyal-etal-2022-flores", "papineni-etal-2002-bleu", _SACREBLEU),
    r"comet": ("rei-etal-2020-comet",),
    r"wmt22-comet-da": ("rei-etal-2022-comet",),
    r"wmt22-cometkiwi-da": ("rei-etal-2022-cometkiwi",),
    r"xcomet.*": ("guerreiro-etal-2024-xcomet",),
    r"bertscore": ("zhang-etal-2020-bertscore",),
    r"metricx.*": ("juraska-etal-2024-metricx",),
    r"gemba-da": ("kocmi-federmann-2023-large",),
    r"gemba-mqm|gemba-esa": ("kocmi-federmann-2023-gemba",),
}
"""The entries of metrics, by patterns of their plugins' names."""

_OF_CORPORA: dict[str, tuple[str, ...]] = {
    "bouquet": ("bouquet-2025",),
    "cldr": ("unicode-cldr",),
    "flores101": ("goyal-etal-2022-flores",),
    "flores200": ("nllb-2022", "goyal-etal-2022-flores"),
    "flores-plus": ("maillard-etal-2024-findings", "nllb-2022"),
    "ntrex": ("federmann-etal-2022-ntrex",),
    "opus-moses": ("tiedemann-2012-parallel",),
    "opus100": ("zhang-etal-2020-improving", "tiedemann-2012-parallel"),
    "sacrebleu": (_SACREBLEU,),
    "tico19": ("anastasopoulos-etal-2020-tico",),
    "wikimatrix": ("schwenk-etal-2021-wikimatrix",),
    "wmt24pp": ("deutsch-etal-2025-wmt24",),
}
"""The entries of kinds of corpora."""


def keys_of_metric(metric: str) -> tuple[str, ...]:
    """The keys of the papers of a metric; none where no paper is known."""
    name = plugin_of(metric).lower()
    return next((keys for pattern, keys in _OF_METRICS.items() if re.fullmatch(pattern, name)), ())


def keys_of_corpus(corpus: str) -> tuple[str, ...]:
    """The keys of the papers of a kind of corpus, which may have options after its name; none where none is known."""
    kind = re.split(r"[\s:({]", corpus, maxsplit=1)[0]
    return _OF_CORPORA.get(kind, ())


def citations(captions: Iterable[Caption], *, tested: bool = False) -> str:
    """BibTeX of what some numbers rest on; test sets and metrics of which no paper is known have an entry of their own.

    Args:
        captions: what the numbers were measured on.
        tested: whether differences of systems are tested.
    """
    listed, entries, keys = list(captions), [_own_entry()], dict[str, None]()
    for caption in listed:
        of_corpus, of_metric = keys_of_corpus(caption.corpus), keys_of_metric(caption.metric)
        keys |= dict.fromkeys((*of_corpus, *of_metric))
        if not of_corpus:
            entries.append(_unknown(f"test-set-{caption.corpus}", f"Test set {caption.test_set}"))
        if not of_metric:
            entries.append(_unknown(f"metric-{caption.metric}", f"Metric {caption.metric} ({caption.signature})"))
    keys |= dict.fromkeys((*OF_INTERVALS, *(OF_TESTS if tested else ())))
    return "\n".join(dict.fromkeys([*entries, *(_known()[key] for key in keys)]))


def cited(keys: Sequence[str]) -> str:
    """A citation in LaTeX; empty without keys."""
    return f"~\\citep{{{','.join(keys)}}}" if keys else ""


def _own_entry() -> str:
    return (
        f"@software{{{OF_DRAGOMAN},\n  title = {{Dragoman}},\n  author = {{{{The Dragoman contributors}}}},\n"
        f"  version = {{{__version__}}},\n}}\n"
    )


def _unknown(key: str, title: str) -> str:
    """An entry of what has no paper that is known here; braces and backslashes of others are left out."""
    name = re.sub(r"[^A-Za-z0-9-]+", "-", key).strip("-")
    shown = re.sub(r"[{}\\]", "", title).replace("_", r"\_").replace("%", r"\%").replace("#", r"\#").replace("&", r"\&")
    return f"@misc{{{name},\n  title = {{{{{shown}}}}},\n}}\n"


@cache
def _known() -> dict[str, str]:
    """The entries of `citations.bib` by key."""
    text = files("dragoman.analysis").joinpath("citations.bib").read_text(encoding="utf-8")
    entries = [f"@{part}" for part in re.split(r"^@", text, flags=re.MULTILINE) if part.strip()]
    return {entry.partition("{")[2].partition(",")[0]: f"{entry.strip()}\n" for entry in entries}
