"""Resampled scores of a campaign's models: sentences are drawn once for all models, bases and pairs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Self

import numpy as np

from dragoman.analysis.bootstrap import Joint
from dragoman.analysis.estimate import Part
from dragoman.analysis.line_slice import reading
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.metrics.base import Scores
from dragoman.pair import Pair
from dragoman.store.store import Store


class Resamples:
    """The scores of models and their bases on some pairs in each resample of the sentences."""

    def __init__(self, own: Mapping[int, Joint], bases: Mapping[int, Joint], pairs: Collection[Pair]) -> None:
        """Take the resampled scores by the models' places."""
        self._own, self._bases, self._pairs = own, bases, pairs

    @classmethod
    def read(
        cls, store: Store, scores: CampaignScores, pairs: Collection[Pair], places: Sequence[int] | None = None
    ) -> Self:
        """Read the statistics of some pairs, which all of the models have a score for.

        Args:
            store: the store.
            scores: the scores of the campaign.
            pairs: the pairs.
            places: places of the models; all by default.
        """
        question, grids = scores.question, list(scores.parts)
        with reading(store, question.of_grid(grids[0]), *(f"{grid}/" for grid in grids[1:])) as connection:
            own, bases = dict[int, Joint](), dict[int, Joint]()
            read_bases = dict[int, Joint]()
            for place in range(len(scores.models)) if places is None else places:
                model, columns = scores.models[place], scores.columns[place]
                part = scores.parts[model.grid]
                for number, found in ((model.number, own), (model.base, bases)):
                    if found is bases and number in read_bases:
                        found[place] = read_bases[number]
                        continue
                    found[place] = Joint.read(
                        connection, part, columns, model_id=number, blobs=store.blobs, only=set(pairs)
                    )
                read_bases[model.base] = bases[place]
        return cls(own, bases, pairs)

    def scores(self, place: int, weights: Mapping[Pair, float]) -> Scores | None:
        """The sum of a model's scores, each times its weight, in each resample; None where one has no statistics."""
        return _summed(self._own[place], weights)

    def gains(self, place: int, weights: Mapping[Pair, float]) -> Scores | None:
        """The same of the model's scores less its base's."""
        own, base = _summed(self._own[place], weights), _summed(self._bases[place], weights)
        return None if own is None or base is None else own - base

    @property
    def units(self) -> int:
        """How many sentences are drawn."""
        return next(iter(self._own.values())).units(self._pairs)

    def variance(self, drawn: Scores) -> Part:
        """The variance over sentences of a number, given its value in each resample."""
        units = self.units
        return Part(float(np.nanvar(drawn)) * units / max(units - 1, 1), max(units - 1, 1))


def _summed(joint: Joint, weights: Mapping[Pair, float]) -> Scores | None:
    mean = joint.resampled(weights)
    return None if mean is None else mean * sum(weights.values())
