"""What a manifest writes it reads: every spec that can be planned comes back from its manifest as it was."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dragoman import plugins
from dragoman.contamination import SEARCH
from dragoman.pair import Pair
from dragoman.partition import Evidence, Partition
from dragoman.planning.manifest import Manifest, manifest_path, prepare
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.spec.base import LONGEST_NAME, SpecModel
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import load_spec
from dragoman.spec.quoted import QuotedScores
from dragoman.spec.translations import Translations

LORA = {"kind": "lora", "steps": 2, "learning_rate": "1e-4"}
FULL = {"kind": "full", "steps": 2, "learning_rate": 0.001}
MODEL = {"name": "m", "pairs": ["en-de"], "examples": 4, "method": FULL}
RULES = [{"at_least": 1}]
OUTPUTS, TABLES = "out/{source}-{target}.txt", "out/{source}-{target}.tsv"
SEVERAL = {"kind": "tsv", "path": {"test": "several.tsv"}, "columns": {"en": "en", "de": ["de", "b"]}}

# Values for the keys of each part of a spec; a test sees to it that no key is forgotten.
VALUES: dict[str, dict[str, list[Any]]] = {
    "GridSpec": {
        "name": ["g", "G.1_x-y", "n" * LONGEST_NAME], "base": ["facebook/xglm-564M"],
        "languages": [["en", "de", "zh-Hans", "sr-Latn"], ["eng_Latn", "deu_Latn"]], "corpus": ["cldr"],
        "prompt": ["mfti", "mfti-to", "{source} =>"], "filters": [{}], "missing": ["stop", "drop"],
        "contamination": [{}], "models": [[MODEL]], "baselines": [[{"name": "b", "shots": 1}]], "evaluation": [{}],
        "promotion": [{"model": "r", "rules": RULES}], "seed": [0, 2**40], "seeds": [[1, 2]], "campaign": ["c"],
        "candidates_of": ["g-large"],
    },
    "Base": {
        "model": ["facebook/xglm-564M"], "revision": ["main", "1e10"],
        "trained_on": ["nothing", "unknown", "all", ["en-de", ["zh-Hans", "sr-Latn"]]],
        "pretraining": [{"en": 803.5e9, "zh-Hans": 0}],
    },
    "Finetuning": {
        "name": ["m"], "pairs": ["all", ["en-de", "zh-Hans>sr-Latn"], {"centric": "en"}, "nothing"],
        "examples": [3, {"total": 10, "temperature": 5}], "method": [FULL, LORA], "corpus": ["cldr"],
        "prompt": ["mfti-to"], "seed": [7], "filters": [{"min_length": 2}], "missing": ["drop"], "seeds": [[3, 4]],
        "monolingual": [{}, {"task": "copy"}],
    },
    "Monolingual": {
        "languages": ["all", "de", ["en", "zh-Hans"]], "task": ["continue", "copy"], "examples": [3],
        "template": ["{language} {{again}}: {text}\n"],
    },
    "Evaluation": {
        "pairs": ["all", ["en-de"], {"sample": 2, "seed": 3}], "corpus": ["cldr"], "split": ["test", "dev"],
        "sentences": [2], "prompt": ["mfti-to"], "prompts": [["mfti", "mfti-to"]], "missing": ["stop", "drop"],
        "decoding": [{}], "metrics": [["bleu"]], "base": [True], "engine": ["auto", "transformers"],
        "too_long": ["fail", "empty", "cut"], "test_sets": [[{"name": "t"}, {"name": "d", "split": "dev"}]],
    },
    "MetricChoice": {"metric": ["bleu"], "name": ["mine"], "options": [{"checkpoint": "folder"}]},
    "TestSetChoice": {
        "name": ["t"], "corpus": ["cldr"], "split": ["dev"], "sentences": [3, {"n": 2, "seed": 2}],
        "pairs": [["en-de"]], "missing": ["drop"], "too_long": ["fail", "cut"],
    },
    "NamedTestSet": {"name": ["T.1"]},
    "Baseline": {
        "name": ["b"], "model": ["other/model"], "revision": ["v1"],
        "trained_on": ["all", "nothing", "unknown", ["en-de", ["zh-Hans", "sr-Latn"]]], "prompt": ["mfti-to"],
        "shots": [0, 1], "engine": ["openai"], "endpoint": ["http://127.0.0.1:8000/v1"], "key_variable": ["MY_KEY"],
        "decoding": [{"beam": 2}], "translations": [OUTPUTS],
        "scores": ["scores.tsv"], "pivot": [{"model": "base", "through": "en"}],
    },
    "PivotTranslation": {
        "model": ["m", "base"], "through": ["en", "zh-Hans", "best"], "candidates": ["en", ["en", "de"]],
        "sentences": [3], "metric": ["chrf++"],
    },
    "QuotedScores": {
        "path": ["scores.tsv"], "format": ["tsv"], "columns": [{"pair": "lp", "value": "score"}], "metric": ["bleu"],
        "signature": ["nrefs:1|tok:13a", "sacrebleu 13a"], "cite": ["Doe et al. 2026, table 5"], "scale": [1],
        "skip_other_pairs": [True], "test_set": ["t"],
    },
    "Translations": {
        "path": [OUTPUTS], "format": ["text"], "columns": [{"hypothesis": 0}], "sources": ["src/{source}.txt"],
        "system": ["X"], "reference": [2], "test_set": ["t"],
    },
    "Decoding": {
        "beam": [3], "max_new_tokens": [20], "max_ratio": [2.5], "length_penalty": [-1.5, 0], "temperature": [0.7],
        "top_k": [5], "top_p": [0.9], "seed": [3], "stop": ["\n", ["</s>", "\u2028"]], "stop_at_newline": [False],
        "precision": ["int8"], "too_long": ["cut", "fail"],
    },
    "Prompt": {
        "template": ["mfti", "{source} {{x}}\n"], "name": ["p"], "shots": [2], "demonstrations": [{}],
        "separator": ["</s>"], "chat": [True, False, {}], "instruction": ["none", "wrong", "right"],
        "wrong_languages": [["fr"]], "names": ["native"],
    },
    "EvaluationPrompt": {"models": [["base"]]},
    "Demonstrations": {"corpus": ["cldr"], "split": ["dev", "train"], "seed": [5], "revision": [None]},
    "Chat": {
        "system": ["Translate."], "options": [{"thinking": False, "budget": "1e3", "list": [1, None, {"a": 0.5}]}],
    },
    "Filters": {
        "min_length": [2], "max_length": [90], "max_length_ratio": [3.0], "language": [False], "test_overlap": [True],
    },
    "Contamination": {"similarity": [0.9], "at_most": [0.5]},
    "Pivot": {"pivot": ["fr"]},
    "Roles": {"both": [["zh-Hans"]], "source": [["de"]], "target": [["zh-Hans"]]},
    "PairChoice": {"centric": ["en", ["en", "de"]], "roles": [{"source": ["en"], "target": ["de"]}], "sample": [2],
                   "seed": [4], "nested": [True]},
    "SharedExamples": {"total": [10], "temperature": [1, 5.5]},
    "Selection": {"every": [1], "pairs": ["trained", ["en-de"]], "sentences": [2], "metric": ["bleu"],
                  "max_new_tokens": [9], "patience": [2]},
    "_Method": {
        "learning_rate": [0.001, "1e-4"], "steps": [1], "batch_tokens": [64], "warmup_steps": [1],
        "schedule": ["cosine"], "weight_decay": [0.1], "max_gradient_norm": [0.5], "max_length": [99],
        "precision": ["bfloat16"], "accumulation": [2], "gradient_checkpointing": [True],
        "selection": [{"every": 1, "pairs": ["zh-Hans>sr-Latn"]}],
    },
    "Full": {"kind": ["full"]},
    "Lora": {
        "kind": ["lora"], "rank": [4], "alpha": [8, 0.5], "dropout": [0.1], "modules": ["all-linear", ["q_proj"]],
        "dora": [True], "base_precision": ["bfloat16"], "quantized": ["nf4"],
    },
    "Promotion": {
        "policy": ["p"], "version": [1], "model": ["r"], "alias": ["best"], "aliases": [["a", "b"]],
        "metric": ["chrf++"], "over": ["unseen", "seen", "en-de"], "signatures": [{"bleu": "tok:13a"}],
        "coverage": [0.5], "missing": ["pass"], "correction": ["bh"], "alpha": [0.1],
        "protected": [["en-de", ["de", "en"]]], "candidates": [{}], "protected_margin": [2.5],
        "rules": [RULES], "champions": [["unseen_both", {"over": "en-de"}]], "test_set": ["t"],
    },
    "Rule": {
        "metric": ["chrf++"], "over": ["all", "zh-Hans>sr-Latn"], "each": [True], "at_least": [0.5], "at_most": [90],
        "gain_at_least": [-1], "regression_at_most": [1.5], "significant_losses_at_most": [0],
        "no_significant_regression": [True], "regression_upper_at_most": [0.5],
        "lines": ["original=source"],
        "seeds": ["pooled", "checkpoint"], "seeds_at_least": [2], "coverage": [0.9], "missing": ["fail"],
        "test_set": ["t"],
    },
    "ScopeChampion": {"over": ["seen"], "rules": [RULES], "test_set": ["t"]},
    "CorpusChoice": {"kind": ["cldr"], "options": [{"seed": 3}]},
    "Candidates": {"split": ["test"], "sentences": [3]},
    "SentenceSample": {"n": [3], "seed": [7]},
}  # fmt: skip

# Where a part stands, around it what it needs: the path to it and the spec without it.
PLACES: dict[str, list[Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "GridSpec": [lambda part: part, lambda part: {"models": [MODEL], **part}],
    "Base": [lambda part: {"base": {"model": "facebook/xglm-564M", **part}}],
    "Finetuning": [
        lambda part: {"models": [MODEL | part]}, lambda part: {"models": [MODEL | {"monolingual": {}} | part]},
    ],
    "Monolingual": [lambda part: {"models": [MODEL | {"monolingual": part}]}],
    "PivotTranslation": [
        lambda part: {"models": [MODEL]} | _pivoted({"model": "m", "through": "de", **part}),
        lambda part: _pivoted({"model": "base", "through": "best", **part}),
    ],
    "Evaluation": [lambda part: {"evaluation": part}],
    "MetricChoice": [lambda part: {"evaluation": {"metrics": [{"metric": "bleu", "name": "m", **part}]}}],
    "TestSetChoice": [lambda part: {"evaluation": {"test_sets": [{"name": "t", **part}]}}],
    "NamedTestSet": [lambda part: {"evaluation": {"test_sets": [{"name": "a"}, {"split": "dev", **part}]}}],
    "Baseline": [
        lambda part: {"baselines": [{"name": "b", "model": "other/model", "engine": "openai", **part}]},
        lambda part: {"baselines": [{"name": "b", "shots": 1, **part}]},
        lambda part: {"baselines": [{"name": "b", **part}]},
    ],
    "Translations": [
        lambda part: _from_files({"path": OUTPUTS, **part}) | _tested(part),
        lambda part: _from_files({"path": {"columns": TABLES, "system": "wmt"}[next(iter(part))], **part}),
        lambda part: _from_files({"reference": part["reference"]}) | {"evaluation": {"corpus": SEVERAL}},
    ],
    "QuotedScores": [
        lambda part: {"baselines": [{"name": "b", "scores": {"path": "scores.tsv", "metric": "bleu", **part}}]}
        | _tested(part)
    ],
    "Decoding": [
        lambda part: {"evaluation": {"decoding": part}},
        lambda part: {"evaluation": {"decoding": {"temperature": 0.5, **part}}},
    ],
    "Prompt": [
        lambda part: {"prompt": {"template": "mfti", **part}},
        lambda part: {"models": [MODEL | {"prompt": {"template": "mfti", **part}}]},
    ],
    "EvaluationPrompt": [lambda part: {"evaluation": {"prompts": ["mfti", {"template": "mfti-to", **part}]}}],
    "Demonstrations": [lambda part: {"prompt": {"template": "mfti", "shots": 1, "demonstrations": part}}],
    "Chat": [lambda part: {"prompt": {"template": "mfti", "chat": part}}],
    "Filters": [lambda part: {"filters": part, "models": [MODEL]}],
    "Contamination": [lambda part: {"contamination": part}],
    "Pivot": [lambda part: {"missing": part, "models": [MODEL]}],
    "Roles": [lambda part: {"evaluation": {"pairs": {"roles": {"source": ["en"], "target": ["sr-Latn"]} | part}}}],
    "PairChoice": [
        lambda part: {"evaluation": {"pairs": part}}, lambda part: {"evaluation": {"pairs": {"sample": 2, **part}}},
    ],
    "SharedExamples": [lambda part: {"models": [MODEL | {"examples": {"total": 10, **part}}]}],
    "Selection": [lambda part: {"models": [MODEL | {"method": FULL | {"selection": {"every": 1, **part}}}]}],
    "_Method": [lambda part: {"models": [MODEL | {"method": FULL | part}]}],
    "Full": [lambda part: {"models": [MODEL | {"method": FULL | part}]}],
    "Lora": [lambda part: {"models": [MODEL | {"method": LORA | part}]}],
    "Promotion": [
        lambda part: {"models": [MODEL], "promotion": {"model": "r", "rules": RULES, **part}} | _tested(part)
    ],
    "Candidates": [
        lambda part: {"models": [MODEL], "promotion": {"model": "r", "rules": RULES, "candidates": part}}
    ],
    "Rule": [
        lambda part: {"models": [MODEL], "promotion": {"model": "r", "rules": [{"at_least": 1, **part}]}}
        | _tested(part),
        lambda part: {"models": [MODEL], "promotion": {"model": "r", "rules": [part]}},
    ],
    "ScopeChampion": [
        lambda part: {"models": [MODEL], "promotion": {"model": "r", "rules": RULES,
                                                       "champions": [{"over": "seen", **part}]}} | _tested(part)
    ],
    "CorpusChoice": [lambda part: {"corpus": {"kind": "cldr", **part}}],
    "SentenceSample": [lambda part: {"evaluation": {"sentences": {"n": 2, **part}}}],
}  # fmt: skip


def _minimal(**changes: Any) -> dict[str, Any]:
    content = {"name": "g", "base": "facebook/xglm-564M", "languages": ["en", "de", "zh-Hans", "sr-Latn"],
               "corpus": "cldr", **changes}  # fmt: skip
    return content | {"evaluation": {"sentences": 2, **content.get("evaluation", {})}}


def _tested(part: dict[str, Any]) -> dict[str, Any]:
    """The test set that a part names."""
    return {"evaluation": {"test_sets": [{"name": part["test_set"]}]}} if "test_set" in part else {}


def _pivoted(part: dict[str, Any]) -> dict[str, Any]:
    return {"baselines": [{"name": "b", "pivot": part}]}


def _from_files(translations: dict[str, Any]) -> dict[str, Any]:
    return {"baselines": [{"name": "b", "translations": translations}]}


def _write_translations(folder: Path) -> None:
    """What somebody made of the two sentences of en-de, in some layouts, and a table of scores."""
    segments = make_plan(GridSpec.model_validate(_minimal())).lines.segments(Pair("en", "de"))
    files = {
        "out/en-de.txt": ["eins", "zwei"], "out/en-de.tsv": ["eins", "zwei"],
        "several.tsv": ["en\tde\tb", "One.\tEins.\tEin.", "Two.\tZwei.\tZwo."],
        "scores.tsv": ["lp\tmetric\tscore", "en-de\tbleu\t30.5", "de-en\tbleu\t31"],
        "src/en.txt": [segment.source for segment in segments], "wmt/system-outputs/en-de/X.txt": ["eins", "zwei"],
    }  # fmt: skip
    for name, lines in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(f"{line}\n" for line in lines))


def _parts(model: type[SpecModel]) -> Iterator[type[SpecModel]]:
    for part in model.__subclasses__():
        yield part
        yield from _parts(part)


def _comes_back(spec: GridSpec, home: Path) -> Plan:
    """The plan as `prepare` reads it from the manifest, held against the plan that was made."""
    plan = make_plan(spec)
    read = prepare(plan, home)
    again = Manifest.model_validate_json(manifest_path(home, spec.name).read_bytes())
    assert again.plan == read
    unread = {"trainings": tuple(each.model_copy(update={"text": None}) for each in read.trainings)}
    assert read.model_copy(update=unread) == plan
    assert [cell.id for cell in read.cells()] == [cell.id for cell in plan.cells()]
    assert read.id == plan.id
    return read


def test_text_that_an_earlier_search_looked_at_is_looked_at_again(tmp_path: Path) -> None:
    spec = GridSpec.model_validate({
        "name": "g", "base": "facebook/xglm-564M", "languages": ["en", "de"], "corpus": "cldr",
        "models": [{**MODEL, "examples": 2}], "evaluation": {"sentences": 2},
    })  # fmt: skip
    plan, looked_at = make_plan(spec), list[str]()

    def looked(again: bool) -> bool:
        looked_at.clear()
        prepare(plan, tmp_path, lambda training: looked_at.append(training.identity.name))
        return looked_at == (["m"] if again else [])

    assert looked(again=True)
    assert looked(again=False)
    manifest = manifest_path(tmp_path, "g")
    manifest.write_text(manifest.read_text().replace(f',"search":{SEARCH}', "", 1))  # as before it had versions
    assert looked(again=True)


def test_no_key_of_a_spec_is_forgotten() -> None:
    for kind in plugins.available("corpora"):
        plugins.load("corpora", kind)
    parts = {
        part.__name__: part
        for part in (GridSpec, *_parts(SpecModel))
        if part.__module__.startswith("dragoman") and not part.__module__.startswith("dragoman.claims")  # no spec's
    }
    assert parts.keys() == VALUES.keys() == PLACES.keys()
    for name, part in parts.items():
        inherited = {key for base in part.__mro__[1:] if base in parts.values() for key in base.model_fields}
        noted = (
            {"folder"} if part in (CorpusChoice, QuotedScores, Translations) else set()
        )  # never written, and tested below
        assert part.model_fields.keys() - inherited - noted == VALUES[name].keys() - inherited, name


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [(part, key, value) for part, keys in VALUES.items() for key, values in keys.items() for value in values],
    ids=lambda value: str(value)[:40],
)
def test_every_key_of_a_spec_comes_back_from_the_manifest(
    part: str, key: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if key in ("translations", "scores") or part in ("Translations", "QuotedScores"):
        _write_translations(tmp_path)
    taken = []
    for place in PLACES[part]:
        try:
            taken.append(GridSpec.model_validate(_minimal(**place({key: value}))))
        except (ValueError, KeyError):
            continue  # it stands in another of the places
    assert taken
    for number, spec in enumerate(taken):
        _comes_back(spec, tmp_path / str(number))


PAIRS = st.lists(
    st.sampled_from(["en", "de", "zh-Hans", "zh-Hant", "sr-Latn", "nb", "es-419", "ko"]),
    min_size=2,
    max_size=2,
    unique=True,
)
DECLARED = st.sampled_from(["nothing", "unknown", "all"]) | st.lists(PAIRS, min_size=1, max_size=6)


@given(
    base=DECLARED,
    baseline=DECLARED,
    evaluated=st.just("all") | st.lists(PAIRS.filter(lambda pair: "ko" in pair), min_size=1),
)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_declared_graphs_come_back(tmp_path: Path, base: Any, baseline: Any, evaluated: Any) -> None:
    spec = GridSpec.model_validate(
        _minimal(
            languages=["en", "de", "zh-Hans", "zh-Hant", "sr-Latn", "nb", "es-419", "ko"],
            base={"model": "facebook/xglm-564M", "trained_on": base},
            baselines=[{"name": "b", "model": "other/model", "trained_on": baseline}],
            evaluation={"pairs": evaluated},
        )
    )
    read = _comes_back(spec, tmp_path)
    (planned,) = read.baselines
    declared = {Pair.of(*pair) for pair in baseline} if isinstance(baseline, list) else set()
    assert planned.graph.pairs == declared or baseline == "all"
    assert (planned.graph.evidence is Evidence.UNKNOWN) == (baseline == "unknown")


def test_the_documented_translation_model_is_planned(tmp_path: Path, spec_file: Callable[[Any], Path]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "engines.md").read_text()
    line = "{name: nllb, model: facebook/nllb-200-distilled-600M, trained_on: all}"
    assert f"- {line}\n" in page
    path = tmp_path / "spec.yaml"
    path.write_text(f"name: g\nbase: facebook/xglm-564M\nlanguages: [en, de]\ncorpus: cldr\nbaselines:\n  - {line}\n")
    (nllb,) = _comes_back(load_spec(path), tmp_path / "home").baselines
    assert {nllb.graph.partition(pair) for pair in (Pair("en", "de"), Pair("de", "en"))} == {Partition.SEEN}


def test_a_long_name_is_a_files_name(tmp_path: Path) -> None:
    _comes_back(GridSpec.model_validate(_minimal(name="n" * LONGEST_NAME)), tmp_path)


def test_where_a_corpus_was_found_comes_back(tmp_path: Path) -> None:
    (tmp_path / "lines.tsv").write_text("en\tde\nOne.\tEins.\nTwo.\tZwei.\n")
    path = tmp_path / "spec.yaml"
    path.write_text(
        "name: g\nbase: facebook/xglm-564M\nlanguages: [en, de]\ncorpus: {kind: tsv, path: {test: lines.tsv}}\n"
    )
    assert _comes_back(load_spec(path), tmp_path / "home").spec.corpus.folder == tmp_path.resolve()
