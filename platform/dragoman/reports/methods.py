"""A paragraph on methods for a paper: on what systems were evaluated and how, in Markdown or LaTeX."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from dragoman.analysis.caption import Caption
from dragoman.analysis.citations import OF_DRAGOMAN, OF_INTERVALS, cited, keys_of_corpus, keys_of_metric
from dragoman.analysis.segment_statistics import MOST_PAIRS
from dragoman.analysis.systems import System
from dragoman.metrics.resampling import SAMPLES
from dragoman.store.records import GridRecord
from dragoman.version import __version__


def methods_paragraph(captions: Mapping[System, Caption], grid: GridRecord, *, is_latex: bool = False) -> str:
    """What a paper has to say of numbers, from the store; what differs between systems is said with their names.

    Args:
        captions: what each system's scores were measured on.
        grid: the grid.
        is_latex: in LaTeX, with keys of `citations`; in Markdown otherwise.
    """
    found, latex = list(captions.values()), is_latex
    say, pairs = _escaped if latex else _plain, max((each.pairs for each in found), default=0)

    def cite(keys: Iterable[str]) -> str:
        return cited(list(dict.fromkeys(keys))) if latex else ""

    def named(of: Callable[[Caption], str]) -> str:
        said: dict[str, list[str]] = {}
        for system, caption in captions.items():
            said.setdefault(of(caption), []).append(system.within(system.grid))
        if len(said) == 1:
            return say(next(iter(said)))
        return "; ".join(f"{say(text)} ({say(', '.join(names))})" for text, names in said.items())

    metric = found[0].metric
    papers = cite(key for each in found for key in keys_of_corpus(each.corpus))
    bases = list(dict.fromkeys(each.base for each in found if each.base))
    days = list(dict.fromkeys(each.evaluated for each in found if each.evaluated))
    sentences = [
        f"We evaluated {_counted(len(captions), 'system')} on {pairs:,} directed pairs of "
        f"{_counted(len(grid.languages), 'language')} with Dragoman {say(__version__)}{cite([OF_DRAGOMAN])}"
        f"{f' ({days[-1]})' if days else ''}.",
        f"The test set is {named(_test_set)}{papers}: {named(lambda each: each.sentences)}.",
        f"Decoding: {named(lambda each: each.decoding)}. The prompt is {_code(found, latex)}.",
        f"We report {say(metric)}{cite(keys_of_metric(metric))} (signature {_typed(found[0].signature, latex)}); "
        "means weigh every pair alike and are given with the number of pairs that they are over.",
    ]
    if bases:
        sentences.append(
            f"Gains are over the base model {say(', '.join(bases))}, on the pairs that both have a score for."
        )
    if pairs <= MOST_PAIRS:
        sentences.append(
            f"Intervals are 95\\% percentile intervals of {SAMPLES:,} bootstrap resamples of the sentences"
            f"{cite(OF_INTERVALS)}; pairs that share sentences are resampled together, so that a mean over pairs is "
            "taken within each resample. They are about other sentences of this kind, on these pairs and checkpoints."
            if latex
            else f"Intervals are 95% percentile intervals of {SAMPLES:,} bootstrap resamples of the sentences (Koehn, "
            "2004); pairs that share sentences are resampled together, so that a mean over pairs is taken within each "
            "resample. They are about other sentences of this kind, on these pairs and checkpoints."
        )
    return " ".join(sentences) + "\n"


def _test_set(caption: Caption) -> str:
    """The test set with its whole revision."""
    named = "" if caption.test_set_name is None else f"{caption.test_set_name}, "
    only = f", only lines with {caption.lines}" if caption.lines else ""
    return f"{named}{caption.corpus} {caption.split}, revision {caption.revision}{only}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _code(captions: Sequence[Caption], latex: bool) -> str:
    return ", ".join(_typed(text, latex) for text in dict.fromkeys(repr(each.prompt) for each in captions))


def _typed(text: str, latex: bool) -> str:
    return f"\\texttt{{{_escaped(text)}}}" if latex else f"`{text}`"


def _plain(text: str) -> str:
    return text


def _escaped(text: str) -> str:
    from tabulate import LATEX_ESCAPE_RULES

    return text.translate({ord(character): rule for character, rule in LATEX_ESCAPE_RULES.items()})
