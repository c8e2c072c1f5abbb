"""View model of the runs of a grid, or of its campaign."""

from collections.abc import Mapping
from typing import Any

from dragoman.analysis.aggregation import SCOPES
from dragoman.analysis.campaigns import siblings
from dragoman.analysis.run_table import Run
from dragoman.analysis.run_table import runs as runs_of
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names, one_of

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
        self.metrics, self.prompts = names.metrics, names.prompts
        complaint = f"Grid '{self.grid}' has no metric"
        self.metric = one_of(complaint, arguments.get("metric") or names.metrics[0], names.metrics)
        self.scope = one_of("There is no partition", arguments.get("scope") or "unseen", SCOPES)
        self.up = one_of("The chart can't show", arguments.get("up") or "score", UP)
        self.signature = arguments.get("signature") or None
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
        }

    def runs(self) -> tuple[list[Run], list[str]]:
        """Every run, and why those of some grids are not among them."""
        found: list[Run] = []
        complaints = []
        for name in self.grids:
            try:
                question = ScoreQuestion(name, self.metric, signature=self.signature, prompt=self.prompt)
                found += runs_of(open_store(), question)
            except StoreError as error:  # one grid whose scores can't be compared must not hide the others
                complaints.append(str(error))
        return found, complaints
