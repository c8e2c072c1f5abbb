"""The endpoint of a ranking: what `dragoman rank` prints, with all its options."""

from werkzeug.datastructures import MultiDict

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.ranking_records import Ranking
from dragoman.analysis.significance_plan import ALPHA
from dragoman.analysis.units import Unit
from dragoman.metrics.resampling import SEED
from dragoman_ui.api.endpoint import Endpoint, of_store
from dragoman_ui.api.schemas import OfGrid
from dragoman_ui.viewmodels.ranking import AskedRanking


class OfRanking(OfGrid):
    """Parameters of the endpoint of a ranking: those of `dragoman rank`."""

    metric: str | None = None
    """Name of the metric; by default the grid's first."""
    over: str = ALL
    """The pairs: a partition, `unseen` or `all`."""
    model: tuple[str, ...] = ()
    """Systems that are ranked: a model with each of its prompts, or `MODEL:PROMPT`; all by default."""
    prompt: str | None = None
    """Only systems that are asked with this prompt."""
    signature: str | None = None
    """Text that signatures hold, where the metric has several."""
    test_set: str | None = None
    """Name of the test set, where the grid has several; its first by default."""
    lines: str | None = None
    """Only test lines with these labels, as in `domain=news`; all by default."""
    alpha: float = ALPHA
    """The level of significance of adjusted p-values."""
    samples: int | None = None
    """Trials of each test; by default enough for the number of systems."""
    seed: int = SEED
    """Seed of the deals."""
    unit: Unit = Unit.SENTENCE
    """What is dealt."""
    micro: bool = False
    """Weigh each pair by its segments instead of all pairs alike."""


def ranking(question: OfRanking) -> Ranking:
    """All systems of a grid, every two tested, in clusters."""
    asked = question.model_dump(mode="json", exclude_none=True)
    several = {name: value if isinstance(value, list) else [str(value)] for name, value in asked.items()}
    return AskedRanking(MultiDict(several)).ranking()


ENDPOINTS = (Endpoint("ranking", OfRanking, Ranking, ranking, version=of_store),)
"""The endpoint."""
