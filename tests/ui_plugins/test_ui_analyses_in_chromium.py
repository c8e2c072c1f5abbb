"""Pages of every registered analysis in a real Chromium: narrow, wide and very wide, in light and dark.

A new analysis is looked at as soon as it is registered: on a grid with several instructions, metrics, likelihoods and
alignments, or on a campaign of twelve models.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from dragoman.alignment.parallel_lines import parallel_lines
from dragoman.cell import Cell
from dragoman.instructions.variants import family_of
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.reports.analyses import ANALYSES
from dragoman.segment import Located, Segment
from dragoman.spec.prompt import EvaluationPrompt
from dragoman.store.alignment_records import Aligned, AlignmentRecord, LikelihoodRecord, Likely, Pooling
from dragoman.store.line_keys import LineKeys
from dragoman.store.records import ModelRecord, PromptRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, MadeCampaign, random_score

pytestmark = pytest.mark.slow

Do = Callable[..., Any]
LANGUAGES = ("ar", "de", "en", "fr", "ru", "zh-Hans")
METRICS = ("bleu", "chrf++", "off_target", "error_short", "error_copy")
TEXT = {
    "ar": "هذا كتاب جديد عن البحر رقم",
    "de": "Dies ist ein neues Buch über das Meer, Nummer",
    "en": "This is a new book about the sea, number",
    "fr": "Ceci est un nouveau livre sur la mer, numéro",
    "ru": "Это новая книга о море, номер",
    "zh-Hans": "这是一本关于大海的新书，编号",
}
LINES = 16
LAYERS = 3
PROMPTS = [
    {"template": "mfti"},
    {"template": "mfti", "instruction": "none"},
    {"template": "mfti", "instruction": "wrong", "wrong_languages": list(LANGUAGES)},
]
GRAPHS = {
    "base": TrainingGraph(),
    "english-centric": TrainingGraph.of((pair for pair in all_pairs(LANGUAGES) if "en" in pair), 1000),
    "a-model-with-a-long-name": TrainingGraph.of([Pair("de", "en"), Pair("en", "fr"), Pair("fr", "de")], 1000),
}
CLAIMS = """\
name: mine
over: made
claims:
  - {name: seen-helps, says: Being trained on a pair helps it., question: seen-effect}
"""
WIDTHS = (390, 1440, 1920)
CLIPPED = """
(width) => [...document.querySelectorAll("main *")].filter((each) => {
  if (each.closest(".scroll, .hidden, .tabs ul, svg")) return false;
  const { right, width: own } = each.getBoundingClientRect();
  const card = each.parentElement.closest(".partitions, .drawing");
  return own > 0 && right > (card ? card.getBoundingClientRect().right : width) + 1;
}).map((each) => each.outerHTML.slice(0, 120))
"""
"""What sticks out of its card or of the page, tables, figures and tabs that one scrolls apart."""
UNSCROLLED = """
() => [...document.querySelectorAll("main .scroll")].filter((each) => each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.getAttribute("aria-label") ?? each.getAttribute("aria-labelledby"))
"""
"""Tables and figures that don't fit."""
FORMS = {"svg": b"<?xml", "pdf": b"%PDF-", "png": b"\x89PNG"}


class FilledGrid:
    """A grid of three models and three instructions, with what each analysis looks at."""

    def __init__(self, store: Store) -> None:
        self.store, self.pairs = store, all_pairs(LANGUAGES)
        self.models = [
            ModelRecord(id=f"model1-{name}", name=name, graph=graph)
            if name == "base"
            else ModelRecord(id=f"model1-{name}", name=name, parent="model1-base", base="model1-base", graph=graph)
            for name, graph in GRAPHS.items()
        ]
        self.lines = {
            pair: [Segment(f"{TEXT[pair.source]} {row}", f"{TEXT[pair.target]} {row}") for row in range(LINES)]
            for pair in self.pairs
        }

    def fill(self) -> None:
        """Write it."""
        spec = {"name": "demo", "prompt": "mfti", "languages": list(LANGUAGES), "evaluation": {"prompts": PROMPTS}}
        builders = [
            GridBuilder(
                self.store, self.models, self.pairs, name="demo", metrics=METRICS, spec=spec, lines=self.lines,
                names={each.id: each.name for each in self.models}, languages=LANGUAGES,
                prompt=PromptRecord(id=prompt.id, template=prompt.shown),
            )
            for prompt in map(EvaluationPrompt.model_validate, PROMPTS)
        ]  # fmt: skip
        first = builders[0].add()
        for builder in builders[1:]:
            self.store.conditions.add_prompt(builder.prompt)
        self.store.grids.add(first.grid, [record for builder in builders for record in builder.cells])
        keys = {
            (pair, first.cell(self.models[0].id, pair).content): LineKeys.of(
                pair, [Located(segment, row) for row, segment in enumerate(lines)]
            )
            for pair, lines in self.lines.items()
        }
        self.store.conditions.add_keys(first.test_set.id, keys)
        for worse, builder in enumerate(builders):
            for record in builder.cells:
                self._translate(builder, record.cell, worse)
        self._align()
        self._likelihoods(first)

    def _translate(self, builder: GridBuilder, cell: Cell, worse: int) -> None:
        """Some lines are the reference; of others words are left out, they are in English, or the source."""
        graph = next(each.graph for each in self.models if each.id == cell.model)
        sources, references = map(list, zip(*self.lines[cell.pair], strict=True))
        good = 1 + 4 * (cell.pair in graph.pairs) + 2 * bool(graph.pairs) - worse
        others = [TEXT["en"], sources[0], references[0][: len(references[0]) // 2]]
        texts = [
            reference if (crc32(f"{cell.pair} {row}".encode()) % 8) < good else others[row % 3]
            for row, reference in enumerate(references)
        ]
        found = score(METRICS, cell.pair, LANGUAGES, sources, texts, references)
        scores = [StoredScore.of(each) for each in found if isinstance(each, ScoreRecord)]
        builder.translate(cell, scores, hypotheses=[(text, "stop", len(text)) for text in texts])

    def _align(self) -> None:
        lines = parallel_lines(self.store, "demo")
        self.store.alignment.add(
            AlignmentRecord(
                of=Aligned(
                    model=model.id, pair=pair, layer=layer, pooling=Pooling.MEAN,
                    content=(lines.content(pair.source), lines.content(pair.target)),
                ),
                lines=LINES, retrieval=value / 2, retrieval_centred=value, retrieval_chance=1 / LINES,
                xsim_error=1 - value / 2, xsim_error_centred=1 - value, cka=value, cka_chance=0.1,
                cka_unbiased=value - 0.1, mutual_knn=value / 3, mutual_knn_centred=value / 2,
            )
            for model in self.models
            for layer in range(LAYERS)
            for pair in self.pairs
            for value in [0.2 + 0.1 * layer + crc32(f"{model.name} {pair}".encode()) % 100 / 250]
        )  # fmt: skip

    def _likelihoods(self, builder: GridBuilder) -> None:
        for place, prompt in enumerate(family_of(self.store, "demo").variants.values()):
            for model in self.models:
                self.store.likelihood.add(
                    self._likely(builder, model, pair, prompt.id, -4.0 - place) for pair in self.pairs
                )

    def _likely(self, builder: GridBuilder, model: ModelRecord, pair: Pair, prompt: str, nats: float) -> Any:
        rows = [(nats - crc32(f"{model.name} {pair} {row}".encode()) % 100 / 100, 5.0) for row in range(LINES)]
        content = builder.cell(model.id, pair).content
        return LikelihoodRecord(
            of=Likely(model=model.id, pair=pair, content=content, prompt=prompt), lines=LINES, tokens=5 * LINES,
            log_probability=sum(nat for nat, _ in rows), of_lines=pack(np.array(rows)),
        )  # fmt: skip


def _scored(model: str, graph: TrainingGraph, pair: Pair) -> StoredScore:
    quality = 0.4 + crc32(str(pair).encode()) % 100 / 1000 + 0.1 * (pair in graph.pairs) + 0.01 * len(graph.pairs)
    return random_score("bleu", model, pair, segments=20, quality=quality, signature="v1")


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that holds the grid `demo` and the campaign `made`, with a file of claims."""
    home = tmp_path_factory.mktemp("analysed")
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    FilledGrid(store).fill()
    MadeCampaign(store, _scored, languages=("ar", "de", "en", "fr"), sizes=(3, 6, 9), draws=(1, 2, 3, 4)).add()
    store.close()
    (home / "claims").mkdir()
    (home / "claims" / "mine.yaml").write_text(CLAIMS)
    return home


def _address(name: str) -> str:
    kind = ANALYSES[name].kind
    return f"/analysis?name={name}&{kind}={'demo' if kind == 'grid' else 'made'}"


@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_at_every_width_in_light_and_dark(
    name: str, open_page: Do, hard_to_use: Do, picture: Do
) -> None:
    for scheme in ("light", "dark"):
        page = None
        for width in WIDTHS:
            if page is not None:
                page.set_viewport_size({"width": width, "height": 900})
            page = open_page(_address(name), 200, page, viewport={"width": width, "height": 900}, color_scheme=scheme)
            assert page.locator(".analysed .sentence").count() == 0, page.locator(".analysed").inner_text()
            assert page.locator(".analysed table").count() > 0
            if ANALYSES[name].is_listed:
                assert page.locator(".analyses [aria-current=page]").inner_text() == ANALYSES[name].title
            page.evaluate("Promise.all([...document.images].map((each) => each.decode()))")
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            where = f"{name} {scheme} {width}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, where
            assert page.evaluate(CLIPPED, width) == [], where
            if width == max(WIDTHS):
                assert page.evaluate(UNSCROLLED) == [], where
            assert hard_to_use(page) == [], where
            picture(page, f"analysis-{name}-{scheme}-{width}")


@pytest.mark.parametrize("name", ANALYSES)
def test_every_download_of_an_analysis(name: str, open_page: Do) -> None:
    page = open_page(_address(name))
    files = page.locator(".downloads a[href*='form=']").evaluate_all("(links) => links.map((link) => link.href)")
    assert len(files) >= 4
    for file in files:
        answer = page.request.get(file)
        assert answer.ok and answer.body(), file
        (form,) = re.findall(r"form=(\w+)", file)
        assert answer.body().startswith(FORMS.get(form, b"")), file
    for link in page.locator(".analyses a").evaluate_all("(links) => links.map((link) => link.href)"):
        assert page.request.get(link).ok, link


def test_the_pages_above_lead_to_every_analysis(open_page: Do) -> None:
    for kind, above in {"grid": "/grid?grid=demo", "campaign": "/campaign?name=made"}.items():
        page = open_page(above)
        titles = [each.title for each in ANALYSES.values() if each.kind == kind and each.is_listed]
        assert page.get_by_role("navigation", name="Analyses").get_by_role("link").all_inner_texts() == titles
        page.get_by_role("link", name=titles[-1]).click()
        page.wait_for_url("**/analysis?**")
