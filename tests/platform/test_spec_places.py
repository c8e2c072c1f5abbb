"""Where a spec's models and corpora lie: below the user's home, or in folders with characters of patterns."""

from pathlib import Path

import pytest

from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.loading import load_spec


def test_a_base_below_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "models" / "base").mkdir(parents=True)
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: x\nbase: ~/models/base\nlanguages: [en, de]\ncorpus: cldr\n")
    assert load_spec(spec).base.model == str(tmp_path / "models" / "base")


@pytest.mark.parametrize("name", ["[x].tsv", "a*b.tsv", "{source}-{target}[1].tsv"])
def test_a_corpus_beside_the_spec_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name.replace("{source}", "de").replace("{target}", "en")).write_text("a\tb\n")
    assert CorpusChoice(kind="tsv", options={"path": name}).found_in([tmp_path]).folder == tmp_path
