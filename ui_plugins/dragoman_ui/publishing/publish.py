"""Publish a grid: choose the pages, render each, and write the site."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dragoman.analysis.caption import caption_of
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.pair import Pair
from dragoman.reading import read_bytes
from dragoman.reports.choices import chosen_metric, chosen_models
from dragoman.store.store import Store
from dragoman.version import __version__
from dragoman_ui.charts.heatmap import MEDIUM
from dragoman_ui.pages.states import script as state_script
from dragoman_ui.pages.states import styles as state_styles
from dragoman_ui.publishing.contents import Contents
from dragoman_ui.publishing.folder import PublishError, SiteFolder
from dragoman_ui.publishing.privacy import public
from dragoman_ui.publishing.provenance import against_republishing
from dragoman_ui.publishing.sentences import PairText, SentenceFiles
from dragoman_ui.publishing.site import ASSETS, Site
from dragoman_ui.publishing.site_map import CELL, INDEX, SiteMap
from dragoman_ui.viewmodels.systems import Names

Advance = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What to publish of a grid."""

    grid: str
    """Name of the grid."""
    metrics: Sequence[str] = ()
    """Names of metrics; all of the grid by default."""
    models: Sequence[str] = ()
    """Names of models; all of the grid by default."""
    test_sets: Sequence[str] = ()
    """Names of test sets; all of the grid by default."""
    signature: str | None = None
    """Text that the signatures must hold, where a metric has several."""
    sentences: bool | None = None
    """Whether to publish sources, references and hypotheses; None: unless a corpus's terms are against it."""
    title: str | None = None
    """Title of the site; the grid's name by default."""
    is_hidden: bool = False
    """Ask search engines to leave the site out."""


class Published(NamedTuple):
    """What was published."""

    files: int
    """Number of files."""
    bytes: int
    """Their size."""
    pages: int
    """How many of them are pages."""
    pairs: int
    """Pairs that have a page."""
    has_sentences: bool
    """Whether those have sentences."""


def publish(store: Store, asked: Publication, folder: SiteFolder, advance: Advance) -> Published:
    """Write a grid's site.

    Args:
        store: one snapshot of the store.
        asked: what to publish.
        folder: where; nothing is there until all is written.
        advance: told of the progress.

    Raises:
        StoreError: the grid, a metric, a model or a test set is unknown, or scores can't be compared.
        PublishError: the corpus's terms are against publishing sentences and nothing was said of them, or the folder
            can't be written.
    """
    questions = questions_of(store, asked)
    models = chosen_models(store, asked.grid, asked.models)
    pairs = _pairs_with_pages(store, questions, models[0])
    count = sum(map(len, pairs.values()))
    has_sentences = _publishes_sentences(store, asked, questions, count > 0)
    site_map = SiteMap(Names.of(store, asked.grid), questions, models, pairs)
    title = asked.title or asked.grid
    site = Site(store, site_map, title=title, has_sentences=has_sentences, is_hidden=asked.is_hidden)
    contents = Contents(site)
    _write_pages(contents, folder, advance)
    _write_pairs(contents, folder, advance)
    for question in questions:
        for name, text in contents.data(question):
            folder.write(name, text)
    for name, text in site.drawing_files():
        folder.write(name, text)
    for name, text in contents.pairs():
        folder.write(name, text)
    _write_assets(site, folder)
    about = {"grid": asked.grid, "title": title, "dragoman": __version__}
    folder.finish({key: public(value) for key, value in about.items()})
    return Published(len(folder.hashes), folder.bytes, len(site_map), count, has_sentences)


def questions_of(store: Store, asked: Publication) -> list[ScoreQuestion]:
    """The questions that a site answers, each a metric on a test set; the grid's first metric and test set first.

    Raises:
        StoreError: the grid, a metric or a test set is unknown, or it has no scores.
    """
    first = chosen_metric(store, asked.grid, None)
    wanted = [chosen_metric(store, asked.grid, metric) for metric in dict.fromkeys(asked.metrics)]
    names = Names.of(store, asked.grid)
    chosen = [names.test_set(name) for name in dict.fromkeys(asked.test_sets)]
    test_sets = list(dict.fromkeys(chosen or [names.test_set(name) for name in names.test_sets] or [None]))
    return [
        ScoreQuestion(asked.grid, metric, signature=asked.signature, test_set=test_set)
        for test_set in test_sets
        for metric in wanted or names.metrics or [first]
    ]


def _pairs_with_pages(store: Store, questions: Sequence[ScoreQuestion], model: str) -> dict[str | None, Sequence[Pair]]:
    """The pairs of each test set; none of a grid of so many languages that its heat map is a drawing."""
    if len(store.grids.get(questions[0].grid).languages) > MEDIUM:
        return {}
    firsts = {each.test_set: each for each in reversed(questions)}
    return {
        test_set: [score.pair for score in pair_scores(store, firsts[test_set], model=model)]
        for test_set in dict.fromkeys(each.test_set for each in questions)
    }


def _publishes_sentences(store: Store, asked: Publication, questions: Sequence[ScoreQuestion], has_pairs: bool) -> bool:
    if asked.sentences and not has_pairs:
        raise PublishError(
            f"'{asked.grid}' has more than {MEDIUM} languages: a site of it has no page for each pair, and so no "
            "sentences. Leave out --sentences."
        )
    if asked.sentences is not None:
        return asked.sentences
    for kind in dict.fromkeys(caption_of(store, question).corpus for question in questions):
        if has_pairs and (terms := against_republishing(kind)):
            raise PublishError(
                f"'{asked.grid}' is tested on {kind}. {terms} Publish its scores with --no-sentences, or "
                "all with --sentences where no crawler comes."
            )
    return has_pairs


def _write_pages(contents: Contents, folder: SiteFolder, advance: Advance) -> None:
    wanted = [page for page in contents.map if page.endpoint != CELL]
    for done, page in enumerate(wanted):
        advance("pages", done, len(wanted))
        folder.write(page.file, contents.page(page))
    advance("pages", len(wanted), len(wanted))


def _write_pairs(contents: Contents, folder: SiteFolder, advance: Advance) -> None:
    """The pages of pairs with their sentences, target by target, as pairs into a language share its words."""
    by_target = defaultdict(list)
    for page in contents.map:
        if page.endpoint == CELL:
            by_target[page.query["target"]].append(page)
    files, done, total = SentenceFiles(folder.write), 0, sum(map(len, by_target.values()))
    for target, found in by_target.items():
        texts: list[PairText] = []
        for page in found:
            advance("pairs", done, total)
            html, text = contents.pair(page)
            folder.write(page.file, html)
            texts += [text] if any(each.lines for each in text.candidates) else []
            done += 1
        if contents.site.has_sentences:
            files.add(target, texts)
    advance("pairs", total, total)


def _write_assets(site: Site, folder: SiteFolder) -> None:
    for path in ASSETS:
        folder.write(f"assets/{path.name}", read_bytes(path))
    with site.asked(INDEX, {"grid": site.record.name}):
        folder.write("assets/states.css", state_styles(CellState))
        folder.write("assets/states.js", state_script(CellState))
