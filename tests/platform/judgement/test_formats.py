"""Campaigns as the tools take them, and judgements as they give them back, in the layouts that their sources show."""

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dragoman.judgement.campaign import Campaign, campaign
from dragoman.judgement.formats import appraise, esa, mqm, pearmut
from dragoman.judgement.importing import Format, exported, import_judgements
from dragoman.judgement.selection import Method, choose
from dragoman.judgement.texts import GridTexts
from dragoman.pair import Pair
from dragoman.rating import Protocol, Severity, Side, Span
from dragoman.store.store import Store

EN_DE = Pair("en", "de")
SYSTEMS = ("base", "good", "noise")


def made(
    texts: GridTexts, protocol: Protocol = Protocol.ESA, raters: int = 3, each: int = 2, seed: int = 1
) -> Campaign:
    own = texts.of(EN_DE)
    choice = choose(own, SYSTEMS, method=Method.RANDOM, items=6, metric=None, seed=seed)
    return campaign(own, SYSTEMS, choice, protocol=protocol, raters=raters, each=each, seed=seed)


@pytest.fixture
def written(store: Store, texts: GridTexts) -> Campaign:
    """A campaign of all six lines, which is in the store."""
    found = made(texts)
    store.judgements.add_campaign(found.record)
    return found


def code_of(written: Campaign, system: str) -> str:
    (code,) = (code for code, each in written.record.systems.items() if written.texts.by_cell[each.cell] == system)
    return code


def test_every_document_has_as_many_raters_as_asked_for(texts: GridTexts) -> None:
    found = made(texts)
    judged = Counter((task.code, task.document.name) for _, task in found.items())
    assert set(judged.values()) == {2}
    assert len(judged) == 3 * len(found.documents) == 9
    loads = Counter(rater for rater, task in found.items() for _ in task.texts)
    assert set(loads) == {"rater1", "rater2", "rater3"} and loads.total() == 2 * 3 * 6
    # every two raters have something in common
    names = {rater: {task.document.name for own, task in found.items() if own == rater} for rater in loads}
    assert all(names[one] & names[other] for one in names for other in names)


def test_the_same_arguments_make_the_same_campaign(texts: GridTexts) -> None:
    one, other = made(texts), made(texts, seed=2)
    assert pearmut.write_campaign(one) == pearmut.write_campaign(made(texts))
    assert one.record == made(texts).record
    assert other.record.id != one.record.id
    assert one.record.id.startswith("en-de-")


@pytest.mark.parametrize(
    "write", [pearmut.write_campaign, appraise.write_campaign, mqm.write_campaign, esa.write_campaign]
)
def test_no_campaign_names_its_systems(written: Campaign, write: Any) -> None:
    text = write(written)
    cells = [each.cell for each in written.record.systems.values()]
    assert not re.search("|".join(rf"\b{name}\b(?<!-base)" for name in (*SYSTEMS, *cells)), text)


def test_a_campaign_of_pearmut(written: Campaign) -> None:
    content = json.loads(pearmut.write_campaign(written))
    assert content["campaign_id"] == written.record.id
    assert content["info"]["assignment"] == "task-based" and content["info"]["protocol"] == "ESA"
    assert content["info"]["users"] == ["rater1", "rater2", "rater3"]
    documents = [document for task in content["data"] for document in task]
    assert len(documents) == 18 and all(len(item["tgt"]) == 1 for document in documents for item in document)
    lengths = Counter(len(document) for document in documents)
    assert lengths == {1: 6, 2: 6, 3: 6}  # documents are whole


def test_a_campaign_of_pearmut_that_assigns_as_it_goes(written: Campaign) -> None:
    content = json.loads(pearmut.write_campaign(written, pearmut.Assignment.DYNAMIC))
    assert content["info"]["assignment"] == "dynamic" and content["info"]["dynamic_models"] == 3
    assert [len(document) for document in content["data"]] == [len(each.lines) for each in written.documents]
    assert all(set(item["tgt"]) == set(written.record.systems) for document in content["data"] for item in document)


def test_a_campaign_of_appraise(written: Campaign) -> None:
    batches = json.loads(appraise.write_campaign(written))
    assert [len(batch["items"]) for batch in batches] == [100, 100, 100]  # Appraise skips others
    keys = {"mqm", "documentID", "sourceID", "targetID", "itemType", "sourceText", "targetText", "itemID", "_item"}
    for batch in batches:
        assert all(set(item) == keys | {"isCompleteDocument"} for item in batch["items"])
        assert batch["task"] == {
            "batchNo": batch["task"]["batchNo"], "randomSeed": 1, "requiredAnnotations": 1, "sourceLanguage": "eng",
            "targetLanguage": "deu",
        }  # fmt: skip
    items = [item for batch in batches for item in batch["items"]]
    assert Counter(item["itemType"] for item in items)["TGT"] == 2 * 3 * 6
    assert all(item["documentID"].endswith("#dup") == (item["itemType"] == "CHK") for item in items)
    assert all(len(item["documentID"]) <= 100 and "+" not in item["targetID"] for item in items)
    manifest = appraise.manifest(written)
    assert manifest["TASKS_TO_ANNOTATORS"] == [["eng", "deu", "uniform", 3, 3]]
    assert manifest["TASK_OPTIONS"] == "ESA"


def entry(
    written: Campaign, system: str, line: int, rater: str, score: float | None, spans: list[dict[str, Any]]
) -> Any:
    """What Pearmut logs of a document of one line."""
    code = code_of(written, system)
    judged = written.texts.at(system, line)
    return {
        "annotation": [{code: {"score": score, "error_spans": spans}}],
        "actions": [{"time": 1000.0, "action": "load"}, {"time": 1030.0}, {"time": 2000.0, "action": "submit"}],
        "item": [{"src": judged.source, "tgt": {code: judged.text}, "item_id": f"{written.record.id}#{line}"}],
        "user_id": rater, "item_i": 0,
    }  # fmt: skip


@pytest.mark.parametrize("layout", ["lines", "download", "list"])
def test_annotations_of_pearmut(store: Store, written: Campaign, tmp_path: Path, layout: str) -> None:
    target = written.texts.at("noise", 1).text
    at = target.index("🙂")
    units = len(target[:at].encode("utf-16-le")) // 2
    missing = len(target.encode("utf-16-le")) // 2
    spans = [
        {"start_i": units + 1, "end_i": units + 2, "severity": "major", "category": None},
        {"start_i": missing, "end_i": missing, "severity": "minor", "category": None},
    ]
    entries = [
        entry(written, "noise", 1, "rater1", 12, []),
        {"annotation": "__RESET__", "user_id": "rater1"},
        entry(written, "noise", 1, "rater1", 20, spans),
        entry(written, "good", 1, "rater1", 90, []),
        entry(written, "good", 1, "rater1", 95, []),
        {**entry(written, "good", 1, "rater1", 95, []), "item_i": "welcome_0"},
    ]
    path = tmp_path / "annotations.json"
    if layout == "lines":
        path.write_text("".join(json.dumps(each) + "\n" for each in entries))
    else:
        path.write_text(json.dumps(entries if layout == "list" else {written.record.id: entries}))
    done = import_judgements(store, "g", path, Format.PEARMUT)
    assert done.recorded == (2, 0, 0)
    assert done.left_out == {"reset": 1, "annotated again": 1, "forms, tutorials or checks": 1}
    found = {each.cell: each for each in store.judgements.of_grid("g")}
    ratings = {written.texts.by_cell[cell]: each.rating for cell, each in found.items()}
    assert ratings["good"].score == 95 and ratings["good"].spans == ()
    assert ratings["noise"].spans == (
        Span(start=at, end=at + 2, severity=Severity.MAJOR),
        Span(severity=Severity.MINOR),
    )
    assert ratings["noise"].seconds == 30 + 61  # a longer pause counts as a minute, as in Pearmut
    assert {each.campaign for each in found.values()} == {written.record.id}
    assert import_judgements(store, "g", path, Format.PEARMUT).recorded == (0, 2, 0)


def scores(rows: list[list[Any]]) -> str:
    """What `ExportSystemScoresToCSV` prints."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_MINIMAL).writerows(rows)
    return out.getvalue()


def test_scores_of_appraise(store: Store, written: Campaign, tmp_path: Path) -> None:
    code, document = code_of(written, "base"), f"{written.record.id}#doc1"
    spans = [
        {"start_i": 0, "end_i": 4, "severity": "minor", "error_type": None},
        {"start_i": "missing", "end_i": "missing", "severity": "undecided"},
    ]
    row = ["engdeu0101", code, 2, "TGT", "eng", "deu", 78, document, False, json.dumps(spans), 100.0, 130.5]
    again = ["engdeu0101", code, 2, "CHK", "eng", "deu", 78, f"{document}#dup", False, "[]", 100.0, 130.5]
    path = tmp_path / "scores.csv"
    path.write_text(scores([row, again]))
    done = import_judgements(store, "g", path, Format.APPRAISE)
    assert done.recorded.new == 1 and done.left_out == {"repeated or checking items": 1}
    (found,) = store.judgements.of_grid("g")
    assert found.rating.model_dump(exclude={"rated"}) == {
        "rater": "engdeu0101", "protocol": "esa", "score": 78.0, "seconds": 30.5,
        "spans": (
            {"side": "target", "start": 0, "end": 5, "severity": "minor", "category": None},
            {"side": "target", "start": None, "end": None, "severity": None, "category": None},
        ),
    }  # fmt: skip
    assert (found.line, written.texts.by_cell[found.cell], found.rating.rated.timestamp()) == (2, "base", 130.5)


def test_scores_of_appraise_of_mqm_have_errors_alone(store: Store, texts: GridTexts, tmp_path: Path) -> None:
    written = made(texts, Protocol.MQM)
    store.judgements.add_campaign(written.record)
    spans = [{"start_i": 0, "end_i": 4, "severity": "major", "error_type": ["Accuracy", "Mistranslation"]}]
    row = [
        "ann",
        code_of(written, "base"),
        1,
        "TGT",
        "eng",
        "deu",
        0,
        f"{written.record.id}#doc1",
        False,
        json.dumps(spans),
        1.0,
        2.0,
    ]
    path = tmp_path / "scores.csv"
    path.write_text(scores([row]))
    import_judgements(store, "g", path, Format.APPRAISE)
    (found,) = store.judgements.of_grid("g")
    assert (found.rating.protocol, found.rating.score, found.rating.value) == (Protocol.MQM, None, -5)
    assert found.rating.spans[0].category == "Accuracy/Mistranslation"


def test_the_mqm_table_of_google(store: Store, texts: GridTexts, tmp_path: Path) -> None:
    """Rows as in `ted/ende/mqm_ted_ende.tsv` of google/wmt-mqm-human-evaluation, with a comment as the tenth column."""
    own = texts.of(EN_DE)
    one, two = own.at("base", 2), own.at("good", 2)
    words = one.text.split()
    marked = one.text.replace(words[0], f"<v>{words[0]}</v>", 1)
    rows = [
        ["system", "doc", "doc_id", "seg_id", "rater", "source", "target", "category", "severity", "comment"],
        ["base", "talk.1", "2", "2", "rater1", one.source, marked, "Accuracy/Mistranslation", "Major", "bad"],
        [
            "base",
            "talk.1",
            "2",
            "2",
            "rater1",
            one.source.replace("today", "<v>today</v>"),
            one.text,
            "Accuracy/Omission",
            "Minor",
            "",
        ],
        ["good", "talk.1", "2", "2", "rater1", two.source, two.text, "No-error", "No-error", ""],
        ["good", "talk.1", "2", "2", "rater2", two.source, two.text, "", "", ""],
        ["good", "talk.1", "2", "2", "rater3", two.source, two.text, "Found", "HOTW-test", ""],
    ]
    path = tmp_path / "mqm.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in rows))
    done = import_judgements(store, "g", path, Format.MQM, pair="en-de")
    assert done.recorded.new == 2 and done.left_out == {"not rated": 1, "tests of raters": 1}
    found = {own.by_cell[each.cell]: each.rating for each in store.judgements.of_grid("g")}
    start = one.source.index("today")
    assert found["base"].spans == (
        Span(start=0, end=len(words[0]), severity=Severity.MAJOR, category="Accuracy/Mistranslation"),
        Span(side=Side.SOURCE, start=start, end=start + 5, severity=Severity.MINOR, category="Accuracy/Omission"),
    )
    assert found["base"].value == -6 and found["good"].value == 0
    table = exported(store, "g", Format.MQM, pair="en-de").splitlines()
    assert [line.split("\t")[:9] for line in table][1:] == [
        [*row[:1], "doc1", *row[2:9]] for row in sorted(rows[1:4], key=lambda row: (own.cells[row[0]].cell.id, row[0]))
    ]


def test_the_table_of_wmt24(store: Store, texts: GridTexts, tmp_path: Path) -> None:
    """An object as in `jsonl/wmt24_esa.jsonl` of wmt-conference/wmt24-news-systems: lines are numbered from 0."""
    judged = texts.of(EN_DE).at("base", 3)
    row = {
        "langs": "en-de", "line_id": 2, "src": judged.source, "tgt": judged.text, "doc_id": "d", "domain": "news",
        "esa_spans": [{"start_i": 0, "end_i": 2, "severity": "major", "error_type": None}], "esa_score": "67",
        "times": ["10.0", "25.0"], "system": "base", "annotator": "engdeu0101", "speech_info": None,
    }  # fmt: skip
    path = tmp_path / "esa.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n")
    import_judgements(store, "g", path, Format.ESA)
    (found,) = store.judgements.of_grid("g")
    assert (found.line, found.rating.score, found.rating.seconds) == (3, 67, 15)
    assert found.rating.spans == (Span(start=0, end=3, severity=Severity.MAJOR),)


@pytest.mark.parametrize("form", [Format.MQM, Format.ESA])
def test_a_table_that_a_rater_has_filled_in(store: Store, texts: GridTexts, tmp_path: Path, form: Format) -> None:
    written = made(texts, Protocol(form.value))
    store.judgements.add_campaign(written.record)
    path = tmp_path / "table"
    lines = (mqm if form is Format.MQM else esa).write_campaign(written).splitlines()
    if form is Format.MQM:
        cells = lines[1].split("\t")
        cells[6:9] = [f"<v>{cells[6]}</v>", "Style/Awkward", "minor"]
        lines[1] = "\t".join(cells)
    else:
        row = json.loads(lines[0]) | {"esa_score": 55}
        lines[0] = json.dumps(row)
    path.write_text("\n".join(lines) + "\n")
    done = import_judgements(store, "g", path, form)
    assert (len(done.found), done.left_out) == (1, {"not rated": 2 * 3 * 6 - 1})
    (found,) = store.judgements.of_grid("g")
    assert found.campaign == written.record.id and found.rating.value == (-1 if form is Format.MQM else 55)
    assert found.cell in {each.cell for each in written.record.systems.values()}
