"""The code of CONTRIBUTING.md runs: its plugins are installed as a package and used, its page is shown."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from dragoman import plugins
from dragoman.analysis.partition_table import PartitionRow
from dragoman.cell import CellState
from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError, DragomanError
from dragoman.metrics.base import MetricNeedError
from dragoman.metrics.loaded_metric import LoadedMetric
from dragoman.metrics.scoring import ScoreRecord, require, score
from dragoman.pair import Pair
from dragoman.planning.model_metrics import with_options
from dragoman.segment import Segment, Split
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store import records
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman.tables.table import Table, number, word
from dragoman_jobs.engines.base import UnsupportedModelError
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.models.checkpoint import Checkpoint

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = dict(re.findall(r"```(?:python|toml)\n# (?:a )?(\S+)\n(.*?)```", PAGE, re.DOTALL))
PLACES = sorted(set(re.findall(r"`((?:platform|jobs|registry|ui_plugins|tests|docs)/[\w./]+)`", PAGE)))
PAIR = Pair("en", "de")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's plugins as an installer leaves them: the modules, and metadata with their entry points."""
    folder = tmp_path / "site-packages"
    for name, text in BLOCKS.items():
        if name.startswith("my_package/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    project = tomllib.loads(BLOCKS["pyproject.toml"])["project"]
    metadata = folder / f"my_package-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = project["entry-points"].items()
    (metadata / "entry_points.txt").write_text(
        "\n".join(f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in names.items()) for group, names in groups)
    )
    monkeypatch.syspath_prepend(str(folder))
    plugins.available.cache_clear()
    yield folder
    plugins.available.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "my_package"]:
        del sys.modules[name]


def scored(metric: str) -> ScoreRecord:
    (found,) = score([metric], PAIR, ("de", "en"), ["a b", "c", "d", "e"], ["A", "B", "C", "x"], ["A", "B", "C", "D"])
    assert isinstance(found, ScoreRecord), found
    return found


def test_everything_the_page_shows_is_tried() -> None:
    assert set(BLOCKS) == {
        "pyproject.toml", "my_package/metrics.py", "my_package/learned.py", "my_package/engine.py",
        "my_package/corpus.py", "dragoman_ui/pages/languages.py", "column",
    }  # fmt: skip


def test_a_metric(package: Path) -> None:
    found = scored("exact_match")
    assert (found.value, found.statistics.tolist()) == (75.0, [[1, 1], [1, 1], [1, 1], [0, 1]])
    assert found.low < 75 < found.high
    assert found.signature == "exact_match|case:mixed|version:1"


def test_a_metric_with_a_model(package: Path, tmp_path: Path) -> None:
    require(["length_model"], [PAIR], ("de", "en"))  # its model is looked for where it is loaded
    file = tmp_path / "model.safetensors"
    (metric,) = with_options({"length_model": {"checkpoint": str(file)}}, "here")
    with pytest.raises(MetricNeedError, match="name its file as the option checkpoint"):
        LoadedMetric(metric, home=tmp_path)
    save_file({"weight": torch.tensor([[1.0, 2.0]]), "bias": torch.tensor([0.5])}, file)
    found = LoadedMetric(metric, home=tmp_path).score(PAIR, ["abc", "d"], ["ef", "g"], ["h", "i"])
    # source + 2 × hypothesis + 0.5 in characters: 3 + 4 + 0.5 and 1 + 2 + 0.5
    assert isinstance(found, ScoreRecord) and found.statistics.tolist() == [[7.5, 1], [3.5, 1]]
    assert found.value == 5.5
    signature = r"length_model\|weights:[0-9a-f]{12}\|precision:float32\|version:1\|empty:0"
    assert re.fullmatch(signature, found.signature)


def test_an_engine(package: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(id="any", model="any")
    name, prepared = choose_engine("copy", checkpoint, Decoding(max_new_tokens=2), tmp_path)
    assert name == "copy"
    engine = plugins.load("engines", name)(prepared, Decoding(max_new_tokens=2))
    assert [tuple(each) for each in engine.translate(["one", "one two three"])] == [
        ("one", "stop", 1),
        ("one two", "length", 2),
    ]
    with pytest.raises(UnsupportedModelError, match="leave out the temperature"):
        choose_engine("copy", checkpoint, Decoding(temperature=0.5), tmp_path)


def test_a_corpus(package: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with pytest.raises(CorpusError, match="is not a folder"):
        open_corpus("lines", {"folder": folder})
    folder.mkdir()
    (folder / "test.en").write_text("one\ntwo\n")
    (folder / "test.de").write_text("eins\nzwei\n")
    corpus = open_corpus("lines", {"folder": folder})
    assert list(corpus.segments(PAIR, Split.TEST)) == [Segment("one", "eins"), Segment("two", "zwei")]
    assert corpus.missing([PAIR, Pair("en", "fr")], Split.TEST) == {Pair("en", "fr"): "there is no test.fr"}
    before = corpus.revision
    (folder / "test.de").write_text("eins\n")
    assert corpus.revision != before
    with pytest.raises(CorpusError, match="differ in length"):
        list(corpus.segments(PAIR, Split.TEST))


def test_a_spec_takes_the_plugins(package: Path, tmp_path: Path) -> None:
    spec: dict[str, Any] = {
        "name": "mine", "base": "a/b", "languages": ["en", "de"], "corpus": {"kind": "lines", "folder": str(tmp_path)},
        "evaluation": {"engine": "copy", "metrics": ["exact_match", "bleu"]},
    }  # fmt: skip
    assert GridSpec.model_validate(spec).evaluation.metrics == ("exact_match", "bleu")


def test_without_the_package_its_names_are_unknown() -> None:
    with pytest.raises(DragomanError, match="'exact_match' is not one of the metrics"):
        plugins.load("metrics", "exact_match")


def test_a_page(tmp_path: Path) -> None:
    """In a process of its own, since a Flask blueprint takes no rule once it is served."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db", str(tmp_path / "blobs"))
    store.models.add(records.ModelRecord(id="m", name="base", parent=None, base=None))
    store.grids.add(
        records.GridRecord(
            name="small", spec={}, spec_hash="s", models=("m",), base="m", metrics=("bleu",), languages=("de", "en")
        ),
        [],
    )
    store.close()
    (tmp_path / "languages_page.py").write_text(BLOCKS["dragoman_ui/pages/languages.py"])
    script = (
        "import languages_page, dragoman_ui.app, flask\n"
        "app = flask.Flask('lab'); dragoman_ui.app.register(app); client = app.test_client()\n"
        "shown = client.get('/dragoman/languages?grid=small')\n"
        "assert shown.status_code == 200, shown.text\n"
        "assert '<li>German</li><li>English</li>' in shown.text, shown.text\n"
        "refused = client.get('/dragoman/languages?grid=smal')\n"
        "assert refused.status_code == 404 and 'smal' in refused.text, refused.text\n"
    )
    environment = {**os.environ, "DRAGOMAN_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_state_that_is_left_out_of_the_pages_is_noticed() -> None:
    for page in ("store.md", "glossary.md"):
        described = (ROOT / "docs" / page).read_text()
        assert [state.value for state in CellState if f"`{state}`" not in described] == []


@pytest.mark.parametrize("form", Form)
def test_a_column(form: Form) -> None:
    row = PartitionRow(scope="seen", done=2, pairs=3, mean=1.0, gain_pairs=17).model_dump(mode="json")
    column = eval(BLOCKS["column"], {"number": number})
    table = Table("partitions", "demo", [word("scope"), number("mean", "bleu"), column], [row])
    without = Table("partitions", "demo", [word("scope"), number("mean", "bleu")], [row])
    shown = render([table], form)
    assert re.search(r"\b17\b", shown)
    has_every_field = form in (Form.JSON, Form.CSV)
    assert bool(re.search(r"\b17\b", render([without], form))) is has_every_field


@pytest.mark.parametrize("path", PLACES)
def test_the_places_that_are_named_exist(path: str) -> None:
    assert (ROOT / path).exists()
