import csv
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic_core import to_jsonable_python

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.partition import Partition
from dragoman.store.database.change_token import Stamp
from dragoman.store.records import JobState
from dragoman_ui.api.scores import ENDPOINTS
from dragoman_ui.responses import cache
from dragoman_ui.viewmodels.store import open_store

ROOT = "/ajax-api/3.0/dragoman"
ASKED = {"grid": "demo", "model": "roles", "metric": "chrf++"}


def ask(client: FlaskClient, path: str, **question: object) -> dict:  # type: ignore[type-arg]
    answer = client.get(f"{ROOT}/{path}", query_string=question)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    found: dict = json.loads(answer.text)  # type: ignore[type-arg]
    return found


def test_grids(client: FlaskClient) -> None:
    assert [grid["name"] for grid in ask(client, "grids")["grids"]] == ["demo"]
    grid = ask(client, "grid", grid="demo")
    assert grid["models"] == ["base", "english-centric", "roles"]
    assert grid["metrics"] == ["bleu", "chrf++"]
    assert ask(client, "progress", grid="demo")["models"]["roles"] == {"done": 28, "failed": 1, "missing": 1}


def test_numbers_are_the_stores(client: FlaskClient) -> None:
    store = open_store()
    found = ask(client, "pairs", **ASKED)
    assert found["view"].items() >= {**ASKED, "signature": None, "show": "score", "order": "grid"}.items()
    expected = [
        to_jsonable_python(score) for score in pair_scores(store, ScoreQuestion("demo", "chrf++"), model="roles")
    ]
    assert found["pairs"] == expected
    table = ask(client, "partitions", **ASKED)
    assert table["rows"] == [
        row.model_dump(mode="json") for row in partition_table(store, ScoreQuestion("demo", "chrf++"), model="roles")
    ]
    gap = partition_gap(
        store, ScoreQuestion("demo", "chrf++"), model="roles", better=Partition.SEEN, worse=Partition.RECOMBINED
    )
    assert table["gap"] == (gap and gap.model_dump(mode="json"))


def test_models_cells_and_logs(client: FlaskClient, made: Any) -> None:
    models = ask(client, "models", grid="demo")["models"]
    assert [(each["name"], each["pairs"], each["base"]) for each in models][:2] == [
        ("base", 0, True),
        ("english-centric", 10, False),
    ]
    roles = ask(client, "model", grid="demo", model="roles")
    assert roles["seen"][0] == ["de", "en", 1000]
    assert roles["parent"] == models[0]["id"]
    cells = ask(client, "cells", grid="demo", source=made.failed.source, target=made.failed.target)["cells"]
    assert [cell["state"] for cell in cells] == ["done", "done", "failed"]
    assert made.script in cells[2]["reason"]
    assert ask(client, "log", grid="demo")["job"]["state"] == "done"
    assert ask(client, "campaigns") == {"campaigns": {}}
    assert ask(client, "contamination", grid="demo", model="roles") == {"records": []}
    assert ask(client, "audit", outcome="refused") == {"records": [], "found": 0}


def test_pairs_are_told_in_parts(client: FlaskClient) -> None:
    every = ask(client, "pairs", **ASKED)
    parts = [ask(client, "pairs", **ASKED, offset=offset, limit=20) for offset in (0, 20, 40)]
    assert [len(part["pairs"]) for part in parts] == [20, 10, 0]
    assert [pair for part in parts for pair in part["pairs"]] == every["pairs"]
    assert every["found"] == 30


def test_answers_hold_until_the_store_changes(client: FlaskClient) -> None:
    def tag(path: str) -> str:
        return str(client.get(f"{ROOT}/{path}").headers["ETag"])

    before = tag("log?grid=demo")
    assert client.get(f"{ROOT}/log?grid=demo", headers={"If-None-Match": before}).status_code == 304
    store = open_store()
    job = store.jobs.start("demo", "another-host-1")
    assert tag("log?grid=demo") != before
    assert ask(client, "log", grid="demo")["job"]["id"] == job
    store.jobs.end(job, JobState.DONE)


def test_scores_hold_while_others_are_written(client: FlaskClient) -> None:
    def tag(path: str) -> str:
        return str(client.get(f"{ROOT}/{path}").headers["ETag"])

    heavy = [f"{path}?grid=demo&model=roles" for path in ("pairs", "matrix", "partitions", "comparison")]
    heavy += [f"table?grid=demo&model=roles&table={name}" for name in ("pairs", "matrix", "partitions")]
    heavy += [f"comparison_table?grid=demo&model=roles&table={name}" for name in ("scopes", "losses", "pairs")]
    before = {path: tag(path) for path in heavy}
    store = open_store()
    job = store.jobs.start("demo", "another-host-1")
    store.jobs.end(job, JobState.DONE)
    assert {path: tag(path) for path in heavy} == before


def test_no_two_processes_have_a_stamp_in_common(client: FlaskClient) -> None:
    database = open_store().database
    assert Stamp(database).now() != Stamp(database).now()


def test_a_question_that_fails_leaves_no_lock(client: FlaskClient) -> None:
    assert client.get(f"{ROOT}/cells?grid=demo&source=en&target=fr").status_code == 200
    assert client.get(f"{ROOT}/sentences?grid=demo&source=en&target=fr").status_code == 404
    assert cache._making == {}


def test_matrix_of_differences_is_to_the_other_model(client: FlaskClient) -> None:
    found = ask(client, "matrix", **ASKED, show="difference")
    assert found["view"]["against"] == "english-centric"  # as on the page: the first finetuned one
    others = {
        score.pair: score.value
        for score in pair_scores(open_store(), ScoreQuestion("demo", "chrf++"), model="english-centric")
    }
    tiles = {
        (source, target): tile
        for source, row in zip(found["sources"], found["tiles"], strict=True)
        for target, tile in zip(found["targets"], row, strict=True)
        if tile
    }
    assert {pair: tile[6] for pair, tile in tiles.items() if tile[3] is not None} == {
        pair: others[pair]
        for pair, tile in tiles.items()
        if tile[3] is not None  # type: ignore[index]
    }
    assert {tile[0][0] for tile in tiles.values()} == {"d", "s"}
    to_base = ask(client, "matrix", **ASKED, show="difference", against="base")
    assert to_base["tiles"] == ask(client, "matrix", **ASKED, show="gain")["tiles"]


def test_matrix_is_the_pages(client: FlaskClient, made: Any) -> None:
    found = ask(client, "matrix", **ASKED, order="name")
    assert found["sources"] == found["targets"] == ["ar", "zh-Hans", "en", "de", "hi", "ru"]
    assert [[tile is None for tile in row] for row in found["tiles"]] == [
        [y == x for x in range(len(made.languages))] for y in range(len(made.languages))
    ]
    values = {
        score.pair: score.value for score in pair_scores(open_store(), ScoreQuestion("demo", "chrf++"), model="roles")
    }
    looks = {}
    for source, row in zip(found["sources"], found["tiles"], strict=True):
        for target, tile in zip(found["targets"], row, strict=True):
            if tile:
                looks[source, target] = tile[0]
                assert tile[3] == values[source, target]  # type: ignore[index]
    assert {look[0] for look in looks.values()} == {"q", "s"}


def test_sentences(client: FlaskClient, made: Any) -> None:
    found = ask(client, "sentences", grid="demo", source="eng_Latn", target="German", search="ALERT")
    assert found["found"] == 1
    segment = found["segments"][0]
    assert segment["number"] == 1
    centric = next(each for each in segment["hypotheses"] if each["model"] == "english-centric")
    assert centric["text"] == made.script
    assert "".join(text for text, _ in centric["parts"]) == made.script
    worst = ask(client, "sentences", grid="demo", source="en", target="de", sentences="worst")["segments"]
    lowest = [min(each["score"] for each in segment["hypotheses"]) for segment in worst]
    assert lowest == sorted(lowest)
    two = ask(client, "sentences", grid="demo", source="en", target="de", beside=["roles", "base"])
    assert [each["model"] for each in two["candidates"]] == ["roles", "base"]


def test_a_search_does_not_reach_from_one_text_into_the_next(client: FlaskClient) -> None:
    segment = ask(client, "sentences", grid="demo", source="en", target="de")["segments"][0]
    across = f"{segment['source'][-3:]} {segment['reference'][:3]}"
    assert ask(client, "sentences", grid="demo", source="en", target="de", search=across)["found"] == 0


def test_comparison(client: FlaskClient) -> None:
    found = ask(client, "comparison", **ASKED, against="english-centric")
    assert (found["a"], found["b"]) == ("english-centric", "roles")
    assert len(found["pairs"]) == 28
    every = next(scope for scope in found["scopes"] if scope["scope"] == "all")
    assert every["wins"] + every["losses"] + every["ties"] == 28


@pytest.mark.parametrize("form", ["csv", "json", "latex", "markdown"])
@pytest.mark.parametrize("table", ["partitions", "matrix", "pairs"])
def test_tables_download(client: FlaskClient, table: str, form: str) -> None:
    answer = client.get(f"{ROOT}/table", query_string={**ASKED, "table": table, "form": form})
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    if form == "csv" and table == "pairs":
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == 30
        assert float(rows[0]["value"]) >= 0
    if form == "latex":
        assert "\\begin{tabular}" in answer.text


@pytest.mark.parametrize("table", ["scopes", "losses", "gains", "pairs"])
def test_comparison_tables_download(client: FlaskClient, table: str) -> None:
    question = {**ASKED, "against": "base", "table": table, "form": "csv"}
    assert client.get(f"{ROOT}/comparison_table", query_string=question).status_code == 200


@pytest.mark.parametrize(
    ("path", "question", "status", "sentence"),
    [
        ("pairs", {}, 400, "lacks the key 'grid': add it."),
        ("pairs", {"grid": "demo", "modle": "x"}, 400, "has no parameter 'modle'; did you mean 'model'?"),
        ("pairs", {"grid": "nope"}, 404, "The store has no grid 'nope': use one of: demo."),
        ("matrix", {"grid": "demo", "show": "gian"}, 400, "use one of 'score', 'gain', 'difference' or 'partition'."),
        ("sentences", {"grid": "demo", "source": "en", "target": "en"}, 400, "pairs en with itself"),
        ("sentences", {"grid": "demo", "source": "en", "target": "xx"}, 400, "'xx' is not a language"),
        ("sentences", {"grid": "demo", "source": "en", "target": "de", "page": "x"}, 400, "valid integer"),
        ("table", {"grid": "demo", "table": "all"}, 400, "use one of 'partitions', 'gap', 'matrix' or 'pairs'."),
    ],
)
def test_mistakes_get_a_sentence(
    client: FlaskClient, path: str, question: dict[str, str], status: int, sentence: str
) -> None:
    answer = client.get(f"{ROOT}/{path}", query_string=question)
    assert answer.status_code == status
    problem = json.loads(answer.text)
    assert problem["error_code"] == {400: "INVALID_PARAMETER_VALUE", 404: "RESOURCE_DOES_NOT_EXIST"}[status]
    assert sentence in problem["message"]


def test_reads_write_nothing_and_writes_need_a_token(client: FlaskClient) -> None:
    for endpoint in ENDPOINTS:
        address = f"{ROOT}/{endpoint.path}"
        for method in (client.post, client.put, client.patch, client.delete):
            is_write = (endpoint.method, method) == ("POST", client.post)
            assert method(address).status_code == (403 if is_write else 405)
        if endpoint.method == "POST":
            assert client.get(address).status_code == 405


def test_whoever_sits_here_may_write_and_nobody_else_where_nobody_signs_in(client: FlaskClient) -> None:
    headers = {"X-Dragoman-Token": ask(client, "session", grid="demo")["token"]}
    body = {"grid": "demo"}
    assert client.post(f"{ROOT}/stop", json=body, headers=headers).status_code == 404  # nothing runs
    far = {"REMOTE_ADDR": "192.0.2.7"}
    refused = client.post(f"{ROOT}/stop", json=body, headers=headers, environ_base=far)
    assert refused.status_code == 403
    assert "only this machine may write" in json.loads(refused.text)["message"]
    assert client.post(f"{ROOT}/stop", json=body, headers=headers | {"Origin": "http://elsewhere"}).status_code == 403


def test_a_write_too_long_or_no_json_is_a_sentence(client: FlaskClient) -> None:
    headers = {"X-Dragoman-Token": ask(client, "session")["token"]}
    for content in (b"{", b"grid=demo", b"[1]", b'{"grid": "' + b"x" * 1_000_000 + b'"}'):
        answer = client.post(f"{ROOT}/retry", data=content, headers=headers, content_type="application/json")
        assert answer.status_code == 400
        assert "send a JSON object of at most 1,000,000 bytes" in json.loads(answer.text)["message"]


def test_text_that_only_looks_like_a_nul_is_text(client: FlaskClient) -> None:
    headers = {"X-Dragoman-Token": ask(client, "session")["token"]}
    for name, status in (("a\\u0000b", 404), ("a\0b", 400), ("a\ud800b", 400)):
        answer = client.post(f"{ROOT}/retry", data=json.dumps({"grid": name}), headers=headers,
                             content_type="application/json")  # fmt: skip
        assert answer.status_code == status, answer.text


def test_openapi_describes_every_address(client: FlaskClient) -> None:
    found = ask(client, "openapi.json")
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": ROOT}]
    assert set(found["paths"]) == {f"/{endpoint.path}" for endpoint in ENDPOINTS}
    for endpoint in ENDPOINTS:
        operation = found["paths"][f"/{endpoint.path}"][endpoint.method.lower()]
        assert operation["summary"]
        for parameter in operation["parameters"]:
            assert parameter["description"]
    kinds = set(found["paths"]["/table"]["get"]["responses"]["200"]["content"])
    assert kinds == {"text/csv", "application/json", "text/markdown", "text/x-tex"}
    assert found["components"]["securitySchemes"]["basic"]["scheme"] == "basic"
    assert all("401" in each["responses"] for path in found["paths"].values() for each in path.values())
    referred = {name.rpartition("/")[2] for name in _strings(found) if name.startswith("#/components/schemas/")}
    assert referred <= set(found["components"]["schemas"])


def _strings(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_strings, value.values()))
    if isinstance(value, list):
        return set().union(*map(_strings, value))
    return {value} if isinstance(value, str) else set()
