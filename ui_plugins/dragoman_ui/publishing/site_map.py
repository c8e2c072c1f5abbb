"""The pages of a site: which ones there are, and the file of each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.pair_scores import BASE
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.view import Show

INDEX, GRID, COMPARE, RANK, CELL = "index", "grid", "compare", "rank", "cell"
"""Endpoints of the server's pages that a site has, without the blueprint's name."""

MOST_COMPARED = 6
"""Systems up to which every two are compared; of more, each only with the first and the second."""

RANKED_OVER = (ALL, "unseen")
"""The scopes that a site ranks systems over."""

_LONGEST = 120
"""Characters of a file's name without its ending."""

_UNSAFE = re.compile(r"[^a-z0-9.]+")


class Page(NamedTuple):
    """One page: a query of the server's, and the file that it becomes."""

    endpoint: str
    """The server's endpoint."""
    query: Mapping[str, str]
    """Its query parameters."""
    file: str
    """Path of the file in the site, with slashes."""


class SiteMap:
    """Every page of a site, by what links ask for."""

    def __init__(
        self,
        names: Names,
        questions: Sequence[ScoreQuestion],
        models: Sequence[str],
        pairs: Mapping[str | None, Sequence[Pair]],
    ) -> None:
        """Choose the pages.

        Args:
            names: the names of the grid.
            questions: the questions whose answers are shown, the first one first.
            models: the models that are shown, in the order of the grid.
            pairs: the pairs of each test set that have a page.
        """
        self.names, self.questions, self.pairs = names, tuple(questions), pairs
        self.test_sets = list(dict.fromkeys(each.test_set for each in self.questions))
        """The names of the test sets; only None where the grid has one."""
        several = {
            each.model for each in names.systems if len(names.prompts_of(each.model)) > 1 and not each.is_from_elsewhere
        }
        named = [
            each.within(names.grid) if each.model in several else each.model
            for each in names.systems
            if each.model in models
        ]
        self.systems = {name: names.system(name) for name in dict.fromkeys(named)}
        """The systems by the names that pages call them."""
        self.stems: dict[ScoreQuestion, str] = {}
        """What the names of the files of each question's numbers end in."""
        self._files: set[str] = set()
        self._pages: dict[tuple[object, ...], Page] = {}
        for question in self.questions:
            self._add_pages_of(question)
        self.lists = {
            test_set: self._file_of(_said("pages of pairs", test_set), "data/", "js") for test_set in self.test_sets
        }
        """The files that say which page is whose pair's, by test set."""
        for test_set, its in self.pairs.items():
            for pair in its:
                asked = {"source": pair.source, "target": pair.target, "grid": names.grid, "test_set": test_set}
                self._add(CELL, _said(f"{pair.source}-{pair.target}", test_set), asked, "pairs/")

    def __iter__(self) -> Iterator[Page]:
        """Every page, in an order that is always the same."""
        return iter(self._pages.values())

    def __len__(self) -> int:
        return len(self._pages)

    @property
    def couples(self) -> list[tuple[System, str]]:
        """The comparisons: a system, and the name of what it is compared with."""
        found: dict[tuple[System, System], str] = {}
        order = list(self.systems.values())
        for place, system in enumerate(order):
            before = order[: place if len(order) <= MOST_COMPARED else min(place, 2)]
            for name in self.names.rivals(system):
                if (other := self._rival(system, name)) in before:
                    found.setdefault((system, other), name)
        return [(system, name) for (system, _), name in found.items()]

    @property
    def ranked(self) -> int:
        """How many systems can be ranked; those whose scores are quoted can't."""
        return sum(each.model not in self.names.quoted for each in self.systems.values())

    def name_of(self, system: System) -> str:
        """The name that pages call a system."""
        return next((name for name, each in self.systems.items() if each == system), system.model)

    def question_of(self, values: Mapping[str, Any]) -> ScoreQuestion | None:
        """The question that the values of a link mean; the first by default, None where the site lacks it."""
        metric = values.get("metric") or self.questions[0].metric
        test_set = values.get("test_set") or self.questions[0].test_set
        return next((each for each in self.questions if (each.metric, each.test_set) == (metric, test_set)), None)

    def find(self, endpoint: str, values: Mapping[str, Any]) -> Page | None:
        """The page that a link of the server leads to; None where the site lacks it."""
        try:
            page = self._pages.get(self._key(endpoint, values))
            if page is None and endpoint == COMPARE:  # the same two the other way round
                system = self.names.system(str(values["model"]), values.get("prompt"))
                other = self._rival(system, str(values["against"]))
                turned = {**values, "model": other.model, "prompt": other.prompt, "against": system.within(system.grid)}
                page = self._pages.get(self._key(endpoint, turned))
        except (StoreError, KeyError):
            return None
        return page

    def _rival(self, system: System, name: str) -> System:
        return self.names.system(name, system.prompt)

    def _key(self, endpoint: str, values: Mapping[str, Any]) -> tuple[object, ...]:
        """What identifies a page: values that are left out are the defaults."""
        if endpoint == CELL:
            return (endpoint, values.get("test_set") or self.test_sets[0], values["source"], values["target"])
        question = self.question_of(values)
        key: tuple[object, ...] = (endpoint, question)
        if endpoint == RANK:
            return (*key, values.get("over") or ALL)
        if endpoint in (GRID, COMPARE):
            default = next((name for name in self.names.models if name != BASE), BASE)
            system = self.names.system(values.get("model") or default, values.get("prompt"))
            if endpoint == GRID:
                return (*key, system, str(values.get("show") or Show.SCORE.value))
            return (*key, system, self._rival(system, values["against"]))
        return key

    def _add_pages_of(self, question: ScoreQuestion) -> None:
        asked = {
            "grid": question.grid,
            "metric": question.metric,
            "signature": question.signature,
            "test_set": question.test_set,
        }
        said = _said(question.metric, question.test_set)
        results = self._file_of(f"results {said}", "data/", "json")
        self.stems[question] = results.removeprefix("data/results-").removesuffix(".json")
        self._add(INDEX, "index" if question == self.questions[0] else f"overview {said}", asked)
        for over in RANKED_OVER if self.ranked > 1 else ():
            self._add(RANK, f"ranking {said} {over}", {"over": over, **asked})
        for name, system in self.systems.items():
            for show in (Show.SCORE, Show.GAIN, Show.PARTITION):
                if show is not Show.GAIN or self._has_gain(system):
                    of_system = {"model": system.model, "prompt": system.prompt, "show": show.value}
                    self._add(GRID, f"{name} {said} {show}", {**of_system, **asked})
        for system, other in self.couples:
            of_both = {"model": system.model, "prompt": system.prompt, "against": other}
            self._add(COMPARE, f"{self.name_of(system)} against {other} {said}", {**of_both, **asked})

    def _has_gain(self, system: System) -> bool:
        return BASE in self.names.models and system.model != BASE and system.model not in self.names.quoted

    def _add(self, endpoint: str, name: str, values: Mapping[str, str | None], folder: str = "") -> None:
        query = {key: value for key, value in values.items() if value is not None}
        self._pages[self._key(endpoint, query)] = Page(endpoint, query, self._file_of(name, folder))

    def _file_of(self, name: str, folder: str = "", ending: str = "html") -> str:
        """A file that no other name has, on file systems that ignore case too, in characters that every host serves."""
        stem = _UNSAFE.sub("-", name.lower().replace("++", "pp")).strip("-.")[:_LONGEST] or "page"
        tried, number = stem, 1
        while (file := f"{folder}{tried}.{ending}") in self._files:
            number += 1
            tried = f"{stem}-{number}"
        self._files.add(file)
        return file


def _said(name: str, test_set: str | None) -> str:
    """A name with that of the test set, where there are several."""
    return name if test_set is None else f"{name} {test_set}"
