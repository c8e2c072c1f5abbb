from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dragoman.language import canonical_tag
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Evidence, Partition, TrainingGraph
from dragoman.spec.pairs import Roles

PAPER = ["en", "de", "fr", "ca", "fi", "ru", "bg", "zh", "ko", "ar", "sw", "hi", "ta"]
LANGUAGES = ["a", "b", "c", "d", "e"]
GRAPHS = st.sets(st.sampled_from(all_pairs(LANGUAGES))).map(lambda pairs: TrainingGraph.of(pairs))


def test_the_golden_partition_of_the_mfti_code() -> None:
    # roles and counts: NJUNLP/MFTI at a25f1ab, as printed by its own analysis
    languages = [canonical_tag(tag) for tag in PAPER]
    roles = Roles(both=("en", "ko", "sw"), source=("zh", "fi"), target=("de", "hi"))
    graph = TrainingGraph.of(roles.pairs())
    counts = Counter(graph.partition(pair) for pair in all_pairs(languages))
    assert [counts[partition] for partition in Partition] == [22, 16, 0, 4, 42, 42, 30]
    assert sum(counts.values()) == 156


def test_english_centric_training_recombines_every_other_pair() -> None:
    pairs = all_pairs(["en", "de", "fr", "ru"])
    graph = TrainingGraph.of(pair for pair in pairs if "en" in pair)
    assert {graph.partition(pair) for pair in pairs if "en" not in pair} == {Partition.RECOMBINED}


@given(GRAPHS)
def test_every_pair_falls_to_the_one_partition_its_definition_says(graph: TrainingGraph) -> None:
    sources, targets = {pair.source for pair in graph.pairs}, {pair.target for pair in graph.pairs}
    known = sources | targets
    for pair in all_pairs(LANGUAGES):
        s, t = pair
        holds = {
            Partition.SEEN: pair in graph.pairs,
            Partition.REVERSED: pair not in graph.pairs and (t, s) in graph.pairs,
            Partition.RECOMBINED: not {pair, (t, s)} & graph.pairs and s in sources and t in targets,
            Partition.ONE_SIDED: not {pair, (t, s)} & graph.pairs
            and {s, t} <= known
            and (s not in sources or t not in targets),
            Partition.UNSEEN_SOURCE: s not in known and t in known,
            Partition.UNSEEN_TARGET: s in known and t not in known,
            Partition.UNSEEN_BOTH: s not in known and t not in known,
        }
        assert [partition for partition, true in holds.items() if true] == [graph.partition(pair)]


@given(GRAPHS, GRAPHS)
def test_a_child_has_seen_what_its_parent_has(child: TrainingGraph, parent: TrainingGraph) -> None:
    inherited = child.inherit(parent)
    assert inherited.pairs == child.pairs | parent.pairs
    for pair in inherited.pairs:
        assert inherited.examples[pair] == child.examples.get(pair, 0) + parent.examples.get(pair, 0)


def test_pairs_without_examples_are_not_seen() -> None:
    graph = TrainingGraph(examples={Pair("a", "b"): 0, Pair("b", "a"): 5})
    assert graph.partition(Pair("a", "b")) is Partition.REVERSED


def test_unknown_is_not_unseen() -> None:
    unknown = TrainingGraph(evidence=Evidence.UNKNOWN)
    assert unknown.partition(Pair("a", "b")) is None
    assert TrainingGraph.of([Pair("a", "b")]).inherit(unknown).partition(Pair("a", "b")) is None
