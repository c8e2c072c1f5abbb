"""The means by partition and the differences to the base that a bundle claims, computed from a store.

Whoever writes a bundle computes them from the store of the grid, whoever verifies it from one that was made anew of its
texts: by this code, so that what does not agree is in the data.
"""

from collections.abc import Iterator

from dragoman.analysis.aggregation import means_by_scope
from dragoman.analysis.bootstrap import Bounds, Joint
from dragoman.analysis.comparison import compare
from dragoman.analysis.pair_scores import BASE, read_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.errors import StoreError
from dragoman.sharing.bundle.claims import BundledSystem, BundledTestSet, Contents, DifferenceClaim, MeanClaim
from dragoman.store.repositories.grids import number_of
from dragoman.store.store import Store


def means(store: Store, contents: Contents) -> Iterator[MeanClaim]:
    """The means of each system over the scopes that occur, by each metric with scores that can be taken together."""
    for test_set, system, metric in _questions(contents):
        question = ScoreQuestion(
            contents.grid, metric, test_set=test_set.record.id, prompt=system.prompt, decoding=system.decoding
        )
        name = contents.names[system.model]
        try:
            with store.database.reading() as connection:
                part = Slice.of(connection, question, [name])
                number = number_of(contents.grid, part.models, name)
                columns = read_columns(connection, part, model_id=number)
                joint = Joint.read(connection, part, columns, model_id=number, blobs=store.blobs)
        except StoreError:  # of several signatures, or of none: there is no mean to claim
            continue
        for scope, found in means_by_scope(columns).items():
            bounds = joint.bounds(scope) if found.done else Bounds()
            yield MeanClaim(
                test_set=test_set.folder, system=system.file, metric=metric, scope=scope,
                pairs=found.pairs, done=found.done, mean=found.mean, low=bounds.low, high=bounds.high,
            )  # fmt: skip


def differences(store: Store, contents: Contents) -> Iterator[DifferenceClaim]:
    """The differences of each system to the base with the same prompt, on each pair and over each scope, tested."""
    asked = {(each.model, each.prompt) for each in contents.systems}
    for test_set, system, metric in _questions(contents):
        if system.model == contents.base or (contents.base, system.prompt) not in asked:
            continue
        question = ScoreQuestion(contents.grid, metric, test_set=test_set.record.id, prompt=system.prompt)
        try:
            found = compare(store, question, a=BASE, b=contents.names[system.model])
        except StoreError:  # as above
            continue
        place = {"test_set": test_set.folder, "system": system.file, "metric": metric}
        for scope in found.scopes:
            yield DifferenceClaim(
                **place, over=scope.scope, pairs=scope.done, base=scope.mean_a, value=scope.mean_b, delta=scope.delta,
                low=scope.low, high=scope.high, p_value=scope.p_value, adjusted=scope.adjusted,
            )  # fmt: skip
        for pair in found.pairs:
            yield DifferenceClaim(
                **place, over=str(pair.pair), pairs=1, base=pair.a, value=pair.b, delta=pair.delta,
                low=pair.low, high=pair.high, p_value=pair.p_value, adjusted=pair.adjusted,
            )  # fmt: skip


def _questions(contents: Contents) -> Iterator[tuple[BundledTestSet, BundledSystem, str]]:
    for test_set in contents.test_sets:
        for system in contents.systems:
            if system.file in test_set.systems:
                for metric in contents.metrics:
                    yield test_set, system, metric
