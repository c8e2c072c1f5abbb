"""A grid asked with several prompts: what a page shows, links to and gives away is of the prompt that it names."""

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.run_table import runs
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import Cell
from dragoman.identity import hash_lines
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store.records import (
    CellOutcome,
    CellRecord,
    DecodingRecord,
    GridRecord,
    ModelRecord,
    PromptRecord,
    StoredScore,
    TestSetRecord,
    Translation,
)
from dragoman.store.store import Store
from dragoman_ui.viewmodels.comparison import columns_beside, scores_beside
from dragoman_ui.viewmodels.view import View

LANGUAGES, METRIC = ("en", "de", "fr"), "chrf++"
FIRST, SECOND, BASELINE = "silent", "mfti", "one-shot"
"""The prompts in the spec's order, which is not that of the alphabet; the last is a baseline's own."""
SPEC = {
    "name": "asked", "base": "tiny", "languages": LANGUAGES, "corpus": "cldr", "prompt": "mfti",
    "models": [{"name": "tuned", "pairs": ["en-de"], "examples": 10,
                "method": {"kind": "full", "learning_rate": 0.001, "steps": 1, "batch_tokens": 64, "warmup_steps": 0}}],
    "baselines": [{"name": BASELINE, "shots": 1}],
    "evaluation": {
        "metrics": [METRIC], "prompts": [{"template": "mfti", "instruction": "none", "name": FIRST}, SECOND],
    },
}  # fmt: skip
GOOD = {("base", FIRST): 0, ("base", SECOND): 2, ("base", BASELINE): 3, ("tuned", FIRST): 1, ("tuned", SECOND): 4}
"""Words of each line that come out right."""
LINES = ["one two three four five", "six seven eight nine ten"]
API = "/ajax-api/3.0/dragoman"


def fill(home: Path) -> None:
    spec = GridSpec.model_validate(SPEC)
    # a plan writes every prompt there, the baselines' own too
    spec = spec.model_copy(update={"evaluation": spec.evaluation.model_copy(update={"prompts": spec.prompts})})
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    for name, graph in (("base", TrainingGraph()), ("tuned", TrainingGraph.of([Pair("en", "de")], 10))):
        parent = None if name == "base" else "m-base"
        store.models.add(ModelRecord(id=f"m-{name}", name=name, parent=parent, base=parent))
        store.models.record_graph(f"m-{name}", graph)
    store.conditions.add_test_set(
        TestSetRecord(id="t", corpus="cldr", revision="r", split="test", sentences=len(LINES))
    )
    store.conditions.add_decoding(DecodingRecord(id=Decoding().id, settings=Decoding().model_dump(mode="json")))
    prompts = {prompt.label: prompt.id for prompt in spec.prompts}
    for prompt in spec.prompts:
        store.conditions.add_prompt(PromptRecord(id=prompt.id, template=prompt.shown))
    test, content = store.blobs.put_test(LINES, LINES), hash_lines([*LINES, *LINES])
    cells = {
        (model, prompt, pair): CellRecord(
            cell=Cell(model=f"m-{model}", test_set="t", content=content, pair=pair, prompt=prompts[prompt],
                      decoding=Decoding().id),
            test=test, segments=len(LINES),
        )
        for model, prompt in GOOD
        for pair in all_pairs(LANGUAGES)
    }  # fmt: skip
    store.grids.add(
        GridRecord(
            name="asked", spec=spec.model_dump(mode="json"), spec_hash="h", models=("m-base", "m-tuned"), base="m-base",
            metrics=(METRIC,), languages=LANGUAGES, names={"m-base": "base", "m-tuned": "tuned"},
        ),
        list(cells.values()),
    )  # fmt: skip
    for (model, prompt, pair), record in cells.items():
        store.cells.advance(started=[record.cell.id], worker="w")
        made = [" ".join([*line.split()[: GOOD[model, prompt]], prompt]) for line in LINES]
        scores = [
            StoredScore(metric=each.metric, signature=each.signature, value=each.value, low=each.low, high=each.high,
                        statistics=pack(each.statistics))
            for each in score([METRIC], pair, LANGUAGES, LINES, made, LINES)
            if isinstance(each, ScoreRecord)
        ]  # fmt: skip
        address = store.blobs.put_translation([(text, "stop", 3) for text in made])
        done = Translation(cell_id=record.cell.id, hypotheses=address, segments=2, tokens=6, cut=0, engine="e",
                           seconds=1.0, worker="w")  # fmt: skip
        store.cells.advance(translated=[CellOutcome(translation=done, scores=scores)])
    store.close()


@pytest.fixture(scope="module")
def asked_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("asked")
    fill(home)
    return home


@pytest.fixture
def store(asked_home: Path, use_home: Callable[[Path], None]) -> Any:
    use_home(asked_home)
    opened = Store.open_existing(f"sqlite:///{asked_home}/store.db", f"file://{asked_home}/blobs")
    yield opened
    opened.close()


@pytest.fixture
def client(store: Any, browse: Callable[..., FlaskClient]) -> FlaskClient:
    return browse()


def ask(client: FlaskClient, path: str, **question: object) -> Any:
    answer = client.get(f"{API}/{path}", query_string={"grid": "asked", **question})
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)


def value_of(store: Any, model: str, prompt: str) -> float:
    scores = pair_scores(store, ScoreQuestion("asked", METRIC, prompt=prompt), model=model)
    return next(score.value for score in scores if score.pair == Pair("en", "de") and score.value is not None)


def shown(page: str) -> str:
    """What stands in the tile of en-de."""
    found = re.search(r'source=en&amp;target=de"[^>]*>([^<]*)</a>', page)
    assert found
    return found[1].strip()


def test_the_first_prompt_of_the_spec_is_shown_and_named(client: FlaskClient, store: Any) -> None:
    page = client.get("/dragoman/grid?grid=asked&model=tuned").text
    assert shown(page) == f"{value_of(store, 'tuned', FIRST):.1f}"
    options = re.search(r'<select name="prompt">(.*?)</select>', page, re.S)
    assert options
    assert re.findall(r'value="([^"]*)"', options[1]) == [FIRST, SECOND]
    assert re.findall(r'value="([^"]*)" selected', options[1]) == [FIRST]
    second = client.get(f"/dragoman/grid?grid=asked&model=tuned&prompt={SECOND}").text
    assert shown(second) == f"{value_of(store, 'tuned', SECOND):.1f}"
    assert f'<option value="{SECOND}" selected>' in second
    cell = client.get("/dragoman/cell?grid=asked&model=tuned&source=en&target=de").text
    assert re.findall(r'<option value="([^"]*)" selected', cell)[0] == FIRST


@pytest.mark.parametrize("page", ["grid", "compare", "partitions", "cell", "runs", "charted", "compared"])
def test_every_link_of_a_page_keeps_its_prompt(client: FlaskClient, page: str) -> None:
    address = f"/dragoman/{page}?grid=asked&model=tuned&prompt={SECOND}&source=en&target=de"
    text = client.get(address).text
    links = {unescape(link) for link in re.findall(r'(?:href|data-part)="([^"]*)"', text)}
    of_scores = [
        link for link in links
        if re.search(r"/(grid|compare|compared|partitions|cell|runs|charted|map|table|comparison_table)\?", link)
    ]  # fmt: skip
    assert of_scores
    assert all(f"prompt={SECOND}" in link for link in of_scores), of_scores


def test_what_is_taken_away_is_what_the_page_shows(client: FlaskClient, store: Any) -> None:
    for prompt in (FIRST, SECOND):
        page = client.get(f"/dragoman/grid?grid=asked&model=tuned&prompt={prompt}").text
        link = unescape(
            re.search(r'href="([^"]*table=pairs[^"]*form=csv|[^"]*form=csv[^"]*table=pairs[^"]*)"', page)[1]
        )  # type: ignore[index]
        rows = list(csv.DictReader(io.StringIO(client.get(link).text)))
        assert len(rows) == 6
        row = next(row for row in rows if (row["source"], row["target"]) == ("en", "de"))
        assert float(row["value"]) == pytest.approx(value_of(store, "tuned", prompt), abs=1e-5)


def test_the_api_takes_the_prompt(client: FlaskClient, store: Any) -> None:
    for prompt in (FIRST, SECOND):
        table = partition_table(store, ScoreQuestion("asked", METRIC, prompt=prompt), model="tuned")
        found = ask(client, "partitions", model="tuned", prompt=prompt)
        assert found["view"]["prompt"] == prompt
        assert found["rows"] == [row.model_dump(mode="json") for row in table]
        pairs = ask(client, "pairs", model="tuned", prompt=prompt)["pairs"]
        wanted = pair_scores(store, ScoreQuestion("asked", METRIC, prompt=prompt), model="tuned")
        assert [pair["value"] for pair in pairs] == [score.value for score in wanted]
        sentences = ask(client, "sentences", source="en", target="de", beside="tuned", prompt=prompt)["segments"]
        assert sentences[0]["hypotheses"][0]["text"].endswith(prompt)
    assert ask(client, "pairs", model="tuned")["view"]["prompt"] == FIRST
    refused = client.get(f"{API}/pairs?grid=asked&model=tuned&prompt={BASELINE}")
    assert refused.status_code == 404
    assert "'tuned' is not asked with the prompt 'one-shot'" in json.loads(refused.text)["message"]


def test_a_difference_is_to_what_is_asked_for(client: FlaskClient, store: Any) -> None:
    asked = {"model": "tuned", "prompt": SECOND}
    found = ask(client, "matrix", **asked, show="difference", against="base")
    tile = found["tiles"][found["sources"].index("en")][found["targets"].index("de")]
    assert tile[6] == pytest.approx(value_of(store, "base", SECOND))
    for against, prompt, other in ((f"base:{FIRST}", FIRST, "base"), (BASELINE, BASELINE, "base"),
                                   (f"tuned:{FIRST}", FIRST, "tuned")):  # fmt: skip
        found = ask(client, "matrix", **asked, show="difference", against=against)
        tile = found["tiles"][found["sources"].index("en")][found["targets"].index("de")]
        assert found["view"]["against"] == against
        assert tile[6] == pytest.approx(value_of(store, other, prompt))


@pytest.mark.parametrize("against", [f"base:{FIRST}", BASELINE, f"tuned:{FIRST}"])
def test_prompts_and_baselines_are_compared_like_models(client: FlaskClient, store: Any, against: str) -> None:
    asked = {"grid": "asked", "model": "tuned", "prompt": SECOND, "against": against}
    name, prompt = ("base", BASELINE) if against == BASELINE else against.split(":")
    delta = value_of(store, "tuned", SECOND) - value_of(store, name, prompt)
    for page in ("compare", "compared"):
        answer = client.get(f"/dragoman/{page}", query_string=asked)
        assert answer.status_code == 200
        assert shown(answer.text).rstrip("*") == f"{delta:+.1f}"
    found = ask(client, "comparison", **asked)
    assert found["a"] == against
    assert next(pair for pair in found["pairs"] if pair["pair"] == ["en", "de"])["delta"] == pytest.approx(delta)
    links = (unescape(link) for link in re.findall(r'href="(/dragoman/cell[^"]*)"', answer.text))
    link = next(link for link in links if "sentences=apart" in link)
    assert parse_qs(urlsplit(link).query)["beside"] == ["tuned", against]
    sentences = client.get(link).text
    assert re.findall(r"<dt>([\w:-]+)", sentences)[2:4] == ["tuned", against]


@pytest.mark.parametrize("against", ["base", f"base:{FIRST}", BASELINE, f"tuned:{FIRST}", "asked/base:mfti"])
def test_what_a_browser_draws_is_what_a_page_writes(store: Any, against: str) -> None:
    view = View(grid="asked", model="tuned", metric=METRIC, prompt=SECOND)
    scores, _ = scores_beside(store, view, against)
    columns = columns_beside(store, view, against)
    drawn = zip(columns.sources.tolist(), columns.targets.tolist(), columns.other.values.tolist(), strict=True)
    assert {Pair(source, target): value for source, target, value in drawn} == {
        score.pair: score.base_value for score in scores
    }


def test_runs_are_those_of_a_prompt(client: FlaskClient, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {}
    for prompt in (FIRST, SECOND):
        rows = list(csv.DictReader(io.StringIO(
            client.get(f"/dragoman/runs?grid=asked&scope=all&prompt={prompt}&form=csv").text
        )))  # fmt: skip
        table = partition_table(store, ScoreQuestion("asked", METRIC, prompt=prompt), model="tuned")
        expected[prompt] = next(row for row in table if row.scope == "all")
        assert float(rows[1]["mean"]) == pytest.approx(expected[prompt].mean, abs=1e-5)
        told = ask(client, "runs", prompt=prompt)
        assert told["metric"] == METRIC
        assert told["runs"][1]["rows"] == [row.model_dump(mode="json") for row in table]
    monkeypatch.setattr("dragoman.analysis.run_table.MOST_CELLS", 0)
    large = runs(store, ScoreQuestion("asked", METRIC, prompt=SECOND))[1].scope("all")
    assert large is not None
    assert large.low is None
    assert large.gain == pytest.approx(expected[SECOND].gain)
    assert large.gain_pairs == 6
