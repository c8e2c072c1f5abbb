"""A process that promotes when it is told to; in a module of its own, so that a fresh process can import it."""

import time
from multiprocessing.connection import Connection
from pathlib import Path

from tests.registry.promoting import promote

from dragoman.errors import DragomanError
from dragoman.settings import Settings
from dragoman.spec.promotion import Promotion
from dragoman.store.store import Store
from dragoman_registry.promotion import promotion
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.registry_client.versions import find_version

POLICY = Promotion(model="small-translator", rules=({"at_least": 1},))


def work(home: Path, numbers: list[str], pipe: Connection) -> None:
    """Promote one version after the other, each when a word comes; answer with the sentence.

    The words `die before` and `die after` stop it for good on that side of the moving of the alias.
    """
    settings = Settings(home=home)
    promotions = Promotions(Store.open(settings.store_url, settings.blobs_url), settings.mlflow_url)
    for number in numbers:
        version = find_version(promotions.uri, POLICY.model, number)
        match pipe.recv().split():
            case ["die", moment]:
                _stop(moment, pipe)
        try:
            pipe.send(promote(promotions, version, POLICY, "champion").sentence)
        except DragomanError as error:
            pipe.send(f"lost: {error}")


def _stop(moment: str, pipe: Connection) -> None:
    swap = promotion.compare_and_swap

    def stopping(*where: str) -> bool:
        if moment == "after":
            swap(*where)
        pipe.send("stopped")
        time.sleep(600)
        return False

    promotion.compare_and_swap = stopping
