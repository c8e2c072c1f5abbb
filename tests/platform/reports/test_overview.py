"""The overview: the partition table's numbers in every form, each said once, and the best of what compares."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import update

from dragoman.analysis import kept_tables, run_table
from dragoman.analysis.champions import standing_aliases
from dragoman.analysis.overview import equal_scopes, overview
from dragoman.analysis.partition_table import PartitionRow, partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.summed_tables import summed_tables
from dragoman.analysis.systems import systems
from dragoman.cell import CellState
from dragoman.figures import FigureForm, figure_bytes
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.reports.grid_overview import overview_page
from dragoman.reports.overview import FIELDS, NUMBERS, Layout, OverviewError
from dragoman.settings import settings
from dragoman.store.schema import PartitionSumRow
from dragoman.store.schema.audit import AuditRow

PAIRS = all_pairs(["en", "de", "fr", "ru"])
CENTRIC = TrainingGraph.of([pair for pair in PAIRS if "en" in pair])
FEW = TrainingGraph.of([Pair("en", "de"), Pair("de", "en"), Pair("en", "fr")])
MODELS = {"base": TrainingGraph(), "centric": CENTRIC, "few": FEW}


@pytest.fixture(scope="module")
def filled(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("overview")) as campaign:
        quality = {"base": 0.4, "centric": 0.8, "few": 0.7}
        campaign.fill(MODELS, PAIRS, metrics=["bleu", "off_target"], quality=quality)
        yield campaign


def printed(outcome):
    assert outcome.code == 0, outcome.err
    return outcome.out


@pytest.fixture(scope="module")
def partitions(filled):
    question = ScoreQuestion("g", "bleu")
    return {name: {row.scope: row for row in partition_table(filled.store, question, model=name)} for name in MODELS}


def test_its_rows_are_those_of_the_partition_table_to_the_last_digit(filled, dragoman):
    found = json.loads(printed(dragoman("results", "g", "--json")))
    rows = {(row["model"], row["scope"]): row for row in found["partitions"]}
    said = 0
    for row in found["overview"]:
        for scope in ("seen", "unseen", "all", "reversed", "one_sided", "unseen_source"):
            whole = rows.get((row["model"], row.get(f"{scope}_same_as") or scope))
            if row.get(f"{scope}_mean") is not None:
                assert {key: row[f"{scope}_{key}"] for key in FIELDS} == {key: whole[key] for key in FIELDS}
                said += 1
    assert said >= 7


@pytest.mark.parametrize("form", ["--markdown", "--latex", ""])
def test_every_form_has_the_same_numbers(filled, dragoman, partitions, form):
    text = printed(dragoman("results", "g", "--table", "overview", *filter(None, [form])))
    plain = text.replace(r"\%", "%").replace("$-$", "-")
    for name, scope in (("centric", "seen"), ("centric", "unseen"), ("few", "all"), ("few", "reversed")):
        row = partitions[name][scope]
        for number in (
            f"{row.mean:.1f}",
            f"[{row.low:.1f}, {row.high:.1f}]",
            f"{row.gain:+.1f}",
            f"{row.off_target:.1f}% off",
        ):
            assert number in plain, (name, scope, number)


def test_csv_is_of_the_partition_table_unless_the_overview_is_named(filled, dragoman):
    assert printed(dragoman("results", "g", "--csv")).startswith("model,prompt,scope,")
    assert printed(dragoman("results", "g", "--csv", "--table", "overview")).startswith("model,prompt,aliases,best,")


def test_results_open_with_it_and_it_fits_eighty_columns(filled, dragoman):
    text = printed(dragoman("results", "g", "--model", "base", "--model", "centric"))
    assert text.startswith("g: bleu of every system by partition")
    first = text[: text.index("Test set:")].splitlines()
    assert max(map(len, first)) <= 80


def test_what_is_the_same_pairs_is_said_once(filled):
    rows = [PartitionRow(scope=scope, done=9, pairs=9, mean=1) for scope in ("unseen_both", "unseen", "all")]
    assert equal_scopes(rows) == {"unseen_both": "all", "unseen": "all"}
    seen = PartitionRow(scope="seen", done=3, pairs=3, mean=1)
    rest = [PartitionRow(scope=scope, done=6, pairs=6, mean=1) for scope in ("recombined", "unseen")]
    assert equal_scopes([seen, *rest, PartitionRow(scope="all", done=9, pairs=9, mean=1)]) == {"recombined": "unseen"}


def test_the_best_is_found_on_the_pairs_that_all_share(filled, partitions):
    store, question = filled.store, ScoreQuestion("g", "bleu")
    tables = {each: list(partitions[each.model].values()) for each in systems(store, "g")}
    found = overview(store, question, tables)
    assert {each.model for each in found.best["all"]} == {"centric"}
    assert {each.model for each in found.best["seen"]} == {"centric"}
    assert "reversed" not in found.best  # one system alone has it
    apart = {each: [row for row in rows if row.scope == "seen"] for each, rows in tables.items()}
    only = {each: rows for each, rows in apart.items() if rows}
    assert set(overview(store, question, only).best) == {"seen"}


def test_a_champion_of_the_trail_is_marked_without_asking_mlflow(filled, dragoman, small_grid):
    from datetime import UTC, datetime

    from sqlalchemy import insert

    def record(sequence, model, version, outcome="done"):
        return {
            "sequence": sequence, "at": datetime.now(UTC), "actor": "ann", "process": "host/1", "action": "promotion",
            "outcome": outcome, "begun": None, "name": "translator", "alias": "champion", "from_version": None,
            "to_version": version, "model": model, "policy": None, "evidence": "{}", "reason": "better",
            "previous": "", "hash": str(sequence),
        }  # fmt: skip

    with filled.store.database.writing() as connection:
        connection.execute(insert(AuditRow), [record(1, "model-few", "1"), record(2, "model-centric", "2", "refused")])
    assert standing_aliases(filled.store) == {"model-few": ("translator@champion",)}
    text = printed(dragoman("results", "g", "--table", "overview"))
    assert "few ★" in text and "centric ★" not in text and "★ few is translator@champion." in text
    assert r"few $\star$" in printed(dragoman("results", "g", "--table", "overview", "--latex"))


def test_columns_and_order_are_chosen(filled, dragoman, partitions):
    words = ("--table", "overview", "--columns", "unseen,score", "--sort", "unseen")
    lines = printed(dragoman("results", "g", *words)).splitlines()
    assert lines[2].split() == ["model", "unseen"]
    order = [line.split()[0] for line in lines[4:7]]
    assert order == sorted(MODELS, key=lambda name: -partitions[name]["unseen"].mean)
    for option, word in (("--columns", "scor"), ("--sort", "unsen"), ("--sort", "unseen.interval")):
        outcome = dragoman("results", "g", option, word)
        assert outcome.code == 2 and word in outcome.err
    assert Layout.parse("Seen".lower()).scopes(["seen", "all"]) == ["seen"] and len(NUMBERS) == 6
    with pytest.raises(OverviewError, match="no column 'pears'"):
        Layout.parse("pears")


def test_sums_of_the_store_give_the_same_means(filled, partitions):
    store = filled.store
    tables = summed_tables(store, ScoreQuestion("g", "bleu"), systems(store, "g"))
    for system, rows in tables.items():
        assert [row.scope for row in rows] == list(partitions[system.model])
        for row in rows:
            own = partitions[system.model][row.scope]
            assert (row.done, row.pairs, row.off_target_pairs) == (own.done, own.pairs, own.off_target_pairs)
            assert row.mean == pytest.approx(own.mean, abs=1e-9)
            assert row.off_target == pytest.approx(own.off_target, abs=1e-9)


def test_sums_count_the_planned_pairs_of_a_system_that_lacks_scores(campaign):
    without = {("few", pair): (CellState.FAILED, "no room") for pair in (PAIRS[0], PAIRS[5])}
    campaign.fill(MODELS, PAIRS, without=without)
    question = ScoreQuestion("g", "bleu")
    (rows,) = (rows for each, rows in summed_tables(campaign.store, question, systems(campaign.store, "g")).items()
               if each.model == "few")  # fmt: skip
    own = partition_table(campaign.store, question, model="few", resample=False)
    assert [(row.scope, row.done, row.pairs, row.mean) for row in rows] == [
        (row.scope, row.done, row.pairs, pytest.approx(row.mean)) for row in own
    ]
    assert any(row.done < row.pairs for row in rows)


def test_its_figures_are_files_that_say_what_they_are_of(filled, dragoman, tmp_path: Path):
    for name in ("means", "seen-unseen"):
        path = tmp_path / f"{name}.svg"
        assert "The figure is in" in printed(dragoman("results", "g", "--figure", str(path), "--drawing", name))
        svg = path.read_text()
        assert "<dc:description>Test set: made test, revision r1" in svg and "base: base" in svg
        assert re.search(r"<dc:title>g: ", svg) and "centric</text>" in svg
    drawings = overview_page(filled.store, {"grid": "g"}).drawings
    assert [each.name for each in drawings][:2] == ["means", "seen-unseen"]
    for drawing in drawings:
        assert figure_bytes(drawing.draw, FigureForm.PNG) == figure_bytes(drawing.draw, FigureForm.PNG)


def test_latex_is_no_wider_than_a_column(filled, dragoman):
    latex = printed(dragoman("results", "g", "--table", "overview", "--latex"))
    assert r"\begin{adjustbox}{max width=\columnwidth}" in latex and r"\usepackage{booktabs,adjustbox}" in latex
    assert latex.count("{") == latex.count("}") and latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}")
    assert re.search(r"\\textbf\{\d+\.\d\}", latex)


def test_tables_that_took_long_are_kept_in_the_home_until_scores_change(campaign, monkeypatch):
    calls = []

    def counted(store, question, *, model, resample):
        calls.append(model)
        return partition_table(store, question, model=model, resample=resample)

    monkeypatch.setattr(run_table, "partition_table", counted)
    monkeypatch.setattr(kept_tables, "LONG", 0.0)
    pairs, question = PAIRS[:2], ScoreQuestion("g", "bleu")
    without = {("few", pairs[1]): (CellState.PLANNED, None)}
    campaign.fill(MODELS, pairs, without=without)

    def asked(model="few"):
        run_table._table.cache_clear()  # as in a new process
        return list(run_table.known_table(campaign.store, question, model=model, resample=True))

    first = asked()
    assert asked() == first == partition_table(campaign.store, question, model="few")
    assert calls == ["few"]
    (file,) = (settings().cache_dir / "partition-tables").iterdir()
    file.write_text("{")  # cut off
    assert asked() == first and calls == ["few", "few"]
    with campaign.store.database.writing() as connection:
        connection.execute(update(PartitionSumRow).values(total=PartitionSumRow.total + 1))
    asked()
    assert calls == ["few"] * 3
