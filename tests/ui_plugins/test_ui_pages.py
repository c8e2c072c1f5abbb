import csv
import io
import re
import shutil
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.metrics.errors.label import Label
from dragoman.pair import Pair, all_pairs
from dragoman.store.blobs import Bitext, Line
from dragoman.store.records import JobLine, JobState
from dragoman.store.schema import ModelRow
from dragoman.tables.render import Form
from dragoman.tables.table import Table, word
from dragoman_ui.responses.downloads import table_file
from dragoman_ui.viewmodels.candidates import _flaws
from dragoman_ui.viewmodels.comparison import _over_seeds
from dragoman_ui.viewmodels.store import open_store

PAGES = (
    "/dragoman/",
    "/dragoman/progress?grid=demo",
    "/dragoman/grid?grid=demo",
    "/dragoman/grid?grid=demo&model=roles&show=gain&order=training&only=seen",
    "/dragoman/cell?grid=demo&source=en&target=de",
    "/dragoman/compare?grid=demo&model=roles&against=base",
    "/dragoman/compared?grid=demo&model=roles&against=base",
    "/dragoman/map?grid=demo&model=roles&show=difference",
    "/dragoman/seen?grid=demo&model=roles",
    "/dragoman/partitions?grid=demo&model=roles&source_family=Indo-European+languages&sort=worst",
    "/dragoman/rank?grid=demo",
    "/dragoman/ranked?grid=demo&over=unseen",
    "/dragoman/runs?grid=demo",
    "/dragoman/charted?grid=demo&up=gain",
    "/dragoman/job?grid=demo",
    "/dragoman/working?grid=demo",
    "/dragoman/card?grid=demo&model=roles",
    "/dragoman/promotions",
)


def tiles(page: str) -> dict[tuple[str, str], str]:
    """The tiles of a heat map: the whole table cell by source and target."""
    found = re.findall(r'<td class="[^"]*"><a href="[^"]*source=([^"&]*)&amp;target=([^"&]*)".*?</td>', page, re.S)
    cells = re.findall(r'<td class="[^"]*"><a href.*?</td>', page, re.S)
    return dict(zip(found, cells, strict=True))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_and_shows_script_as_text(client: FlaskClient, made: Any, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert made.script not in answer.text
    assert "<script>" not in answer.text  # our own scripts are files


def test_hypotheses_and_reasons_are_text(client: FlaskClient, made: Any) -> None:
    assert made.script in re.sub(
        r"</?mark>", "", unescape(client.get("/dragoman/cell?grid=demo&source=en&target=de").text)
    )
    assert made.script in unescape(client.get("/dragoman/grid?grid=demo&model=roles").text)


def test_a_search_is_text(client: FlaskClient, made: Any) -> None:
    page = client.get(
        "/dragoman/cell", query_string={"grid": "demo", "source": "en", "target": "de", "search": made.script}
    )
    assert page.status_code == 200
    assert made.script not in page.text
    assert "1 sentence with" in page.text


def test_index_counts_states(client: FlaskClient) -> None:
    text = " ".join(re.sub(r"<[^>]*>", " ", client.get("/dragoman/").text).split())
    assert "86 done" in text
    assert "1 failed" in text
    assert "3 missing" in text
    assert "of 90 cells" in text


def test_matrix_shows_every_pair_with_its_score(client: FlaskClient, made: Any) -> None:
    found = tiles(client.get("/dragoman/grid?grid=demo&model=roles").text)
    scores = pair_scores(open_store(), ScoreQuestion("demo", "bleu"), model="roles")
    assert set(found) == {tuple(pair) for pair in all_pairs(made.languages)}
    for score in scores:
        tile = found[tuple(score.pair)]
        if score.value is not None:
            assert f">{score.value:.1f}</a>" in tile
            assert f"{str(score.partition).replace('_', ' ')}; bleu {score.value:.1f}, 95% interval" in tile


def test_missing_and_failed_are_told_apart_from_low(client: FlaskClient, made: Any) -> None:
    found = tiles(client.get("/dragoman/grid?grid=demo&model=roles").text)
    assert 'class="s-missing' in found[tuple(made.missing)]
    assert ">miss</a>" in found[tuple(made.missing)]
    assert 'class="s-failed' in found[tuple(made.failed)]
    assert ">fail</a>" in found[tuple(made.failed)]


def test_partition_table_says_k_of_n(client: FlaskClient) -> None:
    page = client.get("/dragoman/grid?grid=demo&model=roles").text
    part = next(part for part in re.findall(r'data-part="([^"]*)"', page) if "/seen" in part)
    text = " ".join(re.sub(r"<[^>]*>", " ", client.get(unescape(part)).text).split())
    for row in partition_table(open_store(), ScoreQuestion("demo", "bleu"), model="roles"):
        assert f"{row.scope.replace('_', ' ')} {row.done} of {row.pairs} {row.mean:.1f}" in text


def test_pages_that_answer_at_once_resample_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("resampled while somebody waits")

    monkeypatch.setattr("dragoman.analysis.bootstrap.Joint.read", refuse)
    for page in ("grid?grid=demo&model=roles&order=script", "compare?grid=demo&model=roles&order=script"):
        assert client.get(f"/dragoman/{page}").status_code == 200
    assert client.get("/dragoman/seen?grid=demo&model=roles&order=script").status_code == 500  # that part does


def test_the_choice_is_in_the_url(client: FlaskClient) -> None:
    page = client.get("/dragoman/grid?grid=demo&model=base&metric=chrf%2B%2B&show=partition&order=script").text
    for choice in ("base", "chrf++", "partition", "script"):
        assert f'<option value="{choice}" selected>' in page
    link = unescape(re.search(r'href="(/dragoman/cell\?[^"]*)"', page)[1])  # type: ignore[index]
    assert "model=base" in link
    assert "metric=chrf%2B%2B" in link
    assert "order=script" in link


def test_one_partition_stands_out(client: FlaskClient, made: Any) -> None:
    found = tiles(client.get("/dragoman/grid?grid=demo&model=english-centric&only=seen").text)
    dimmed = {pair for pair, tile in found.items() if " dim" in tile.partition(">")[0]}
    assert dimmed == {tuple(pair) for pair in all_pairs(made.languages) if "en" not in pair}


def test_text_has_its_language_and_direction(client: FlaskClient) -> None:
    page = client.get("/dragoman/cell?grid=demo&source=en&target=ar").text
    assert 'lang="ar" dir="rtl"' in page
    assert 'lang="en" dir="ltr"' in page
    assert 'lang="zh-Hans" dir="ltr"' in client.get("/dragoman/cell?grid=demo&source=en&target=zh-Hans").text


def test_prompt_is_shown_as_rendered(client: FlaskClient) -> None:
    assert "[English]: " in client.get("/dragoman/cell?grid=demo&source=en&target=de").text


def test_a_pair_without_text_says_so(client: FlaskClient, made: Any) -> None:
    page = client.get(f"/dragoman/cell?grid=demo&source={made.missing.source}&target={made.missing.target}")
    assert page.status_code == 200
    assert f"no text for {made.missing}" in page.text
    assert "0 sentences" in page.text


@pytest.mark.parametrize(
    ("path", "heads"),
    [
        ("partitions?grid=demo&model=roles&table=scopes", "scope,done,pairs,mean"),
        ("partitions?grid=demo&model=roles&table=pairs&target=ar", "source,target,source_name"),
        ("runs?grid=demo", "grid,model,evidence,training_pairs"),
        ("cell?grid=demo&source=en&target=de", "number,source,reference,base,base chrf++"),
        ("cell?grid=demo&source=en&target=de&table=models", "model,state,reason,metric,signature,value,low,high"),
        ("job?grid=demo", "model,cells,planned,running,done,"),
        ("promotions", ""),
        ("promotions?table=aliases", ""),
    ],
)
@pytest.mark.parametrize("form", ["csv", "json", "latex", "markdown"])
def test_every_table_can_be_taken_away(client: FlaskClient, path: str, heads: str, form: str) -> None:
    answer = client.get(f"/dragoman/{path}{'&' if '?' in path else '?'}form={form}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    if form == "csv":
        assert answer.text.startswith(heads)


def test_the_partition_page_gives_away_what_the_results_say(client: FlaskClient) -> None:
    page = client.get("/dragoman/partitions?grid=demo&model=roles&table=scopes&form=json").json["scopes"]
    api = client.get("/ajax-api/3.0/dragoman/table?grid=demo&model=roles&table=partitions&form=json").json["partitions"]
    intervals = {f"{of}{end}" for of in ("", "gain_", "languages_") for end in ("low", "high")}
    without = {"model", "prompt", *intervals, "off_target_reference", "note", "shared_pairs"}
    assert [{key: row[key] for key in api[0].keys() - without} for row in page] == [
        {key: value for key, value in row.items() if key not in without} for row in api
    ]


def test_a_card_can_be_taken_away(client: FlaskClient) -> None:
    answer = client.get("/dragoman/card?grid=demo&model=roles&form=markdown")
    assert answer.headers["Content-Disposition"] == "attachment; filename=demo-roles-card.md"
    assert answer.text.startswith("# roles")


def test_cells_are_counted_by_state(client: FlaskClient) -> None:
    rows = csv.DictReader(io.StringIO(client.get("/dragoman/job?grid=demo&form=csv").text))
    counted = {row["model"]: (row["cells"], row["done"], row["failed"], row["missing"]) for row in rows}
    assert counted["roles"] == ("30", "28", "1", "1")


def test_of_a_grid_at_work_the_end_of_its_log_is_shown(client: FlaskClient) -> None:
    store = open_store()
    assert "Stop</button>" not in client.get("/dragoman/job?grid=demo").text  # nothing runs
    job = store.jobs.start("demo", "another-host-1")
    assert "Stop</button>" in client.get("/dragoman/job?grid=demo").text
    store.jobs.beat(job, None, [JobLine(text=f"line {number}") for number in range(1, 204)])
    page = client.get("/dragoman/working?grid=demo").text
    store.jobs.end(job, JobState.DONE)
    assert re.findall(r"line \d+", page) == [f"line {number}" for number in range(4, 204)]
    assert "3 earlier lines are left out" in page


def test_pairs_are_filtered_by_family_and_script(client: FlaskClient) -> None:
    page = client.get("/dragoman/partitions?grid=demo&model=roles&source_family=Sino-Tibetan+languages").text
    assert '<h2 id="chosen">5 pairs</h2>' in page
    assert "Chinese → Arabic" in page
    assert "English → " not in page
    nothing = client.get("/dragoman/partitions?grid=demo&model=roles&source_script=Deva&target=hi").text
    assert "No pair matches these filters." in nothing


def test_runs_are_drawn_by_what_they_were_trained_on(client: FlaskClient) -> None:
    page = client.get("/dragoman/charted?grid=demo").text
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    row = next(
        each
        for each in partition_table(open_store(), ScoreQuestion("demo", "bleu"), model="english-centric")
        if each.scope == "unseen"
    )
    assert f"english-centric recorded 10 10,000 {row.done} of {row.pairs} {row.mean:.1f}" in text
    assert page.count("<circle") == 3


def test_sentences_are_found_by_what_is_wrong_with_them(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(pair: Pair, languages: Sequence[str], text: Bitext, lines: Sequence[Line], prompt: str | None):
        found = zip(text.references, lines, strict=True)
        return [{Label.COPY: ((0, 2),)} if line.text == reference else {} for reference, line in found]

    monkeypatch.setattr("dragoman_ui.viewmodels.candidates.found_labels", judge)
    # what is kept was judged otherwise
    monkeypatch.setattr("dragoman_ui.viewmodels.candidates._flaws", _flaws.__wrapped__)
    address = "/dragoman/cell?grid=demo&model=roles&source=en&target=ar&beside=roles"
    page = client.get(f"{address}&label=copied").text  # as an earlier release called it
    count = int(re.search(r"(\d+) sentences? labelled copy", page)[1])  # type: ignore[index]
    sentences = page[page.index('<ol class="segments">') :]
    assert sentences.count('<span class="flag">copy</span>') == count > 0
    assert sentences.count('<span class="flawed" title="copy">') == count
    assert "the source, or most of it, and the reference is no copy" in page  # the legend
    assert "<dt>roles" in page
    assert "<dt>base" not in page


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("grid?grid=dem", "The store has no grid 'dem': did you mean 'demo'?"),
        ("grid", "The store has no grid '': use one of: demo."),
        ("grid?grid=demo&model=role", "Grid 'demo' has no model 'role': did you mean 'roles'?"),
        ("grid?grid=demo&metric=blue", "Grid 'demo' has no metric 'blue': did you mean 'bleu'?"),
        ("grid?grid=demo&show=gains", "A heat map can't show 'gains': did you mean 'gain'?"),
        ("cell?grid=demo&source=en&target=en", "pairs en with itself"),
        ("cell?grid=demo&source=en&target=xx", "'xx' is not a language"),
        ("cell?grid=demo&source=en&target=fr", "Grid 'demo' has no pair en-fr"),
        ("partitions?grid=demo&source=fr", "No language of this grid has the source 'fr'"),
        ("partitions?grid=demo&sort=wrost", "Pairs can't be ordered by 'wrost': did you mean 'worst'?"),
        ("runs?grid=demo&scope=unsen", "There is no partition 'unsen': did you mean 'unseen'?"),
        ("cell?grid=demo&source=en&target=de&label=empyt", "There is no label 'empyt': did you mean 'empty'?"),
        ("cell?grid=demo&source=en&target=de&beside=rolls", "did you mean 'roles'?"),
        ("card?grid=demo&model=base", "Grid 'demo' has no finetuned model 'base'"),
        ("job?grid=dem", "The store has no grid 'dem': did you mean 'demo'?"),
        ("compare?grid=demo&model=roles&against=roles", "'roles' can't be compared with 'roles'"),
        ("grid?grid=demo&signature=%00", "holds signs that are no text"),
        ("grid?grid=demo&prompt=mftj", "Grid 'demo' has no prompt 'mftj'"),
    ],
)
def test_what_is_not_there_gets_a_sentence(client: FlaskClient, path: str, sentence: str) -> None:
    answer = client.get(f"/dragoman/{path}")
    assert answer.status_code == 404
    assert sentence in unescape(answer.text)


def test_of_two_signatures_one_is_chosen_on_the_page(
    filled_home: Path, tmp_path: Path, use_home: Callable[[Path], None], browse: Callable[..., FlaskClient]
) -> None:
    shutil.copytree(filled_home, tmp_path / "home")
    use_home(tmp_path / "home")
    store, client = open_store(), browse()
    assert '<select name="signature">' not in client.get("/dragoman/grid?grid=demo&model=roles").text
    model = next(identity for identity, name in store.grids.get("demo").names.items() if name == "roles")
    cell = next(each for each in store.cells.of_grid("demo", Pair("en", "de")) if each.cell.model == model)
    own = next(score for score in store.cells.scores(cell.cell.id) if score.metric == "bleu")
    older = re.sub(r"version:[^|]*", "version:1.0.0", own.signature)
    store.cells.add_scores(cell.cell.id, [own.model_copy(update={"signature": older, "statistics": None})])
    refused = client.get("/dragoman/grid?grid=demo&model=roles")
    assert refused.status_code == 404
    links = [unescape(link) for link in re.findall(r'href="([^"]*signature=[^"]*)"', refused.text)]
    assert len(links) == 2
    for link in links:
        page = client.get(link)
        assert page.status_code == 200
        assert (
            re.findall(r'<option value="(version:[^"]*)" selected', page.text)
            == parse_qs(urlsplit(link).query)["signature"]
        )
        assert client.get(link.replace("/grid?", "/seen?")).status_code == 200
    store.close()


def test_no_spreadsheet_computes_what_a_model_wrote() -> None:
    texts = ["=1+1", "+1", "-1", "@x", "plain", "a=b"]
    table = Table(
        name="t", title="t", content=[{"text": text, "value": -1.5} for text in texts], columns=[word("text")]
    )
    rows = list(csv.DictReader(io.StringIO(table_file("t", table, Form.CSV).get_data(as_text=True))))
    assert [row["text"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@x", "plain", "a=b"]
    assert {row["value"] for row in rows} == {"-1.5"}
    assert '"=1+1"' in table_file("t", table, Form.JSON).get_data(as_text=True)  # for programs it is as it was
    empty = Table(name="t", title="t", content=[], columns=[word("text"), word("value")])
    assert table_file("t", empty, Form.CSV).get_data(as_text=True) == "text,value\n"


def test_no_store_gets_a_sentence_and_none_is_made(
    tmp_path: Path, use_home: Callable[[Path], None], browse: Callable[..., FlaskClient]
) -> None:
    use_home(tmp_path)
    answer = browse().get("/dragoman/")
    assert answer.status_code == 404
    assert "There is no store at" in answer.text
    assert not list(tmp_path.iterdir())


def test_everything_stands_below_a_prefix(filled: Path, browse: Callable[..., FlaskClient]) -> None:
    page = browse("/lab").get("/lab/dragoman/grid?grid=demo")
    assert page.status_code == 200
    addresses = {unescape(address) for address in re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)}
    assert all(address.startswith(("/lab/dragoman/", "/lab/ajax-api/3.0/dragoman/")) for address in addresses)
    one_of_each = {address.partition("?")[0]: address for address in addresses}
    assert {"/lab/dragoman/", "/lab/dragoman/cell", "/lab/dragoman/static/pages.css"} <= set(one_of_each)
    for address in one_of_each.values():
        assert browse("/lab").get(address).status_code == 200, address


@pytest.mark.parametrize(
    "path",
    [
        "grid?grid=demo&model=roles",
        "grid?grid=demo&model=roles&show=difference&against=base",
        "seen?grid=demo&model=roles",
        "partitions?grid=demo&model=roles",
        "compare?grid=demo&model=roles",
        "compared?grid=demo&model=english-centric",
        "charted?grid=demo",
    ],
)
def test_numbers_have_a_caption(client: FlaskClient, path: str) -> None:
    text = client.get(f"/dragoman/{path}").text
    assert "Test set: cldr test, revision r; 16 sentences a pair, the first ones; decoding: greedy, at most 150" in text
    assert "signature: " in text and str(Path.home()) not in text


def test_a_figure_of_an_error_rate_says_which_way_is_better(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    difference, runs = "/dragoman/map?grid=demo&model=roles&against=base", "/dragoman/charted?grid=demo"
    assert "error rate" not in client.get(difference).text and "lower is better" not in client.get(runs).text
    monkeypatch.setattr("dragoman_ui.pages.higher_is_better", lambda _: False)
    monkeypatch.setattr("dragoman_ui.charts.scatter.higher_is_better", lambda _: False)
    page = client.get("/dragoman/grid?grid=demo&model=roles&metric=chrf%2B%2B&show=difference&against=base").text
    assert "chrf++ is an error rate, which gains by falling: a difference below 0 is a gain." in page
    assert "bleu (lower is better) on unseen pairs" in client.get(runs).text


def test_models_of_several_seeds_are_compared_as_recipes_too(client: FlaskClient) -> None:
    address = "/dragoman/compared?grid=demo&model=roles&against=base"
    assert "Recipes, over all seeds" not in client.get(f"{address}&metric=chrf%2B%2B").text

    def set_seeds(*seeds: int | None) -> None:
        with open_store().database.writing() as connection:
            for seed, name in zip(seeds, ("english-centric", "roles"), strict=True):
                connection.execute(update(ModelRow).where(ModelRow.identity == f"model1-{name}").values(seed=seed))
        _over_seeds.cache_clear()  # a model's seed does not change otherwise

    set_seeds(1, 2)
    page = client.get(address).text
    set_seeds(None, None)
    assert "Recipes, over all seeds" in page and "2 seeds of roles (english-centric roles) and 1 of base" in page
