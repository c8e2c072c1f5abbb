"""Files that are not judgements of a grid's translations: one sentence that names the line, and nothing written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.errors import DragomanError
from dragoman.judgement.campaign import campaign
from dragoman.judgement.importing import Format, import_judgements
from dragoman.judgement.selection import Method, choose
from dragoman.judgement.texts import GridTexts
from dragoman.pair import Pair
from dragoman.rating import Protocol
from dragoman.store.store import Store

EN_DE = Pair("en", "de")
HEADER = "system\tdoc\tdoc_id\tseg_id\trater\tsource\ttarget\tcategory\tseverity\n"


class Lines:
    """Makes files of judgements of the English-German translations."""

    def __init__(self, texts: GridTexts) -> None:
        self._texts = texts.of(EN_DE)

    def esa(self, **changed: Any) -> bytes:
        judged = self._texts.at("base", 1)
        row = {
            "langs": "en-de", "line_id": 0, "src": judged.source, "tgt": judged.text, "doc_id": "d", "esa_score": 50,
            "esa_spans": [], "system": "base", "annotator": "ann",
        }  # fmt: skip
        return (json.dumps(row | changed) + "\n").encode()

    def mqm(self, **changed: str) -> bytes:
        judged = self._texts.at("base", 1)
        row = {
            "system": "base", "doc": "d", "doc_id": "1", "seg_id": "1", "rater": "ann", "source": judged.source,
            "target": f"<v>{judged.text}</v>", "category": "Other", "severity": "Major",
        }  # fmt: skip
        return ("\t".join((row | changed).values()) + "\n").encode()

    def score(self, code: str, document: str, **changed: Any) -> bytes:
        row = {
            "user": "ann", "system": code, "item": 1, "type": "TGT", "source": "eng", "target": "deu", "score": 50,
            "document": document, "complete": False, "errors": "[]", "began": 1, "ended": 2,
        }  # fmt: skip
        return (",".join(map(str, (row | changed).values())) + "\n").encode()

    def annotation(self, **changed: Any) -> bytes:
        judged = self._texts.at("base", 1)
        entry = {
            "annotation": [{"base": {"score": 50, "error_spans": []}}], "actions": [{"time": 1.0}],
            "item": [{"src": judged.source, "tgt": {"base": judged.text}}], "user_id": "ann", "item_i": 0,
        }  # fmt: skip
        return (json.dumps(entry | changed) + "\n").encode()


@pytest.fixture
def lines(texts: GridTexts) -> Lines:
    return Lines(texts)


def span(first: Any, last: Any, severity: Any = "minor") -> list[dict[str, Any]]:
    return [{"start_i": first, "end_i": last, "severity": severity}]


ESA: dict[str, tuple[Callable[[Lines], bytes], str]] = {
    "unknown system": (lambda lines: lines.esa() + lines.esa(system="bose"), "line 2: no system 'bose' .*mean 'base'"),
    "other text": (lambda lines: lines.esa(tgt="Ein Hund schlief."), "line 1: the translation by base of line 1 of"),
    "other line": (lambda lines: lines.esa(line_id=1), "line 1: the translation by base of line 2 of en-de is"),
    "no such line": (lambda lines: lines.esa(line_id=6), "line 1: there is no line 7: the test set has 6"),
    "no line number": (lambda lines: lines.esa(line_id="first"), "line 1: line_id is 'first'"),
    "beyond the text": (lambda lines: lines.esa(esa_spans=span(0, 500)), "line 1: an error is marked from character 0"),
    "before the text": (lambda lines: lines.esa(esa_spans=span(-1, 3)), "line 1: an error is marked from character -1"),
    "ends first": (lambda lines: lines.esa(esa_spans=span(4, 2)), "line 1: an error is marked from character 4 to 2"),
    "no place": (lambda lines: lines.esa(esa_spans=span("a", 2)), "line 1: start_i is 'a'"),
    "no severity": (lambda lines: lines.esa(esa_spans=span(0, 2, "awful")), "line 1: 'awful' is no severity"),
    "marked twice": (lambda lines: lines.esa(esa_spans=span(0, 2) * 2), "line 1: the same error is marked twice"),
    "out of range": (lambda lines: lines.esa(esa_score=101), "line 1: score is 101.0: input should be less than"),
    "negative": (lambda lines: lines.esa(esa_score=-1), "line 1: score is -1.0"),
    "no number": (lambda lines: lines.esa(esa_score="good"), "line 1: esa_score is 'good', which is no number"),
    "not a number": (lambda lines: lines.esa(esa_score=float("nan")), "line 1: esa_score is nan"),
    "no score": (lambda lines: lines.esa(esa_score=None, esa_spans=span(0, 1)), "line 1: there is no score"),
    "no rater": (lambda lines: lines.esa(annotator=""), "line 1: rater is ''"),
    "twice": (lambda lines: lines.esa() + lines.esa(esa_score=51), r"line 2: ann has judged .* before \(.*line 1\)"),
    "other pair": (lambda lines: lines.esa(langs="en-fr"), "has no pair 'en-fr'"),
    "no JSON": (lambda lines: lines.esa() + b"{oops\n", "line 2 is no JSON"),
    "no object": (lambda lines: b"[]\n", r"line 1: the row is \[\]"),
    "Latin-1": (lambda lines: lines.esa() + "Vögel\n".encode("latin-1"), "line 2, is not UTF-8"),
    "UTF-16": (lambda lines: "ab".encode("utf-16-le"), "line 1, holds the character U"),
    "unknown campaign": (lambda lines: lines.esa(campaign="en-de-0"), "no judgement campaign 'en-de-0'"),
}  # fmt: skip
MQM: dict[str, tuple[Callable[[Lines], bytes], str]] = {
    "unknown system": (lambda lines: lines.mqm(system="x"), "line 2: no system 'x' has translated en-de"),
    "other text": (lambda lines: lines.mqm(target="<v>Ein</v> Hund"), "line 2: the translation by base of line 1"),
    "other source": (lambda lines: lines.mqm(source="A cat."), "line 2: the source is 'A cat.', and that of line 1 is"),
    "two marks": (lambda lines: lines.mqm(target="<v>A</v> <v>b</v>"), "line 2: the translation by base of line 1"),
    "no severity": (lambda lines: lines.mqm(severity="huge"), "line 2: 'huge' is no severity"),
    "undecided": (lambda lines: lines.mqm(severity="undecided"), "line 2: an error has no severity, which the MQM"),
    "too few columns": (lambda lines: b"base\td\t1\n", "line 2, has 3 columns, and the first line 9"),
    "no line number": (lambda lines: lines.mqm(seg_id="one"), "line 2: seg_id is 'one'"),
    "no rater": (lambda lines: lines.mqm(rater=""), "line 2: rater is ''"),
    "twice": (lambda lines: lines.mqm() * 2, r"line 3: the same error stands in the file before \(.*line 2\)"),
    "error and none": (lambda lines: lines.mqm() + lines.mqm(severity="No-error"), "line 3: ann found no error"),
    "Latin-1": (lambda lines: lines.mqm(doc="d") + "Vögel\n".encode("latin-1"), "line 3, is not UTF-8"),
}  # fmt: skip


def refused(store: Store, path: Path, form: Format, match: str, **options: Any) -> None:
    with pytest.raises(DragomanError, match=match) as caught:
        import_judgements(store, "g", path, form, **options)
    assert str(caught.value).count("\n") == 0
    assert store.judgements.of_grid("g") == []


@pytest.mark.parametrize("name", ESA)
def test_a_wrong_table_of_esa(store: Store, lines: Lines, tmp_path: Path, name: str) -> None:
    path = tmp_path / "esa.jsonl"
    path.write_bytes(ESA[name][0](lines))
    refused(store, path, Format.ESA, ESA[name][1])


@pytest.mark.parametrize("name", MQM)
def test_a_wrong_table_of_mqm(store: Store, lines: Lines, tmp_path: Path, name: str) -> None:
    path = tmp_path / "mqm.tsv"
    path.write_bytes(HEADER.encode() + MQM[name][0](lines))
    refused(store, path, Format.MQM, MQM[name][1], pair="en-de")


def test_a_table_without_the_columns(store: Store, lines: Lines, tmp_path: Path) -> None:
    path = tmp_path / "mqm.tsv"
    path.write_bytes(lines.mqm())
    refused(store, path, Format.MQM, "line 1, has no column 'system'", pair="en-de")


def test_a_pair_has_to_be_named_where_there_are_several(store: Store, lines: Lines, tmp_path: Path) -> None:
    path = tmp_path / "mqm.tsv"
    path.write_bytes(HEADER.encode() + lines.mqm())
    refused(store, path, Format.MQM, "Grid 'g' has 2 pairs: name one with --pair")
    path.write_bytes(lines.esa())
    refused(store, path, Format.ESA, "is of en-de, and --pair is en-ar", pair="en-ar")


def test_wrong_scores_of_appraise(store: Store, texts: GridTexts, lines: Lines, tmp_path: Path) -> None:
    own = texts.of(EN_DE)
    choice = choose(own, ["base"], method=Method.RANDOM, items=6, metric=None, seed=1)
    made = campaign(own, ["base"], choice, protocol=Protocol.ESA, raters=1, each=1, seed=1)
    path, document = tmp_path / "scores.csv", f"{made.record.id}#doc1"
    path.write_bytes(lines.score("system1", document))
    refused(store, path, Format.APPRAISE, "line 1: '.*' is of no campaign that was written here")
    store.judgements.add_campaign(made.record)
    for changed, match in (
        ({"code": "system7"}, "line 1: the campaign .* has no system 'system7'"),
        ({"score": 300}, "line 1: score is 300.0"),
        ({"item": 7}, "line 1: there is no line 7"),
        ({"item": "x"}, "line 1: the item is 'x'"),
        ({"errors": "{"}, "line 1, errors, is no JSON"),
        ({"errors": '"[{""start_i"":0,""end_i"":99,""severity"":""minor""}]"'}, "line 1: an error is marked from"),
        ({"began": 9}, "line 1: seconds is -7"),
        ({"ended": "1e300"}, "line 1: 1e\\+300 is no time"),
    ):
        path.write_bytes(lines.score(changed.pop("code", "system1"), document, **changed))
        refused(store, path, Format.APPRAISE, match)
    path.write_bytes(b"ann,system1\n")
    refused(store, path, Format.APPRAISE, "line 1, has 2 columns")


def test_wrong_annotations_of_pearmut(store: Store, lines: Lines, tmp_path: Path) -> None:
    path = tmp_path / "annotations.jsonl"
    for changed, match in (
        ({"annotation": [{"bose": {"score": 5}}]}, "line 2: the translation of bose is None"),
        ({"annotation": [{"base": {"score": None}}]}, "line 2: there is no score"),
        ({"annotation": [{"base": {"score": 1, "error_spans": span(0, 900)}}]}, "line 2: an error is marked from"),
        ({"annotation": []}, "line 2: there are 1 items and 0 annotations"),
        ({"annotation": 5}, "line 2: the list of annotations is 5"),
        ({"item": [{"tgt": {"base": "x"}}]}, "line 2: base has no such translation"),
        ({"user_id": 3}, "line 2: rater is 3"),
    ):
        path.write_bytes(lines.annotation(user_id="bob") + lines.annotation(**changed))
        refused(store, path, Format.PEARMUT, match, pair="en-de")


@pytest.mark.parametrize("form", Format)
def test_no_file(store: Store, tmp_path: Path, form: Format) -> None:
    refused(store, tmp_path / "none", form, "none can't be read")
    refused(store, tmp_path, form, "can't be read|is a")


def test_another_judgement_by_the_same_rater_is_replaced_on_request_alone(
    store: Store, lines: Lines, tmp_path: Path
) -> None:
    path = tmp_path / "esa.jsonl"
    path.write_bytes(lines.esa())
    assert import_judgements(store, "g", path, Format.ESA, dry_run=True).recorded.new == 1
    assert store.judgements.of_grid("g") == []
    assert import_judgements(store, "g", path, Format.ESA).recorded == (1, 0, 0)
    assert import_judgements(store, "g", path, Format.ESA).recorded == (0, 1, 0)
    path.write_bytes(lines.esa(esa_score=10, esa_spans=span(0, 2)))
    with pytest.raises(DragomanError, match=r"ann has judged line 1 of cell .* otherwise: .*--replace"):
        import_judgements(store, "g", path, Format.ESA)
    assert import_judgements(store, "g", path, Format.ESA, replace=True).recorded == (0, 0, 1)
    (found,) = store.judgements.of_grid("g")
    assert (found.rating.score, len(found.rating.spans)) == (10, 1)
