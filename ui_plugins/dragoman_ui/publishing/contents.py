"""The content of each page of a site, from the server's view models and view functions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from markupsafe import Markup

from dragoman.analysis.caption import Caption
from dragoman.analysis.pair_scores import BASE
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System
from dragoman.metrics.lookup import digits_of, sentence_metric
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.reports.quoted import legend, named
from dragoman.reports.results import answers
from dragoman.tables.formats import as_json
from dragoman.tables.render import Form
from dragoman.tables.table import Decoration, Table
from dragoman_ui.pages.cell import model_table
from dragoman_ui.pages.compare import compared
from dragoman_ui.pages.grid import heat_map_with_tests, seen_and_unseen
from dragoman_ui.pages.rank import ranked
from dragoman_ui.publishing import provenance
from dragoman_ui.publishing.data_files import json_bytes, script
from dragoman_ui.publishing.privacy import public_table
from dragoman_ui.publishing.sentences import PairText
from dragoman_ui.publishing.site import Site
from dragoman_ui.publishing.site_map import CELL, COMPARE, GRID, INDEX, RANK, RANKED_OVER, Page
from dragoman_ui.responses.downloads import table_text
from dragoman_ui.viewmodels.candidates import rows_beside, side_by_side
from dragoman_ui.viewmodels.captions import measured
from dragoman_ui.viewmodels.decorations import SCOPES, scope_class
from dragoman_ui.viewmodels.error_labels import counted
from dragoman_ui.viewmodels.sentences import PairView
from dragoman_ui.viewmodels.view import Show, View, model_of, rival

Chosen = tuple[str, Sequence[tuple[str, Mapping[str, str | None]]], str]
"""A choice: its label, the options with what they change in the query, and the one that the page shows."""

SHOWS = {Show.SCORE: "score", Show.GAIN: "gain over the base", Show.PARTITION: "partition"}
"""What the tiles of a heat map show, in words."""


class Contents:
    """Renders the pages of a site one by one."""

    def __init__(self, site: Site) -> None:
        self.site, self.map, self.store = site, site.map, site.store
        self._tables: dict[ScoreQuestion, list[Table]] = {}
        self._pages: dict[str, Callable[[Page], dict[str, Any]]] = {
            INDEX: self._overview,
            GRID: self._heat_map,
            COMPARE: self._comparison,
            RANK: self._ranking,
        }

    def page(self, page: Page) -> str:
        """The HTML of a page but of a pair's.

        Raises:
            DragomanError: its numbers can't be computed.
        """
        with self.site.at(page):
            return self.site.render(page, **self._pages[page.endpoint](page))

    def pair(self, page: Page) -> tuple[str, PairText]:
        """The HTML of a pair's page, and the pair's sentences."""
        pair = Pair(page.query["source"], page.query["target"])
        names, name = self.map.names, PurePosixPath(page.file).stem
        view = View.of(self.store, page.query)
        by = sentence_metric(names.metrics) or names.metrics[0]
        rows = rows_beside(self.store, names, view, list(self.map.systems))
        text = side_by_side(self.store, self.site.record, rows, pair, by)
        found = PairView(
            pair=pair, candidates=tuple(text.candidates), found=len(text.sources), page=1, pages=1, prompt=None,
            segments=(), labels={each.model: counted(each.labels) for each in text.candidates},
        )  # fmt: skip
        with self.site.at(page), self.site.asked(CELL, page.query):
            table = model_table(view, found, self._is_shown)
        with self.site.at(page):
            signatures = Decoration(html=lambda row: breakable(row["signature"]), css=lambda row: "signature")
            table = table.decorated({"signature": signatures})
            html = self.site.render(
                page, pair=pair, name=name, models=table, by=by, sentences=len(text.sources),
                has_lines=any(each.lines for each in text.candidates), pairs=self.map.pairs[view.test_set],
                pages=PurePosixPath(self.map.lists[view.test_set]).stem, choices=self._pair_choices(page),
                quoted=self._legend(each.model for each in text.candidates),
            )  # fmt: skip
        return html, PairText(pair, name, text.sources, text.references, text.candidates, text.further, digits_of(by))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """The files that say which page is whose pair's, one for each test set."""
        for test_set, pairs in self.map.pairs.items():
            found = {}
            for pair in pairs:
                asked = {"source": pair.source, "target": pair.target, "test_set": test_set}
                if page := self.map.find(CELL, asked):
                    found[f"{pair.source} {pair.target}"] = page.file
            name = self.map.lists[test_set]
            yield name, script(PurePosixPath(name).stem, json_bytes(found))

    def data(self, question: ScoreQuestion) -> Iterator[tuple[str, str]]:
        """The files of a question's numbers: what `dragoman results` prints as JSON, and two tables as CSV."""
        tables = [public_table(table) for table in self._answers(question) if table.refusal is None]
        names = self.files_of(question)
        yield names["json"], as_json(tables, ascii_only=False)
        by_name = {table.name: table for table in tables}
        for name in ("partitions", "pairs"):
            yield names[name], table_text(by_name[name], Form.CSV)

    def files_of(self, question: ScoreQuestion) -> Mapping[str, str]:
        """The files of a question's numbers."""
        stem = self.map.stems[question]
        return {
            "json": f"data/results-{stem}.json",
            "partitions": f"data/partitions-{stem}.csv",
            "pairs": f"data/pairs-{stem}.csv",
        }

    def _is_shown(self, metric: str | None) -> bool:
        return metric is None or metric in {each.metric for each in self.map.questions}

    def _answers(self, question: ScoreQuestion) -> list[Table]:
        """The tables of `dragoman results`, which take a while: they are made once."""
        if question not in self._tables:
            models = list(dict.fromkeys(each.model for each in self.map.systems.values()))
            self._tables[question] = answers(self.store, question, models=models)
        return self._tables[question]

    def _without_show(self, page: Page) -> dict[str, str]:
        """The query of what is the same on all heat maps of a system, so that it is computed once."""
        return {key: value for key, value in page.query.items() if key != "show"}

    def _overview(self, page: Page) -> dict[str, Any]:
        question = self.site.question
        tables = {table.name: table for table in self._answers(question)}
        links = {**SCOPES, "model": Decoration(link=lambda row: self._scores(question, row))}
        heat_maps = [(self._said(system), self._heat_maps(question, system)) for system in self.map.systems.values()]
        comparisons = [
            (self._couple(system, other), self._link(COMPARE, question, system, against=other))
            for system, other in self.map.couples
        ]
        return {
            "choices": self._choices(INDEX),
            "question": question,
            "grid": self.site.record,
            "partitions": tables["partitions"].decorated(links, scope_class),
            "gap": tables["gap"],
            "heat_maps": heat_maps,
            "comparisons": comparisons,
            "files": self.files_of(question),
            "pairs": len(self.map.pairs.get(question.test_set, ())),
            "citation": provenance.citation(self.site.title, self.site.record, self._captions()),
        }

    def _captions(self) -> list[Caption]:
        """What all scores of the site were measured on."""
        return [each for question in self.map.questions for each in self.site.captions(question=question).values()]

    def _heat_map(self, page: Page) -> dict[str, Any]:
        view = View.of(self.store, page.query)
        system, shown = view.system, measured(self.store, view)
        return {
            "choices": self._choices(GRID, show=True),
            "view": view,
            "name": self.map.name_of(system),
            "said": self._said(system),
            "quoted": self.map.names.quoted.get(view.model),
            "grid": self.site.record,
            "model": model_of(self.store, self.site.record, view.model),
            "against": BASE,
            "size": self.site.size,
            "every_partition": Partition,
            "map": "" if self.site.size == "small" else self.site.part("map", page.query, heat_map_with_tests),
            "seen": self.site.part("seen", self._without_show(page), seen_and_unseen),
            "caption": shown.line,
            "measured": shown.on,
            "names": [self.map.name_of(system)],
        }

    def _comparison(self, page: Page) -> dict[str, Any]:
        view = View.of(self.store, page.query)
        against = rival(self.store, view, view.against)
        other = self.map.names.system(against, view.prompt)
        return {
            "choices": self._comparison_choices(page),
            "view": view.model_copy(update={"show": Show.DIFFERENCE, "against": against}),
            "name": self.map.name_of(view.system),
            "grid": self.site.record,
            "against": against,
            "size": self.site.size,
            "measured": measured(self.store, view).on,
            "compared": self.site.part("compared", page.query, compared),
            "names": [self.map.name_of(view.system), self.map.name_of(other)],
        }

    def _ranking(self, page: Page) -> dict[str, Any]:
        over = page.query["over"]
        return {
            "choices": self._choices(RANK, over=True),
            "over": over,
            "ranked": self.site.part("ranked", {**page.query, **self._chosen()}, ranked),
            "names": None,
        }

    def _chosen(self) -> dict[str, Any]:
        """The systems of a ranking, where not all of the grid are shown."""
        every, shown = self.map.names.systems, {each.model for each in self.map.systems.values()}
        if shown == {each.model for each in every}:
            return {}
        several = len(self.map.names.prompts) > 1
        return {"model": [each.within(each.grid) if several else each.model for each in every if each.model in shown]}

    def _choices(self, endpoint: str, *, show: bool = False, over: bool = False) -> Any:
        page, question = self.site.query, self.site.question
        fields: dict[str, Any] = self._questions(question)
        if show:
            own = self.map.names.system(page["model"], page.get("prompt"))
            systems = [
                (self._said(each), {"model": each.model, "prompt": each.prompt}) for each in self.map.systems.values()
            ]
            fields["system"] = ("System", systems, self._said(own))
            shown = Show(page.get("show") or Show.SCORE)
            fields["show"] = ("Colour", [(text, {"show": each.value}) for each, text in SHOWS.items()], SHOWS[shown])
        if over:
            scopes = [(f"{each} pairs", {"over": each}) for each in RANKED_OVER]
            fields["over"] = ("Over", scopes, f"{page['over']} pairs")
        return self.site.choices(endpoint, **fields)

    def _comparison_choices(self, page: Page) -> Any:
        couples = [
            (
                f"{self.map.name_of(system)} against {other}",
                {"model": system.model, "prompt": system.prompt, "against": other},
            )
            for system, other in self.map.couples
        ]
        system = self.map.names.system(page.query["model"], page.query.get("prompt"))
        own = self._couple(system, page.query["against"])
        return self.site.choices(COMPARE, **self._questions(self.site.question), systems=("Systems", couples, own))

    def _pair_choices(self, page: Page) -> Any:
        return self.site.choices(CELL, test_set=self._test_sets(self.map.question_of(page.query)))

    def _questions(self, question: ScoreQuestion) -> dict[str, Chosen]:
        """The choices among the questions: of the metric, and of the test set."""
        metrics = dict.fromkeys(each.metric for each in self.map.questions)
        options = [(metric, {"metric": metric}) for metric in metrics]
        return {"metric": ("Metric", options, question.metric), "test_set": self._test_sets(question)}

    def _test_sets(self, question: ScoreQuestion | None) -> Chosen:
        options = [(str(name), {"test_set": name}) for name in self.map.test_sets]
        return ("Test set", options, str(question and question.test_set))

    def _said(self, system: System) -> str:
        """What pages call a system, with the mark where its scores are quoted."""
        return named(self.map.name_of(system), self.map.names.quoted.get(system.model))

    def _legend(self, models: Iterable[str]) -> list[str]:
        """What the mark of quoted scores means, for those of some systems that have it."""
        shown = set(models)
        return legend(each for each in self.map.names.systems if each.model in shown)

    def _heat_maps(self, question: ScoreQuestion, system: System) -> list[tuple[str, str]]:
        """What a system's heat maps show, with the page of each."""
        links = [(words, self._link(GRID, question, system, show=show)) for show, words in SHOWS.items()]
        return [(words, link) for words, link in links if link]

    def _couple(self, system: System, other: str) -> str:
        return f"{self.map.name_of(system)} against {other}"

    def _link(self, endpoint: str, question: ScoreQuestion, system: System, **more: Any) -> str:
        return self.site.url_for(
            f"dragoman.{endpoint}", metric=question.metric, test_set=question.test_set, model=system.model,
            prompt=system.prompt, **more,
        )  # fmt: skip

    def _scores(self, question: ScoreQuestion, row: Mapping[str, Any]) -> str:
        return self._link(GRID, question, self.map.names.system(row["model"], row["prompt"]))


def breakable(signature: str | None) -> Markup:
    """A signature that lines may break after each of its fields."""
    return Markup("|<wbr>").join((signature or "-").split("|"))
