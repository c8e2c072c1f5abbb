"""View model of a ranking: what is asked for, and the ranking, for as long as the store is the same."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from werkzeug.datastructures import MultiDict

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.ranking_records import Ranking
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import open_store, stamp
from dragoman_ui.viewmodels.systems import Names, one_of


class AskedRanking:
    """The query parameters of a ranking.

    Raises:
        StoreError: something named is not there.
    """

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        names = Names.of(open_store(), arguments.get("grid", ""))
        self.grid, self.metrics, self.prompts = names.grid, names.metrics, names.prompts
        self.test_sets, self.test_set = list(names.test_sets), names.test_set(arguments.get("test_set"))
        complaint = f"Grid '{self.grid}' has no metric"
        self.metric = one_of(complaint, arguments.get("metric") or names.metrics[0], names.metrics)
        self.over = one_of("There is no partition", arguments.get("over") or ALL, SCOPES)
        wanted = arguments.get("prompt")
        self.prompt = one_of(f"Grid '{self.grid}' has no prompt", wanted, self.prompts) if wanted else None
        self.signature = arguments.get("signature") or None
        several = len(self.prompts) > 1
        every = [each for each in names.systems if self.prompt in (None, each.prompt)]
        self.systems = list(dict.fromkeys(each.within(self.grid) if several else each.model for each in every))
        complaint = f"Grid '{self.grid}' has no system"
        self.chosen = [one_of(complaint, name, self.systems) for name in arguments.getlist("model")] or self.systems

    @property
    def arguments(self) -> dict[str, Any]:
        """The query parameters of a link to it."""
        return {
            "grid": self.grid,
            "metric": self.metric,
            "over": self.over,
            "signature": self.signature,
            "prompt": self.prompt,
            "test_set": self.test_set,
            "model": None if self.chosen == self.systems else self.chosen,
        }

    def ranking(self) -> Ranking:
        """The ranking.

        Raises:
            StoreError: systems can't be ranked so.
        """
        question = ScoreQuestion(
            self.grid, self.metric, signature=self.signature, prompt=self.prompt, test_set=self.test_set
        )
        return _ranked(stamp(), open_store(), question, tuple(self.chosen), self.over)


@lru_cache(maxsize=32)
def _ranked(moment: str, store: Store, question: ScoreQuestion, models: Sequence[str], over: str) -> Ranking:
    del moment
    return rank(store, question, models=models, over=over)
