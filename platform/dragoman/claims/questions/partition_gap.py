"""The question of the gap between two partitions, within target languages."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from dragoman.analysis.aggregation import SCOPES
from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.finding import Finding
from dragoman.analysis.partition_gap import partition_gap
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.claims.questions.normal_interval import error_of
from dragoman.effects.jackknife import DRAWS, jackknifed_mean
from dragoman.errors import StoreError, nearest
from dragoman.partition import Partition
from dragoman.store.store import Store

_MANY = 1000
"""Degrees of freedom of an interval over many sentences."""


class PartitionGapQuestion(Question):
    """How much better are the models on one partition than on another?"""

    title: ClassVar = "gap between two partitions, within target languages"

    class Options(QuestionOptions):
        """The two partitions."""

        better: str = Partition.SEEN.value
        """The one."""
        worse: str = Partition.RECOMBINED.value
        """The other, which is taken away."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The mean of the models' gaps; of error rates, how much lower they are."""
        better, worse = self.options.better, self.options.worse
        for scope in (better, worse):
            if scope not in SCOPES:
                raise StoreError(f"'{scope}' is no partition; {nearest(scope, SCOPES)}")
        scores = asked.scores(store, fewest=1)
        gaps = [
            partition_gap(store, scores.question.of_grid(model.grid), model=model.name, better=better, worse=worse)
            for model in scores.models
        ]
        known = [
            (draw, gap.value, gap)
            for draw, gap in zip(scores.draws, gaps, strict=True)
            if gap is not None and gap.value is not None
        ]
        if not known:
            why = f"No model has pairs of both {better} and {worse} into one target language."
            return Finding(of_what=DRAWS, cells=scores.cells, why=why)
        every = sorted({draw for draw, _, _ in known})
        means = np.array([np.mean([value for draw, value, _ in known if draw == each]) for each in every])
        value = float(means.mean())
        if len(every) > 1:
            found = Finding.of(jackknifed_mean(means), n=len(every), of_what=DRAWS, against=asked.value)
        elif len(known) == 1 and known[0][2].low is not None and known[0][2].high is not None:
            error = error_of(known[0][2].low, known[0][2].high)
            estimate = Estimate.of(value, [Part(error**2, _MANY)])
            pairs = known[0][2].done + known[0][2].other_done
            found = Finding.of(estimate, n=pairs, of_what="pairs of one model, over sentences", against=asked.value)
        else:
            why = "There is one draw of training pairs, so there is no interval."
            found = Finding(estimate=value, n=1, of_what=DRAWS, why=why)
        return replace(found, cells=scores.cells)
