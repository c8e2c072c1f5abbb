"""The results store: a ledger that answers questions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dragoman.store.ledger import Ledger

if TYPE_CHECKING:
    from dragoman.analysis.score_query import Selection


class Store(Ledger):
    """One results store: its records, and what is asked of their scores."""

    def scores(
        self,
        metric: str,
        model: str | Sequence[str] = (),
        grid: str | None = None,
        signature: str | None = None,
        test_set: str | None = None,
        prompt: str | None = None,
        decoding: str | None = None,
    ) -> "Selection":
        """Scores to narrow, group and compare: ``store.scores("bleu", model="m1").by("partition").against("base")``.

        Args:
            metric: name of the metric.
            model: name of a model, or several; all of the grid by default.
            grid: name of the grid; may be left out where only one has these models.
            signature: text that the signatures hold, where the metric has several.
            test_set: text that the revision of the test set holds, where the grid has several.
            prompt: text that the prompt holds, where the grid has several.
            decoding: text that the decoding's identity holds, where the grid has several.

        Raises:
            StoreError: several grids have these models, or none has.
        """
        from dragoman.analysis.score_query import Selection, only_grid

        names = (model,) if isinstance(model, str) else tuple(model)
        condition = {"test_set": test_set, "prompt": prompt, "decoding": decoding}
        return Selection(self, grid or only_grid(self, names), metric, names, signature, condition)
