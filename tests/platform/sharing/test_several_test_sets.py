"""Forms of a grid with two test sets, several references, labels of lines and a system whose scores are quoted."""

import json
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
from sacrebleu import corpus_bleu
from tests.fixtures.commands import Outcome
from tests.platform.sharing.conftest import LINES, Change, forge
from tests.platform.sharing.several import DE_EN, FURTHER, NEWS, PAIRS, QUOTED, TALKS, build

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.settings import settings
from dragoman.sharing.bundle.findings import Finding
from dragoman.sharing.bundle.layout import reference
from dragoman.sharing.bundle.verification import verify
from dragoman.sharing.bundle.writing import write_bundle
from dragoman.sharing.model_index import model_index
from dragoman.sharing.mt_metrics_eval import write_folders
from dragoman.sharing.mteb import write_results
from dragoman.store.store import Store

Members = dict[str, list[str]]
Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the grid `several`, and its bundle."""
    folder = tmp_path_factory.mktemp("several")
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    build(store, folder)
    write_bundle(store, "several", folder / "several.tar")
    store.close()
    return folder


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    found = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    yield found
    found.close()


@pytest.fixture
def changed(home: Path, tmp_path: Path) -> Callable[[Change], list[Finding]]:
    """The findings of a bundle that somebody has changed, and made all hashes anew of."""
    return lambda change: verify(forge(home / "several.tar", change, tmp_path / "forged.tar")).findings


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def test_it_is_whole_and_says_what_is_not_in_it(home: Path) -> None:
    found = verify(home / "several.tar")
    assert found.findings == [] and found.unchecked == []
    # two systems on five pairs by two metrics: value and interval of each
    assert found.numbers > 3 * 2 * 5 * 2
    ((name, phrase),) = [(each.name, each.scores) for each in found.left_out]
    assert name == "paper" and QUOTED in phrase


def test_each_test_set_has_its_folder_by_the_grids_name_of_it(home: Path) -> None:
    with tarfile.open(home / "several.tar") as archive:
        names = archive.getnames()
        plan = json.loads(archive.extractfile("grid.json").read())  # type: ignore[union-attr]
        whole = b"".join(archive.extractfile(name).read() for name in names)  # type: ignore[union-attr]
    assert [each["folder"] for each in plan["test_sets"]] == [NEWS, TALKS]
    assert [each["name"] for each in plan["systems"]] == ["base", "a"]
    assert {"news/sources/en-fr.txt", "talks/sources/de-en.txt"} <= set(names)
    assert "talks/sources/en-fr.txt" not in names
    assert [name for name in names if "references/de-en" in name] == [
        "news/references/de-en.refA.txt", "news/references/de-en.refB.txt", "news/references/de-en.refC.txt",
        "talks/references/de-en.refA.txt",
    ]  # fmt: skip
    assert b"48.25" not in whole and b"quoted:" not in whole


def test_a_changed_number_of_the_second_test_set_is_named_with_it(changed: Callable[[Change], list[Finding]]) -> None:
    def change(members: Members) -> None:
        for name, field in (("scores.jsonl", "value"), ("means.jsonl", "mean"), ("differences.jsonl", "p_value")):
            place, text = [(n, text) for n, text in enumerate(members[name]) if f'"test_set": "{TALKS}"' in text][-1]
            line = json.loads(text)
            members[name][place] = json.dumps(line | {field: (line[field] or 0) + 0.125})

    found = changed(change)
    assert [each.place.partition(",")[0] for each in found] == ["scores.jsonl", "means.jsonl", "differences.jsonl"]
    assert found[0].what == f"value: chrf++ of a on en-de of {TALKS}"
    assert all(TALKS in each.what and NEWS not in each.what for each in found)


def test_translations_of_the_other_test_set_are_named(changed: Callable[[Change], list[Finding]]) -> None:
    def change(members: Members) -> None:
        members["talks/system-outputs/en-de/a.txt"] = members["news/system-outputs/en-de/a.txt"]

    found = changed(change)
    assert found and all(f" {TALKS}" in each.what and f"of {NEWS}" not in each.what for each in found)


def test_a_changed_further_reference_is_named_where_it_is_held_against(
    changed: Callable[[Change], list[Finding]],
) -> None:
    def change(members: Members) -> None:
        members["news/references/de-en.refB.txt"][3] = members["news/system-outputs/de-en/a.txt"][3]

    found = changed(change)
    said = "\n".join(map(str, found))
    for system in ("a", "base"):
        assert f"the identity of {system} on de-en of news is not that of its model, prompt, test sentences and" in said
    assert "value: bleu of a on de-en of news" in said
    assert TALKS not in said and "en-fr" not in said.replace("over en-fr", "")


def test_further_references_that_are_taken_away_are_named(changed: Callable[[Change], list[Finding]]) -> None:
    """Also by somebody who then says of the scores that there was one reference."""

    def change(members: Members) -> None:
        for name in ("B", "C"):
            del members[f"news/references/de-en.ref{name}.txt"]
        members["scores.jsonl"] = [text.replace("nrefs:var", "nrefs:1") for text in members["scores.jsonl"]]

    said = "\n".join(map(str, changed(change)))
    assert "the identity of a on de-en of news" in said and "value: bleu of a on de-en of news" in said


def test_a_number_of_references_that_the_texts_do_not_have_is_no_matter_of_versions(
    changed: Callable[[Change], list[Finding]],
) -> None:
    def change(members: Members) -> None:
        members["scores.jsonl"] = [text.replace("nrefs:var", "nrefs:1") for text in members["scores.jsonl"]]

    said = "\n".join(map(str, changed(change)))
    assert re.search(r"its texts have no score of bleu for a on de-en of news under nrefs:1\|", said)


def test_references_out_of_their_places_and_labels_of_other_lines_are_named(
    changed: Callable[[Change], list[Finding]],
) -> None:
    def change(members: Members) -> None:
        # the same references of the last line, the second where the third belongs
        members["news/references/de-en.refC.txt"][1] = members["news/references/de-en.refB.txt"][1]
        members["news/references/de-en.refB.txt"][1] = ""
        members["news/labels/de-en.jsonl"].pop()
        members["news/labels/en-de.jsonl"][0] = '{"domain": 1}'

    places = {(each.place, each.what) for each in changed(change)}
    told = "the lines that have such a reference are not those that have all before it"
    assert places == {
        ("news/references/de-en.refB.txt", told), ("news/references/de-en.refC.txt", told),
        ("news/labels/de-en.jsonl", f"they are not those of {LINES} sentences"),
        ("news/labels/en-de.jsonl", "line 1 is no labels of a sentence"),
    }  # fmt: skip


def test_labels_are_in_it_and_a_changed_one_is_named_by_its_line(home: Path, tmp_path: Path) -> None:
    with tarfile.open(home / "several.tar") as archive:
        member = archive.getmember("news/labels/de-en.jsonl")
        labels = archive.extractfile(member).read()  # type: ignore[union-attr]
        assert not any(name.startswith("talks/labels") for name in archive.getnames())
    assert [json.loads(line) for line in labels.splitlines()][2:4] == [
        {"document": "doc 0", "domain": "politics"}, {"document": "doc 1", "domain": "sports"},
    ]  # fmt: skip
    whole = (home / "several.tar").read_bytes()
    (tmp_path / "changed.tar").write_bytes(whole.replace(labels, labels.replace(b"sports", b"spirit", 1), 1))
    (found,) = verify(tmp_path / "changed.tar").findings
    assert found.place == "news/labels/de-en.jsonl, line 4"


def test_references_are_named_as_letters() -> None:
    assert [reference(number) for number in (0, 1, 25, 26, 51, 52, 702)] == [
        "refA", "refB", "refZ", "refAA", "refAZ", "refBA", "refAAA",
    ]  # fmt: skip


def test_the_folder_of_wmt_has_all_references_and_the_known_documents(store: Store, tmp_path: Path) -> None:
    """As `EvalSet` of mt_metrics_eval/data.py asks for: documents without gaps, references parted by dots."""
    write_folders(store, "several", tmp_path / "wmt")
    assert sorted(path.name for path in (tmp_path / "wmt").iterdir()) == [NEWS, TALKS]
    news = tmp_path / "wmt" / NEWS
    references = [lines(news / f"references/de-en.ref{name}.txt") for name in "ABC"]
    assert [tuple(filter(None, each)) for each in zip(*references[1:], strict=True)] == FURTHER[DE_EN]
    assert not (news / "references/en-de.refB.txt").exists()
    assert lines(news / "documents/de-en.docs") == [
        "politics doc_0", "politics doc_0", "politics doc_0",
        "sports doc_1", "sports doc_1", "sports doc_1",
        "all doc_2",
    ]  # fmt: skip
    talks = [line.split() for line in lines(tmp_path / "wmt" / TALKS / "documents/de-en.docs")]
    assert {domain for domain, _ in talks} == {"all"} and len({document for _, document in talks}) == 3
    scores = dict(line.split() for line in lines(news / "metric-scores/de-en/bleu-refA.refB.refC.sys.score"))
    assert set(scores) == {"a", "base"}  # none of them quoted
    outputs = lines(news / "system-outputs/de-en/a.txt")
    own = corpus_bleu(outputs, [[text or None for text in each] for each in references])
    assert float(scores["a"]) == pytest.approx(own.score, rel=1e-12)
    assert (news / "metric-scores/en-de/bleu-refA.sys.score").exists()


def test_a_document_that_begins_again_or_changes_its_domain_is_another_one() -> None:
    from dragoman.sharing.mt_metrics_eval import _About, _documents

    labels = {"document": ["a", "b", "a", "a-2", "a", "", "a"], "domain": ["x", "x", "x y", "x", "", "x", "x"]}
    assert _documents(_About(None, labels), 7) == [
        "x a", "x b", "x_y a-2", "x a-2-2", "all a-3", "x all", "x a-4",
    ]  # fmt: skip


def test_systems_of_the_second_test_set_come_back_with_the_same_scores(
    dragoman: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    build(store, tmp_path)
    done = dragoman("export", "several", str(tmp_path / "wmt"), "--format", "mt-metrics-eval")
    assert done.code == 0 and f"Left out: paper, whose scores are quoted from {QUOTED}" in done.err
    for test_set, pairs in PAIRS.items():
        again = f"a-{test_set}"
        done = dragoman(
            "add-system", "several", again, str(tmp_path / "wmt" / test_set), "--system", "a", "--test-set", test_set,
            "--trained-on", "unknown",
        )  # fmt: skip
        assert done.code == 0, done.err
        question = ScoreQuestion("several", "bleu", test_set=test_set)
        own, back = (
            {
                each.pair: (each.value, each.low, each.high, each.signature)
                for each in pair_scores(store, question, model=name)
            }
            for name in ("a", again)
        )
        assert own == back and len(own) == len(pairs) and all(value[0] is not None for value in own.values())
    # systems from files of one test set are missing on the other, and that grid is a bundle, too
    write_bundle(store, "several", tmp_path / "again.tar")
    store.close()
    assert verify(tmp_path / "again.tar").findings == []
    settings.cache_clear()


def test_results_on_the_hub_are_told_apart_by_test_set(store: Store) -> None:
    """Though both are one data set, split and revision, by which the hub takes results together."""
    own = model_index(store, "several", "a", pairs=True)
    name, results = model_index_to_eval_results(own)
    assert eval_results_to_model_index(name, results) == own
    for test_set in PAIRS:
        question = ScoreQuestion("several", "bleu", test_set=test_set)
        means = {row.scope: row for row in partition_table(store, question, model="a", resample=False)}
        found = [
            each for each in results
            if each.dataset_config == f"{test_set}-all" and str(each.metric_name).startswith("BLEU")
        ]  # fmt: skip
        ((value, pairs, said),) = [(each.metric_value, each.metric_args["pairs"], each.dataset_name) for each in found]
        assert (value, pairs) == (round(means["all"].mean or 0, 4), len(PAIRS[test_set]))
        assert said == f"{test_set} (tsv test), all pairs"


def test_mteb_has_a_task_for_each_test_set(store: Store, tmp_path: Path) -> None:
    write_results(store, "several", tmp_path / "out")
    files = sorted(str(path.relative_to(tmp_path / "out/results")) for path in (tmp_path / "out").rglob("*.json"))
    assert files == [
        f"{name}/model1-{name}/{task}.json" for name in ("a", "base") for task in ("model_meta", NEWS, TALKS)
    ]
    rows = json.loads((tmp_path / f"out/results/a/model1-a/{TALKS}.json").read_text())["scores"]["test"]
    assert [row["hf_subset"] for row in rows] == ["deu_Latn-eng_Latn", "eng_Latn-deu_Latn"]
    scores = {
        each.pair: each.value
        for each in pair_scores(store, ScoreQuestion("several", "bleu", test_set=TALKS), model="a")
    }
    assert rows[0]["bleu"] == scores[DE_EN]


def test_a_system_whose_scores_are_quoted_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"The scores of paper are quoted from {QUOTED}.*cite their source"):
        model_index(store, "several", "paper")
    with pytest.raises(StoreError, match="cite their source"):
        write_results(store, "several", tmp_path / "out", system="paper")
    assert not (tmp_path / "out").exists()


def test_verify_says_that_quoted_scores_are_not_in_it(dragoman: Run, home: Path) -> None:
    done = dragoman("verify", str(home / "several.tar"), "--workers", "1")
    assert done.code == 0
    assert f"Not in it: paper, whose scores are quoted from {QUOTED}" in " ".join(done.out.split())
    done = dragoman("verify", str(home / "several.tar"), "--workers", "1", "--json")
    (absent,) = json.loads(done.out)["left_out"]
    assert absent["name"] == "paper" and json.loads(done.out)["findings"] == []
