"""View model of the runs of a grid, or of its campaign."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.campaigns import siblings
from dragoman.analysis.caption import Caption, caption_line, caption_of
from dragoman.analysis.run_table import MOST_CELLS, Run
from dragoman.analysis.run_table import runs as runs_of
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.shared_pairs import ScopePairs, note_on_pairs, pairs_by_scope, shared_pairs
from dragoman.analysis.systems import System
from dragoman.errors import StoreError
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names, one_of
from dragoman_ui.viewmodels.view import lines_asked

UP = {"score": "score", "gain": "gain over the base"}
"""The quantities that the chart may show."""


class AskedRuns:
    """The query parameters of the runs of a grid, or of its campaign.

    Raises:
        StoreError: something named is not there.
    """

    def __init__(self, arguments: Mapping[str, str]) -> None:
        store = open_store()
        self.grid = arguments.get("grid", "")
        self.grids = siblings(store, self.grid)
        self.name = store.grids.get(self.grid).spec.get("campaign") or self.grid
        names = Names.of(store, self.grid)
        self.metrics, self.prompts, self.test_sets = names.metrics, names.prompts, list(names.test_sets)
        complaint = f"Grid '{self.grid}' has no metric"
        self.metric = one_of(complaint, arguments.get("metric") or names.metrics[0], names.metrics)
        self.scope = one_of("There is no partition", arguments.get("scope") or "unseen", SCOPES)
        self.up = one_of("The chart can't show", arguments.get("up") or "score", UP)
        self.signature = arguments.get("signature") or None
        self.test_set = names.test_set(arguments.get("test_set"))
        self.lines = lines_asked(arguments)
        wanted = arguments.get("prompt")
        prompt = one_of(f"Grid '{self.grid}' has no prompt", wanted, self.prompts) if wanted else None
        self.prompt = prompt or self.prompts[0] if len(self.prompts) > 1 else None

    @property
    def arguments(self) -> dict[str, Any]:
        """The query parameters of a link to it."""
        return {
            "grid": self.grid,
            "metric": self.metric,
            "scope": self.scope,
            "up": self.up,
            "signature": self.signature,
            "prompt": self.prompt,
            "test_set": self.test_set,
            "lines": self.lines,
        }

    def runs(self) -> "FoundRuns":
        """Every run, and why those of some grids are not among them."""
        store, found = open_store(), FoundRuns([], {}, {}, [], [])
        for name in self.grids:
            question = ScoreQuestion(
                name,
                self.metric,
                signature=self.signature,
                prompt=self.prompt,
                test_set=self.test_set,
                lines=self.lines,
            )
            try:
                runs = runs_of(store, question)
                found.captions[name] = caption_of(store, question)
            except StoreError as error:  # one grid whose scores can't be compared must not hide the others
                found.complaints.append(str(error))
                continue
            found.runs.extend(runs)
            if sum(row.pairs for run in runs for row in run.rows if row.scope == ALL) <= MOST_CELLS:
                systems = [System(name, run.model, self.prompt) for run in runs]
                found.pairs.update(pairs_by_scope(store, question, systems))
            else:
                found.large.append(name)
        return found


class FoundRuns(NamedTuple):
    """Runs of several grids."""

    runs: list[Run]
    """The runs."""
    captions: dict[str, Caption]
    """What the scores of each grid were measured on, and how."""
    pairs: dict[System, ScopePairs]
    """The pairs behind each run's scopes, but for those of large grids."""
    large: list[str]
    """The large grids."""
    complaints: list[str]
    """Why the runs of some grids are not among them."""

    @property
    def caption(self) -> str | None:
        """The captions in a line."""
        return caption_line(self.captions)

    def note(self, scope: str) -> str | None:
        """The sentence about a scope that is other pairs from run to run; None where it is known to be the same."""
        if self.large and scope != ALL:
            return f"Which pairs are {scope.replace('_', ' ')} follows from what each run was trained on."
        return note_on_pairs(shared_pairs(self.pairs.values()), [scope])
