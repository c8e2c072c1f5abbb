"""Questions that claims are about: entry points of the group `dragoman.questions`, each a class.

A question says what can be asked of it (`Options`) and finds an estimate with a p-value (`find`):

    class Spread(Question):
        title = "standard deviation of scores over pairs"

        class Options(QuestionOptions):
            model: str

        def find(self, store: Store, asked: Asked) -> Finding: ...
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from dragoman.analysis.finding import Finding
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.effects.campaign_scores import CampaignQuestion, CampaignScores, Value, read_campaign
from dragoman.spec.base import SpecModel
from dragoman.store.store import Store


class QuestionOptions(SpecModel):
    """What a claim says beside the keys that all claims have; unknown keys are refused."""


class Asked(NamedTuple):
    """What a claim asks a question about."""

    over: str
    """The campaign or grid."""
    value: float
    """The value that it is tested against."""
    metric: str | None = None
    """The metric; the first of the grid by default."""
    test_set: str | None = None
    """The test set; the grid's first by default."""
    prompt: str | None = None
    """The prompt; the grid's first by default."""
    signature: str | None = None
    """Text of the signature."""
    decoding: str | None = None
    """Text of the decoding."""
    lines: str | None = None
    """The slice of the test set."""
    grids: tuple[str, ...] = ()
    """Only these grids of the campaign."""
    models: tuple[str, ...] = ()
    """Only finetuned models of these names."""
    read: Callable[..., CampaignScores] = read_campaign
    """Reads the scores of a campaign; the claims of a file share one that reads the same scores once."""

    def campaign(self, store: Store, value: Value = "score") -> CampaignQuestion:
        """The question about the campaign.

        Raises:
            StoreError: something named is not there.
        """
        return CampaignQuestion.of(
            store, self.over, self.metric, grids=self.grids, value=value, models=self.models, **self._rest
        )

    def scores(self, store: Store, value: Value = "score", *, fewest: int = 2) -> CampaignScores:
        """The scores of the campaign; errors as for `read_campaign`."""
        return self.read(store, self.campaign(store, value), fewest=fewest)

    def each_grid(self, store: Store) -> list[ScoreQuestion]:
        """The question about each grid of the campaign, or about the grid.

        Raises:
            StoreError: something named is not there.
        """
        question = self.campaign(store)
        return [question.of_grid(grid) for grid in question.grids]

    @property
    def _rest(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("test_set", "prompt", "signature", "decoding", "lines")}


class Question(ABC):
    """A question about grids that has an answer with a p-value."""

    title: ClassVar[str]
    """What is estimated, in words."""
    fewest: ClassVar[int] = 2
    """The fewest of what chance is over that an answer is given for."""
    Options: ClassVar[type[QuestionOptions]] = QuestionOptions
    """What a claim may say beside the keys that all claims have."""

    def __init__(self, options: Any) -> None:
        """Take the options that a claim has."""
        self.options = options

    @abstractmethod
    def find(self, store: Store, asked: Asked) -> Finding:
        """Find the estimate, with the hash of the cells behind it.

        Args:
            store: the store.
            asked: what it is about; the finding's p-value is of `asked.value`.

        Raises:
            StoreError: it can't be found; the claim's verdict is then `too few data`, for this reason.
        """
