"""The partition in SQL is the partition of the training graph, for every graph and pair."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, column, literal, select, text, values

from dragoman.pair import Pair, all_pairs
from dragoman.partition import Evidence, Partition, TrainingGraph
from dragoman.store.repositories.partition_sql import partition_id
from dragoman.store.schema import PARTITIONS, ModelRow, PairRow

PAIRS = all_pairs(["de", "en", "fr", "sw"])
GRAPHS = st.builds(
    TrainingGraph,
    examples=st.dictionaries(st.sampled_from(PAIRS), st.integers(0, 3), max_size=8),
    evidence=st.sampled_from([Evidence.RECORDED, Evidence.RECORDED, Evidence.DECLARED, Evidence.UNKNOWN]),
)
WIDER = all_pairs(["ar", "de", "en", "fr", "ja", "sw", "zh-Hans"])
WIDE = st.builds(TrainingGraph, examples=st.dictionaries(st.sampled_from(WIDER), st.integers(0, 2), max_size=12))
PROPERTY = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@PROPERTY
@given(graph=GRAPHS)
def test_every_pair_is_in_the_one_partition_of_the_graph(small, graph):
    store = small.store
    store.models.record_graph("model1-base", graph)
    assert store.models.get("model1-base").graph == TrainingGraph(
        examples={pair: graph.examples[pair] for pair in graph.pairs}, evidence=graph.evidence
    )
    expected = {pair: graph.partition(pair) for pair in PAIRS}
    with store.database.reading() as connection:
        number = connection.execute(text("SELECT id FROM model WHERE identity = 'model1-base'")).scalar_one()
        query = select(PairRow.source, PairRow.target, partition_id(literal(number), PairRow.source, PairRow.target))
        found = {Pair(source, target): PARTITIONS[partition] for source, target, partition in connection.execute(query)}
        cells = connection.execute(text("SELECT source, target, partition FROM grid_cell WHERE model = 'base'")).all()
    assert found == expected
    assert len(cells) == len(PAIRS)
    assert {Pair(source, target): name for source, target, name in cells} == {
        pair: partition or "unknown" for pair, partition in expected.items()
    }


@PROPERTY
@given(base=GRAPHS, own=GRAPHS)
def test_a_child_has_seen_what_its_parent_saw(small, base, own):
    store = small.store
    store.models.record_graph("model1-a", own)
    store.models.record_graph("model1-base", base)
    graph = store.models.get("model1-a").graph
    assert graph.pairs >= own.pairs
    if Evidence.UNKNOWN in (base.evidence, own.evidence):
        assert graph.evidence is Evidence.UNKNOWN
    else:
        assert graph == own.inherit(base)
        assert all(graph.partition(pair) is Partition.SEEN for pair in base.pairs)
    scored = "SELECT source, target, partition FROM grid_cell WHERE model = 'a'"
    with store.database.reading() as connection:
        for source, target, name in connection.execute(text(scored)):
            assert name == (graph.partition(Pair(source, target)) or "unknown")


@settings(PROPERTY, max_examples=25)
@given(base=WIDE, own=WIDE)
def test_any_pair_under_two_graphs_in_one_query(small, base, own):
    small.store.models.record_graph("model1-base", base)
    small.store.models.record_graph("model1-a", own)
    graphs = {"model1-base": base, "model1-a": own.inherit(base)}
    asked = values(column("source", String), column("target", String)).data(WIDER).cte("asked")
    sides = (asked.c.source, asked.c.target)
    query = select(ModelRow.identity, *sides, partition_id(ModelRow.id, *sides)).join(asked, literal(True))
    query = query.where(ModelRow.identity.in_(graphs))
    with small.store.database.reading() as connection:
        rows = connection.execute(query).all()
    found = {(name, Pair(source, target)): PARTITIONS[number] for name, source, target, number in rows}
    assert len(rows) == len(found) == 2 * len(WIDER)
    assert found == {(name, pair): graph.partition(pair) for name, graph in graphs.items() for pair in WIDER}


def test_scores_and_sums_follow_the_graph(small, in_step):
    small.fill()
    small.store.models.record_graph("model1-base", TrainingGraph.of([Pair("sw", "de")]))
    query = """
        SELECT count(*) FROM score JOIN cell ON cell.model_id = score.model_id AND cell.pair_id = score.pair_id
        WHERE cell.partition_id <> score.partition_id"""
    with small.store.database.reading() as connection:
        assert connection.execute(text(query)).scalar() == 0
        seen = "SELECT count(*) FROM grid_cell WHERE source = 'sw' AND target = 'de' AND partition = 'seen'"
        assert connection.execute(text(seen)).scalar() == 3
    in_step(small.store)


def test_a_pair_the_store_has_never_met_has_a_partition_too(small):
    with small.store.database.reading() as connection:
        number = connection.execute(text("SELECT id FROM model WHERE identity = 'model1-a'")).scalar_one()
        query = select(partition_id(literal(number), literal("ja"), literal("fr")))
        assert PARTITIONS[connection.execute(query).scalar_one()] is Partition.UNSEEN_SOURCE
