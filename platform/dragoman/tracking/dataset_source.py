"""The source of a data set as MLflow loads it: `mlflow.data.get_source(run.inputs.dataset_inputs[0]).load()`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from mlflow.data.dataset_source import DatasetSource

from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.test_sets import TestSetChoice
from dragoman.tracking.datasets import SOURCE_TYPE

if TYPE_CHECKING:
    import pandas as pd


class CorpusSource(DatasetSource):
    """The lines of a split of a corpus; MLflow finds it by the entry point `mlflow.dataset_source`."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = dict(source)

    @staticmethod
    def _get_source_type() -> str:
        return SOURCE_TYPE

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False  # none is made from a path

    @classmethod
    def _resolve(cls, raw_source: Any) -> Self:
        raise NotImplementedError("A corpus of Dragoman's is no place that MLflow could resolve.")

    def to_dict(self) -> dict[str, Any]:
        """The source as plain data."""
        return dict(self._source)

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> Self:
        """The source that plain data tells of."""
        return cls(source_dict)

    def load(self) -> "pd.DataFrame":
        """The lines, with the columns `pair`, `source` and `target`; of a training split before any are drawn.

        Raises:
            CorpusError: the corpus is not there, or has another revision now.
        """
        import pandas as pd

        told = self._source
        choice = CorpusChoice.model_validate(told["corpus"])
        corpus = open_corpus(choice.kind, choice.placed)
        if told["revision"] not in (corpus.revision, None) and not told.get("by_lines"):
            raise CorpusError(
                f"The {choice.kind} corpus has the revision {corpus.revision} here and not {told['revision']}: install "
                "or fetch that one."
            )
        pairs = [Pair.read_back(pair) for pair in told.get("pairs", ())]
        sentences = TestSetChoice.model_validate({"sentences": told.get("sentences")}).sentences
        without = {Pair.read_back(pair): numbers for pair, numbers in told.get("without", {}).items()}
        lines = TestLines(corpus, pairs, Split(told["split"]), sentences, without)
        rows = [(str(pair), line.source, line.target) for pair in pairs for line in lines.segments(pair)]
        return pd.DataFrame(rows, columns=["pair", "source", "target"])
