"""Asking for a promotion, with the version and the policy that a test has at hand."""

from dragoman.spec.promotion import Promotion
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.promotion.requests import Decision, PromotionRequest
from dragoman_registry.registry_client.versions import RegisteredVersion


def promote(
    promotions: Promotions, version: RegisteredVersion, policy: Promotion, alias: str, again: bool = True
) -> Decision:
    return promotions.ask(
        PromotionRequest(name=version.name, version=version.version, policy=policy, alias=alias, again=again)
    )
