"""View model of a ranking: what is asked for, and the ranking, for as long as the store is the same."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from werkzeug.datastructures import MultiDict

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.ranking_records import Ranking
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.significance_plan import ALPHA, Plan
from dragoman.analysis.system_ranking import rank
from dragoman.analysis.units import Unit
from dragoman.errors import StoreError
from dragoman.metrics.resampling import SEED
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import open_store, stamp
from dragoman_ui.viewmodels.systems import Names, one_of
from dragoman_ui.viewmodels.view import lines_asked

Number = TypeVar("Number", int, float)


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
        self.lines = lines_asked(arguments)
        several = len(self.prompts) > 1
        every = [each for each in names.systems if self.prompt in (None, each.prompt)]
        self.systems = list(dict.fromkeys(each.within(self.grid) if several else each.model for each in every))
        complaint = f"Grid '{self.grid}' has no system"
        self.chosen = [one_of(complaint, name, self.systems) for name in arguments.getlist("model")] or self.systems
        self.how = Plan(
            alpha=ALPHA if (alpha := _number(arguments, "alpha", float)) is None else alpha,
            samples=_number(arguments, "samples", int),
            seed=SEED if (seed := _number(arguments, "seed", int)) is None else seed,
            unit=Unit(one_of("There is no unit", arguments.get("unit") or Unit.SENTENCE, Unit)),
        )
        self.how.check()
        self.micro = arguments.get("micro") in ("1", "true", "True")

    @property
    def is_tested_otherwise(self) -> bool:
        """Whether means or tests are asked for otherwise than they are by default."""
        return self.micro or self.how != Plan()

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
            "lines": self.lines,
            "model": None if self.chosen == self.systems else self.chosen,
            **{
                name: value
                for name in ("alpha", "samples", "seed", "unit")
                if (value := getattr(self.how, name)) != Plan._field_defaults[name]
            },
            "micro": "1" if self.micro else None,
        }

    def ranking(self) -> Ranking:
        """The ranking.

        Raises:
            StoreError: systems can't be ranked so.
        """
        question = ScoreQuestion(
            self.grid,
            self.metric,
            signature=self.signature,
            prompt=self.prompt,
            test_set=self.test_set,
            lines=self.lines,
            micro=self.micro,
        )
        return _ranked(stamp(), open_store(), question, tuple(self.chosen), self.over, self.how)


@lru_cache(maxsize=32)
def _ranked(moment: str, store: Store, question: ScoreQuestion, models: Sequence[str], over: str, how: Plan) -> Ranking:
    del moment
    return rank(
        store, question, models=models, over=over,
        alpha=how.alpha, samples=how.samples, seed=how.seed, unit=how.unit,
    )  # fmt: skip


def _number(arguments: Mapping[str, str], name: str, kind: Callable[[str], Number]) -> Number | None:
    """A number of the query; None where there is none."""
    text = arguments.get(name)
    if not text:
        return None
    try:
        return kind(text)
    except ValueError as error:
        raise StoreError(f"{name} is '{text}': give a number.") from error
