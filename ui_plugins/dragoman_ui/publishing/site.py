"""A Flask app whose pages are rendered into files: the server's view functions and templates, with links to files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, render_template

from dragoman.analysis.caption import Caption
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair
from dragoman.reports.results import captioned
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_ui.charts.heatmap import size_of
from dragoman_ui.pages import pages
from dragoman_ui.publishing import provenance
from dragoman_ui.publishing.data_files import script
from dragoman_ui.publishing.privacy import public
from dragoman_ui.publishing.site_map import CELL, INDEX, Page, SiteMap
from dragoman_ui.viewmodels.store import of_snapshot

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' file:",
        "style-src 'self' file:",
        "img-src 'self' file: data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Content-Security-Policy of every page: only the site's own files, and no inline script or style.

`file:` is for a site that is opened from a folder, whose origin some browsers take for none, so that nothing is its
own; a page from a web server can't load such an address anyway.
"""

PREFIX = "/dragoman"
"""Where the server's pages are mounted in the app, which nobody asks anything over a network."""

DRAWN = "drawn"
"""Endpoint of the pairs of a large grid as bytes."""

_STATIC = Path(str(pages.static_folder))
_OWN = Path(__file__).with_name("static")

ASSETS = (
    *(_STATIC / name for name in ("icon.svg", "pages.css", "heatmap.css", "pages.js", "drawn.js", "figure.js")),
    *(_STATIC / name for name in ("tables.js", "tiles.js", "axes.js", "matrix.js")),
    *(_OWN / name for name in ("site.css", "data.js", "sentences.js", "difference.js")),
)
"""The files that pages share."""


class Choice(NamedTuple):
    """One choice of a page, as links."""

    label: str
    """What is chosen."""
    options: Sequence[tuple[str, str]]
    """What there is to choose, and where it is shown."""
    chosen: str
    """What the page shows."""


class Site(Flask):
    """Renders pages; each address that a template or a view function asks for is a file, relative to the page."""

    def __init__(
        self, store: Store, site_map: SiteMap, *, title: str, has_sentences: bool, is_hidden: bool = False
    ) -> None:
        """Prepare the site.

        Args:
            store: one snapshot.
            site_map: the pages.
            title: the site's title.
            has_sentences: whether pages of pairs show sentences.
            is_hidden: ask search engines to leave the site out.
        """
        super().__init__("dragoman_ui.publishing", static_folder=None)
        self.store, self.map = store, site_map
        self.title, self.has_sentences, self.is_hidden = title, has_sentences, is_hidden
        self.record: GridRecord = store.grids.get(site_map.names.grid)
        self.size = size_of(len(self.record.languages))
        self.policy = POLICY
        self.drawings: dict[tuple[tuple[str, str], ...], str] = {}
        self._page: Page | None = None
        self._captions: dict[ScoreQuestion, dict[str, Caption]] = {}
        self.register_blueprint(pages, url_prefix=PREFIX)
        self.context_processor(lambda: {"published": self})

    def url_for(self, endpoint: str, /, **values: Any) -> str:  # type: ignore[override]
        """The file behind an endpoint, relative to the page that is rendered; empty where the site lacks it."""
        name = endpoint.rpartition(".")[2]
        if name == "static":
            return f"{self.root}assets/{values['filename']}"
        if name in ("state_styles", "state_script"):
            return f"{self.root}assets/states.{'css' if name == 'state_styles' else 'js'}"
        if name == DRAWN:
            key = tuple(sorted((each, str(value)) for each, value in values.items() if value is not None))
            return self.drawings.setdefault(key, f"drawing-{len(self.drawings) + 1}")
        values = {key: value[0] if isinstance(value, list) else value for key, value in values.items() if value != []}
        page = self.map.find(name, values)
        if page is None:
            return ""
        at = f"#label-{values['label']}" if values.get("label") and name == CELL else ""
        return f"{self.root}{page.file}{at}"

    @property
    def root(self) -> str:
        """The way from the page that is rendered to the site's folder."""
        return "../" * self._page.file.count("/") if self._page else ""

    @property
    def here(self) -> str:
        """The endpoint of the page that is rendered."""
        return self._page.endpoint if self._page else ""

    def pair(self, pair: Pair) -> str:
        """The file of a pair's page, relative to the page that is rendered."""
        return self.url_for(f"dragoman.{CELL}", source=pair.source, target=pair.target, test_set=self.question.test_set)

    def first(self, endpoint: str) -> str:
        """The first page of a kind for the question of the page that is rendered; empty where there is none."""
        question = self.question
        asked = replace(question, metric=self.map.questions[0].metric) if endpoint == CELL else question
        own = (each for each in self.map if each.endpoint == endpoint)
        page = next((each for each in own if self.map.question_of(each.query) == asked), None)
        return f"{self.root}{page.file}" if page else ""

    @property
    def query(self) -> Mapping[str, str]:
        """The query of the page that is rendered."""
        return self._page.query if self._page else {}

    @property
    def question(self) -> ScoreQuestion:
        """The question of the page that is rendered."""
        return self.map.question_of(self.query) or self.map.questions[0]

    def facts(self, names: Sequence[str] | None = None) -> list[tuple[str, list[str]]]:
        """The provenance of the page that is rendered: of some systems, or of all."""
        return provenance.facts(self.record, self.captions(names))

    def captions(self, names: Sequence[str] | None = None, question: ScoreQuestion | None = None) -> dict[str, Caption]:
        """What the scores of some systems, or of all, were measured on, by their names.

        Args:
            names: the systems' names; all by default.
            question: the question; by default that of the page that is rendered.
        """
        asked = question or self.question
        known = self._captions.get(asked)
        if known is None:
            models = list(dict.fromkeys(each.model for each in self.map.systems.values()))
            found = captioned(self.store, asked, models)
            known = self._captions[asked] = {
                self.map.name_of(self.map.names.system(each.model, each.prompt)): its for each, its in found.items()
            }
        return {name: caption for name, caption in known.items() if names is None or name in names}

    @contextmanager
    def asked(self, endpoint: str, query: Mapping[str, str]) -> Iterator[None]:
        """A request to one of the server's pages, answered from the snapshot."""
        path = f"{PREFIX}/{'' if endpoint == INDEX else endpoint}"
        with self.test_request_context(path, query_string=dict(query), environ_overrides=of_snapshot(self.store)):
            yield

    def part(self, endpoint: str, query: Mapping[str, str], view: Callable[[], Any]) -> str:
        """The answer of one of the server's view functions to a query."""
        with self.asked(endpoint, query):
            return str(self.make_response(view()).get_data(as_text=True))

    def render(self, page: Page, **context: Any) -> str:
        """The HTML of a page, without what must not be published.

        Args:
            page: the page.
            context: of its template.
        """
        with self.asked(page.endpoint, page.query):
            return public(render_template(f"published/{page.endpoint}.html", **context))

    @contextmanager
    def at(self, page: Page) -> Iterator[None]:
        """Make addresses relative to a page."""
        self._page = page
        try:
            yield
        finally:
            self._page = None

    def choices(self, endpoint: str, **fields: tuple[str, Sequence[tuple[str, Mapping[str, str | None]]], str]) -> Any:
        """Choices of the page that is rendered: those of which the site has more than one.

        Args:
            endpoint: that of the pages chosen from.
            fields: of each choice the label, the options with what they change in the query, and the chosen one.
        """
        own = dict(self.query)
        found = []
        for label, options, chosen in fields.values():
            links = [(text, self.url_for(f"dragoman.{endpoint}", **{**own, **changes})) for text, changes in options]
            if len(there := [(text, link) for text, link in links if link]) > 1:
                found.append(Choice(label, there, chosen))
        return found

    def drawing_files(self) -> Iterator[tuple[str, str]]:
        """The script files of the drawings that pages have asked for: their names, and their text."""
        from dragoman_ui.pages.grid import drawn

        for key, name in self.drawings.items():
            with self.asked("drawing", dict(key)):
                data = self.make_response(drawn()).get_data()
            yield f"data/{name}.js", script(name, data)
