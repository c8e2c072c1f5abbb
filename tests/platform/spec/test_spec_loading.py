"""Every mistake in a spec is one sentence that names the key, the value and the remedy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.errors import DragomanError, SpecError
from dragoman.planning.planner import make_plan
from dragoman.spec.document import read_document
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import load_spec

Spec = dict[str, Any]


def _set(path: str, value: Any) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        *parents, last = path.split(".")
        place: Any = spec
        for step in parents:
            place = place[int(step)] if step.isdigit() else place[step]
        place[last] = value

    return change


def _rename(old: str, new: str) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        spec[new] = spec.pop(old)

    return change


MISTAKES = [
    (_set("languages", ["en", "xx"]), ["languages.1", "'xx'", "is not a language"]),
    (_set("languages", ["en", "Germn"]), ["languages.1", "'Germn'"]),
    (_set("languages", ["en", "eng_Latn"]), ["languages", "en twice"]),
    (_set("languages", []), ["languages", "at least two"]),
    (_set("languages", "en"), ["languages", "'en'", "list"]),
    (_set("models.0.pairs", ["en-en"]), ["models.0.pairs", "en-en", "two different languages"]),
    (_set("models.0.pairs", []), ["models.0.pairs", "empty"]),
    (_set("models.0.pairs", ["en-sw"]), ["models.0.pairs", "sw", "not among its languages"]),
    (_set("models.0.pairs", "al"), ["models.0.pairs", "'al'"]),
    (_set("models.0.pairs", {"centrik": "en"}), ["models.0.pairs", "'centrik'", "did you mean 'centric'?"]),
    (_set("models.0.pairs", {"roles": {"both": ["en"]}}), ["models.0.pairs", "empty grid"]),
    (_set("models.0.exampels", 5), ["models.0", "'exampels'", "did you mean 'examples'?"]),
    (_set("models.0.method.stepz", 5), ["models.0.method", "'stepz'", "did you mean 'steps'?"]),
    (_set("models.0.method.kind", "fll"), ["models.0.method.kind", "'fll'", "'full'", "'lora'"]),
    (_set("models.0.method.steps", "many"), ["models.0.method.steps", "'many'", "integer"]),
    (_set("models.0.method", {"kind": "full", "steps": 5}), ["models.0.method", "learning_rate"]),
    (_set("models.0.method", {"steps": 5}), ["models.0.method", "'kind'"]),
    (_set("models.1.name", "english-centric"), ["two models or baselines named 'english-centric'"]),
    (_set("models.1.name", "base"), ["'base'"]),
    (_set("corpus", "cldrr"), ["corpus", "'cldrr'", "did you mean 'cldr'?"]),
    (_set("prompt", "mtfi"), ["prompt", "'mtfi'", "did you mean 'mfti'?"]),
    (_set("prompt", "{sorce}"), ["prompt", "{sorce}", "did you mean 'source'?"]),
    (_set("promotion.rules.0.over", "seeen"), ["promotion.rules.0.over", "'seeen'", "'seen'"]),
    (_set("evaluation.metrics", ["bleuu"]), ["evaluation.metrics", "'bleuu'", "did you mean 'bleu'?"]),
    (_set("evaluation.split", "tst"), ["evaluation.split", "'tst'", "'test'"]),
    (_set("evaluation.engine", "ctranslate"), ["evaluation.engine", "'ctranslate'", "did you mean 'ctranslate2'?"]),
    (_set("evaluation.decoding.beam", 0), ["evaluation.decoding.beam", "0", "greater than or equal to 1"]),
    (_set("seed", -1), ["seed", "-1"]),
    (_set("name", "a b"), ["name", "'a b'"]),
    (_rename("models", "modles"), ["'modles'", "did you mean 'models'?"]),
    (_rename("base", "bass"), ["'bass'", "did you mean 'base'?"]),
]


@pytest.mark.parametrize(("change", "words"), MISTAKES)
def test_a_wrong_value_is_one_sentence(
    demo: Spec, spec_file: Callable[[Any], Path], change: Callable[[Spec], None], words: list[str]
) -> None:
    change(demo)
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file(demo))
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?", ".)"))
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("base", "no/such/folder"), ["base.model", "'no/such/folder'"]),
        (_set("base", "./nowhere"), ["base.model", "./nowhere"]),
        (_set("corpus", {"kind": "cldr", "sed": 3}), ["corpus", "'sed'", "did you mean 'seed'?"]),
        (_set("corpus", {"kind": "tsv", "path": "/no/such/folder"}), ["corpus.path", "/no/such/folder"]),
        (_set("languages", ["en", "ace", "mos"]), ["CLDR"]),
    ],
)
def test_what_is_not_there_is_one_sentence(
    demo: Spec, spec_file: Callable[[Any], Path], change: Callable[[Spec], None], words: list[str]
) -> None:
    demo["models"], demo["promotion"] = [], None
    change(demo)
    with pytest.raises(DragomanError) as caught:
        make_plan(load_spec(spec_file(demo)))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n- b", "name: [", "name: demo\n\tbase: x", "just words"])
def test_what_is_no_yaml_mapping_is_one_sentence(spec_file: Callable[[Any], Path], text: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file(text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nbase: x\nname: b", ["line 3", "'name'", "line 1"]),
        ("name: a\nmodels:\n- {name: b, seed: 1}\n- name: c\n  seed: 1\n  name: d", ["line 6", "'name'", "line 4"]),
        ("name: a\n'name': b", ["line 2", "'name'"]),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(
    spec_file: Callable[[Any], Path], text: str, words: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file(text))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_what_a_merge_brings_may_be_said_again(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nd: {e: {f: &f {<<: *a, x: 2}}}\nc: {<<: *f, y: 3}\n")
    assert read_document(path) == {"a": {"x": 1, "y": 2}, "d": {"e": {"f": {"x": 2, "y": 2}}}, "c": {"x": 2, "y": 3}}


def test_no_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="There is no spec at"):
        load_spec(tmp_path / "nowhere.yaml")


def test_every_field_of_a_spec_is_documented() -> None:
    """A docstring under every field is what the reference and editors show."""
    import ast
    import inspect

    from dragoman.spec import decoding, grid, method, pairs, promotion, prompt

    for module in (decoding, grid, method, pairs, promotion, prompt):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if not isinstance(node, ast.ClassDef):
                continue
            for field, after in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and not ast.unparse(field.target).startswith("_"):
                    documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                    assert documented, f"{module.__name__}.{node.name}.{ast.unparse(field.target)}"


def test_the_spec_means_the_same_in_every_notation(demo: Spec, spec_file: Callable[[Any], Path]) -> None:
    plain = load_spec(spec_file(demo))
    demo["languages"] = ["eng_Latn", "German", "fra", "rus_Cyrl", "fin", "arb_Arab"]
    assert load_spec(spec_file(demo)) == plain
    assert isinstance(plain, GridSpec)


def _tsv(demo: Spec, path: Any) -> Spec:
    return {
        **demo, "languages": ["de", "en"], "corpus": {"kind": "tsv", "path": path},
        "models": [{**demo["models"][0], "pairs": ["de-en"]}], "promotion": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "data/{split}.{source}-{target}.tsv",
        {split: f"data/{split}.{{source}}-{{target}}.tsv" for split in ("train", "test")},
    ],
)
def test_a_relative_corpus_is_the_same_from_every_folder(
    demo: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Any
) -> None:
    """Beside the spec or where one stands, and then wherever a worker stands; what it is called stays as written."""
    content = _tsv(demo, path)
    content["evaluation"] = {"sentences": 1, "prompts": [{"name": "few", "template": "mfti", "shots": 1,
        "demonstrations": {"corpus": content["corpus"], "split": "train"}}]}  # fmt: skip
    content["base"] = str(Path("examples/tiny-xglm").resolve())
    plans = []
    for place, stands in (("beside", tmp_path), ("here", tmp_path / "here")):
        root = tmp_path / place
        (root / "data").mkdir(parents=True)
        for split in ("train", "dev", "test"):
            lines = "".join(f"{split} Satz {n}\t{split} sentence {n}\n" for n in range(40))
            (root / "data" / f"{split}.de-en.tsv").write_text(lines)
        spec = (root if place == "beside" else tmp_path) / "spec.yaml"
        spec.write_text(yaml.safe_dump(content))
        monkeypatch.chdir(stands)
        loaded = load_spec(spec)
        monkeypatch.chdir("/")
        plans.append(make_plan(GridSpec.model_validate(loaded.model_dump(mode="json"))))
    first, second = plans
    assert [cell.id for cell in first.cells()] == [cell.id for cell in second.cells()]
    assert first.prompt.id == second.prompt.id
    assert first.spec.corpus.options == {"path": path}
    assert first.spec.corpus.folder == (tmp_path / "beside").resolve()
    assert second.spec.corpus.folder == (tmp_path / "here").resolve()


def test_a_corpus_without_a_relative_path_is_written_as_ever(demo: Spec, spec_file: Callable[[Any], Path]) -> None:
    assert load_spec(spec_file(demo)).corpus.model_dump(mode="json") == {"kind": "cldr", "options": {}}


def test_a_base_found_from_the_current_folder_is_found_from_every_other(
    demo: Spec, tmp_path: Path, spec_file: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "base").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "models")
    assert load_spec(spec_file({**demo, "base": "base"})).base.model == str(tmp_path / "models" / "base")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"languages": ["en", "Tagalog", "tl"]}, "names fil twice; name each language once"),
        ({"languages": ["en", "zh", "zh_CN"]}, "names zh-Hans twice"),
        ({"languages": ["en", "no", "nob_Latn"]}, "names nb twice"),
        ({"languages": ["en", "pt", "pt_BR"]}, "names pt twice"),
        ({"evaluation": {"pairs": [["en_US", "English"]]}}, "pairs en with itself"),
    ],
)
def test_two_spellings_of_one_language_are_one_sentence(
    demo: Spec, spec_file: Callable[[Any], Path], change: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        load_spec(spec_file({**demo, **change}))


def test_two_regions_of_one_language_are_two_languages(demo: Spec, spec_file: Callable[[Any], Path]) -> None:
    languages = [*demo["languages"], "pt_BR", "pt_PT", "fr_CA"]
    assert load_spec(spec_file({**demo, "languages": languages})).languages[-3:] == ("pt", "pt-PT", "fr-CA")
