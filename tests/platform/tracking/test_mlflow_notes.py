import json
import re
from html.parser import HTMLParser

from dragoman.analysis.pair_scores import PairScore
from dragoman.cell import CellState
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Partition
from dragoman.tracking.heatmap_html import NUMBERED, STEPS, heat_map_page
from dragoman.tracking.mlflow_notes import experiment_note, model_links, saved_view

LANGUAGES = ("en", "de", "zh-Hans")


def score(pair: Pair, value: float | None, reason: str | None = None) -> PairScore:
    state = CellState.DONE if value is not None else CellState.FAILED
    return PairScore(
        pair=pair, partition=Partition.SEEN if "en" in pair else None, state=state, reason=reason, value=value,
        low=None, high=None, signature=None, base_value=None,
    )  # fmt: skip


class Tiles(HTMLParser):
    """The classes, titles and texts of a page's tiles, and every address it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tiles: list[tuple[str, str]] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.fetched += [str(found[name]) for name in ("src", "href") if name in found]
        if tag == "td" and "title" in found:
            self.tiles.append((str(found["class"]), str(found["title"])))


def test_a_heat_map_shows_every_pair_and_needs_nothing_else() -> None:
    scores = [score(pair, 10.0 * place) for place, pair in enumerate(all_pairs(LANGUAGES))]
    scores[2] = score(scores[2].pair, None, "<script>alert(1)</script>")
    page = heat_map_page("a <b>run</b>", "chrf++", LANGUAGES, scores)
    tiles = Tiles(page)
    assert len(tiles.tiles) == 6
    assert not tiles.fetched
    assert not {"script", "b", "link", "img"} & tiles.tags
    looks = dict(zip((score.pair for score in scores), ["q0", "q4", "none", "q12", "q16", f"q{STEPS}"], strict=True))
    for source in LANGUAGES:
        for target in LANGUAGES:
            if source != target:
                look, title = tiles.tiles.pop(0)
                assert look.split()[0] == looks[Pair(source, target)]
                assert ("seen" in look.split()) == ("en" in (source, target))
                assert title.startswith(f"{Pair(source, target)}, ")
    assert "1 of 6 pairs without a score are hatched" in page


def test_a_heat_map_without_scores_and_one_of_many_languages() -> None:
    assert "6 of 6 pairs" in heat_map_page("t", "bleu", LANGUAGES, [score(pair, None) for pair in all_pairs(LANGUAGES)])
    many = ["en", *(f"x{place:03}" for place in range(NUMBERED))]
    page = heat_map_page("t", "bleu", many, [score(Pair("en", tag), 1.0) for tag in many[1:]])
    assert ">1.0<" not in page
    assert page.count('title="en-x') == NUMBERED


def test_a_saved_view_has_the_partitions_that_occur() -> None:
    view = json.loads(saved_view(["bleu", "chrf++"], ["unseen_both", "seen", "all"]))
    columns = [
        f"metrics.`{metric}/{scope}`" for metric in ("bleu", "chrfpp") for scope in ("all", "seen", "unseen_both")
    ]
    gains = [f"metrics.`bleu/{scope}/gain`" for scope in ("all", "seen", "unseen_both")]
    assert view["selectedColumns"] == view["columnOrder"] == columns + gains
    assert view["orderByKey"] == "metrics.`bleu/all`"
    # the best first: the highest, of an error rate the lowest
    ascending = [json.loads(saved_view([name], ["all"]))["orderByAsc"] for name in ("bleu", "off_target")]
    assert ascending == [False, True]


def test_notes_lead_to_our_pages() -> None:
    links = re.findall(r"\]\(([^)]*)\)", experiment_note("a grid", "7") + model_links("a grid", "m&n"))
    assert links == [
        *(f"dragoman/{page}?grid=a+grid" for page in ("job", "grid", "partitions", "compare", "runs")),
        "dragoman/promotions",
        "#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=dragoman",
        *(f"dragoman/{page}?grid=a+grid&model=m%26n" for page in ("grid", "partitions", "compare", "card")),
    ]
    assert "card" not in model_links("a grid", "base")  # the base has none


def test_while_a_grid_runs_its_note_names_no_view() -> None:
    note = experiment_note("a grid", "7", has_view=False)
    assert "dragoman/job?grid=a+grid" in note
    assert "viewStateShareKey" not in note
    note = experiment_note("a grid", "7", "a sweep")
    assert "**a sweep**" in note
    assert "dragoman/runs?grid=a+grid" in note
    assert "dragoman/grid" not in note
