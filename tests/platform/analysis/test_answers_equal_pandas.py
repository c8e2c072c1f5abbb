"""Whatever models were trained on: partitions, groups, wins, best models and seeds are what pandas makes of cells."""

from collections.abc import Callable, Iterator
from statistics import stdev
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.analysis.aggregation import scopes_of
from dragoman.analysis.comparison import scope_differences
from dragoman.analysis.pair_scores import OFF_TARGET
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.ranking import best_models
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import over_seeds
from dragoman.cell import CellState
from dragoman.metrics.serialization import unpack
from dragoman.pair import all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.store import Store

PAIRS = all_pairs(["ar", "de", "en", "fi", "ja"])
MODELS = ("base", "m@1", "m@2", "other")
FAILED, PLANNED = (CellState.FAILED, "out of memory"), (CellState.PLANNED, None)
WITHOUT = {
    ("base", PAIRS[3]): FAILED, ("m@1", PAIRS[0]): PLANNED, ("m@2", PAIRS[7]): FAILED, ("m@2", PAIRS[8]): PLANNED,
    ("other", PAIRS[0]): FAILED, ("other", PAIRS[12]): PLANNED,
}  # fmt: skip
UNSCORABLE = {("m@1", PAIRS[5]): ("bleu", "no tokeniser"), ("m@2", PAIRS[6]): ("off_target", "unknown")}

GRAPHS = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(PAIRS), max_size=8).map(TrainingGraph.of) for name in MODELS}
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request, campaign_in, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """Four models with holes, two of them seeds of one recipe; and every cell of them as a row."""
    with campaign_in(tmp_path_factory.mktemp("filled")) as campaign:
        if request.param == "postgresql":
            url = request.getfixturevalue("shared_postgres")()
            campaign = type(campaign)(Store.open(url, "memory://"))
        quality = {(name, pair): 0.3 + 0.03 * ((7 * n + 3 * len(name)) % 17) for n, pair in enumerate(PAIRS)
                   for name in MODELS}  # fmt: skip
        store = campaign.fill(
            dict.fromkeys(MODELS, TrainingGraph()), PAIRS, metrics=("bleu", OFF_TARGET), quality=quality,
            without=WITHOUT, unscorable=UNSCORABLE, seeds={"m@1": 1, "m@2": 2},
            segments={pair: 5 + n for n, pair in enumerate(PAIRS)},
        )  # fmt: skip
        rows = []
        for record in store.cells.of_grid("g"):
            scores = {score.metric: score for score in store.cells.scores(record.cell.id)}
            rates = scores.get(OFF_TARGET)
            rows.append(
                {"model": record.cell.model.removeprefix("model-"), "pair": record.cell.pair,
                 "target": record.cell.pair.target, "weight": float(record.segments or 0),
                 "value": scores["bleu"].value if "bleu" in scores else np.nan,
                 "off": rates.value if rates else np.nan,
                 "reference": 100 * unpack(rates.statistics)[:, 2].mean() if rates else np.nan}
            )  # fmt: skip
        yield SimpleNamespace(store=store, cells=pd.DataFrame(rows))
        store.close()


@pytest.fixture(scope="module")
def shared_postgres(postgres) -> Iterator[Callable[[], str]]:
    """A database of a module's own."""
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(
        postgres.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )

    def make() -> str:
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE answers TEMPLATE empty"))
        return postgres.set(database="answers").render_as_string(hide_password=False)

    yield make
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS answers WITH (FORCE)"))


def trained(filled, graphs) -> pd.DataFrame:
    """The cells with their partitions, once the store has been told what the models were trained on."""
    for name, graph in graphs.items():
        filled.store.models.record_graph(f"model-{name}", graph)
    seen = {name: graph if name == "base" else graph.inherit(graphs["base"]) for name, graph in graphs.items()}
    partitions = [seen[row.model].partition(row.pair) for row in filled.cells.itertuples()]
    return filled.cells.assign(partition=partitions, scopes=[set(scopes_of(each)) for each in partitions])


def of_scopes(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    names = set().union(*cells.scopes)
    return {name: cells[[name in scopes for scopes in cells.scopes]] for name in names}


def average(values: pd.Series, weights: pd.Series, micro: bool) -> float | None:
    known = values.notna()
    if not known.any():
        return None
    return pytest.approx(np.average(values[known], weights=weights[known] if micro else None))


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs=GRAPHS, sides=st.permutations(MODELS), micro=st.booleans())
def test_answers_for_any_training_graphs(filled, graphs, sides, micro):
    cells = trained(filled, graphs)  # writing the graphs takes most of the time, so each are asked about in every way
    check_partitions(filled.store, cells, sides[0], micro)
    check_wins(filled.store, cells, *sides[:2], micro)
    check_groups(filled.store, cells, micro)
    check_seeds(filled.store, cells, micro)


def check_partitions(store, cells, name, micro):
    base = cells[cells.model == "base"].set_index("pair").value
    own = cells[cells.model == name].set_index("pair", drop=False)
    found = {row.scope: row for row in partition_table(store, ScoreQuestion("g", "bleu", micro=micro), model=name)}
    expected = of_scopes(own)
    assert found.keys() == expected.keys()
    for scope, group in expected.items():
        row, both = found[scope], group.value.notna() & base[group.pair].notna()
        assert (row.pairs, row.done, row.off_target_pairs) == (len(group), group.value.count(), group.off.count())
        assert row.mean == average(group.value, group.weight, micro)
        assert row.off_target == average(group.off, group.weight, micro)
        assert row.off_target_reference == average(group.reference, group.weight, micro)
        assert (row.low is None) is (row.mean is None) and row.note is None
        if name != "base":
            assert row.gain_pairs == both.sum()
            assert row.gain == average((group.value - base[group.pair])[both], group.weight[both], micro)
    gap = partition_gap(store, ScoreQuestion("g", "bleu", micro=micro), model=name, better="seen", worse="unseen")
    seen, unseen = (expected.get(scope, own.head(0)) for scope in ("seen", "unseen"))
    if gap is None:
        assert not (seen.value.count() and unseen.value.count())
    else:
        assert (gap.done, gap.pairs, gap.other_done, gap.other_pairs) == (
            seen.value.count(), len(seen), unseen.value.count(), len(unseen),
        )  # fmt: skip
        assert gap.raw == pytest.approx(found["seen"].mean - found["unseen"].mean)
        over, under = (by_target(part, micro) for part in (seen, unseen))
        within = [over[target] - under[target] for target in sorted(over.keys() & under.keys())]
        assert gap.value == (pytest.approx(np.mean(within)) if within else None)


def by_target(cells, micro):
    scored = cells[cells.value.notna()]
    return {
        target: np.average(group.value, weights=group.weight if micro else None)
        for target, group in scored.groupby("target")
    }


def check_wins(store, cells, a, b, micro):
    other = cells[cells.model == a].set_index("pair").value
    own = cells[cells.model == b].set_index("pair", drop=False)
    found = {row.scope: row for row in scope_differences(store, ScoreQuestion("g", "bleu", micro=micro), a=a, b=b)}
    expected = of_scopes(own)
    assert found.keys() == expected.keys()
    for scope, group in expected.items():
        row, delta = found[scope], (group.value - other[group.pair]).dropna()
        assert (row.done, row.pairs) == (len(delta), len(group))
        assert (row.wins, row.losses, row.ties) == ((delta > 0).sum(), (delta < 0).sum(), (delta == 0).sum())
        assert row.delta == average(delta, group.weight[delta.index], micro)


def check_groups(store, cells, micro):
    selection = scores(store, "bleu", grid="g").by("model", "partition")
    found = {
        (group.group["model"], group.group["partition"]): group for group in (selection.micro() if micro else selection)
    }
    expected = dict(tuple(cells.groupby(["model", cells.partition.astype(str)])))
    assert found.keys() == expected.keys()
    for key, group in expected.items():
        assert (found[key].pairs, found[key].done) == (len(group), group.value.count())
        assert found[key].mean == average(group.value, group.weight, micro)
        assert found[key].median == (pytest.approx(group.value.median()) if group.value.count() else None)


def check_seeds(store, cells, micro):
    one, two = (cells[cells.model == name].set_index("pair", drop=False) for name in ("m@1", "m@2"))
    both = one.assign(scopes=one.scopes.combine(two.scopes, set.__and__), value_2=two.value, weight_2=two.weight)
    expected = {
        scope: group for scope, group in of_scopes(both).items() if (group.value + group.value_2).count()
    }  # fmt: skip
    found = {row.scope: row for row in over_seeds(store, ScoreQuestion("g", "bleu", micro=micro))}
    assert found.keys() == expected.keys()
    for scope, group in expected.items():
        done = group.dropna(subset=["value", "value_2"])
        means = [
            np.average(values, weights=weights if micro else None)
            for values, weights in ((done.value, done.weight), (done.value_2, done.weight_2))
        ]
        row = found[scope]
        assert (row.models, row.done, row.pairs) == (("m@1", "m@2"), len(done), len(group))
        assert (row.mean, row.sd) == (pytest.approx(np.mean(means)), pytest.approx(stdev(means)))


def test_the_best_model_into_each_target(filled):
    cells = filled.cells
    found = {row.target: row for row in best_models(filled.store, ScoreQuestion("g", "bleu"))}
    assert found.keys() == set(cells.target)
    for target, group in cells.groupby("target"):
        of_models = group.groupby("model").value.agg(["count", "mean"])
        most = of_models[of_models["count"] == of_models["count"].max()]
        row = found[target]
        assert (row.model, row.done, row.pairs) == (most["mean"].idxmax(), most["count"].max(), 4)
        assert row.mean == pytest.approx(most["mean"].max())
