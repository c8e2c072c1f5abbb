"""What training did over the models of a campaign: seen effects, transfer ratios, direct differences and curves."""

from dataclasses import dataclass

from dragoman.effects.campaign_scores import CampaignQuestion, CampaignScores, read_campaign
from dragoman.effects.designs import designs_of
from dragoman.effects.direct_difference import DirectDifference, direct_differences
from dragoman.effects.pair_curve import CurveFit, CurvePoint, curve_fits, curve_points
from dragoman.effects.resamples import Resamples
from dragoman.effects.seen_effect import SeenEffect, seen_effects
from dragoman.effects.transfer_ratio import TransferRatio, shared_pairs_of, transfer_ratios
from dragoman.store.store import Store


@dataclass(frozen=True)
class CampaignEffect:
    """The effects over the models of a campaign."""

    scores: CampaignScores
    """What they are of."""
    designs: tuple[str, ...]
    """The design of each model."""
    seen: tuple[SeenEffect, ...]
    """The effect of being seen, against each unseen partition."""
    transfer: tuple[TransferRatio, ...]
    """Transfer ratios; none where the base is not evaluated."""
    direct: tuple[DirectDifference, ...]
    """Differences of models that differ in one pair alone."""
    points: tuple[CurvePoint, ...]
    """Points of the curves over the number of training pairs."""
    fits: tuple[CurveFit, ...]
    """What is fitted to them."""


def campaign_effect(store: Store, question: CampaignQuestion) -> CampaignEffect:
    """The effects over the finetuned models of a campaign, or of a grid with several.

    Raises:
        StoreError: something named is not there, there is one model only, or scores would be mixed that can't be
            compared.
    """
    scores = read_campaign(store, question)
    designs = design_names(store, scores)
    shared = shared_pairs_of(scores)
    return CampaignEffect(
        scores=scores,
        designs=designs,
        seen=tuple(seen_effects(scores)),
        transfer=tuple(transfer_ratios(scores, Resamples.read(store, scores, shared))) if shared else (),
        direct=tuple(direct_differences(store, scores)),
        points=tuple(curve_points(scores, designs)),
        fits=tuple(curve_fits(scores, designs)),
    )


def design_names(store: Store, scores: CampaignScores) -> tuple[str, ...]:
    """The names of the models' designs."""
    ids = dict.fromkeys(str(model.record.base) for model in scores.models)
    bases = {base: str(store.models.get(base).recipe.get("model", base)).rsplit("/", 1)[-1] for base in ids}
    return tuple(designs_of(scores.models, bases))
