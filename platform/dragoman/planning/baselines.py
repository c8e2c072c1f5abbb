"""Systems of a plan that are not trained here: the base's identity, and the baselines."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from dragoman.checkpoint_settings import changed_at, deciding_settings
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.errors import ModelError, SpecError
from dragoman.identity import hash_files
from dragoman.model import Former, ModelIdentity
from dragoman.pair import Pair, PairKey, all_pairs
from dragoman.partition import Evidence, TrainingGraph
from dragoman.planning.planned_test_set import PlannedTestSet, test_set_named
from dragoman.spec.baseline import Baseline
from dragoman.spec.grid import Base, GridSpec
from dragoman.spec.pairs import Declared
from dragoman.store.records import StoredScore

if TYPE_CHECKING:
    from dragoman.quoted.system import QuotedSystem
    from dragoman.translations.base import TranslationFiles
    from dragoman.translations.system import SystemFromFiles

WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "config.json", "tokenizer.json", "tokenizer.model", "*.spm")
"""The files of a checkpoint that determine its translations."""


class PlannedBaseline(BaseModel):
    """Another system on the same cells."""

    model_config = ConfigDict(frozen=True)

    identity: ModelIdentity
    """The model."""
    baseline: Baseline
    """The part of the spec it comes from."""
    graph: TrainingGraph
    """What it was trained to translate, as the spec declares it."""
    contents: dict[PairKey, str] = {}
    """Of a system from files, the hash of its translations of each pair."""
    missing: dict[PairKey, str] = {}
    """Of a system from elsewhere, the pairs that there are no translations or scores of, with the reason; of a pivot
    system, those that it does not translate."""
    scores: dict[PairKey, tuple[StoredScore, ...]] = {}
    """Of a quoted system, its scores of each pair."""

    def why_missing(self, pair: Pair, test_set: PlannedTestSet, test_sets: Sequence[PlannedTestSet]) -> str | None:
        """Why a system from files has no translations of a pair of a test set; None where it has them.

        Args:
            pair: the pair.
            test_set: the test set.
            test_sets: all of the grid, the first one first.
        """
        own = test_set_named(test_sets, self.baseline.test_set)
        if own.name != test_set.name:
            return self.baseline.why_not_of_others(own.name)
        return self.missing.get(pair)


def planned_baselines(
    spec: GridSpec, base: ModelIdentity, test_sets: Sequence[PlannedTestSet]
) -> tuple[PlannedBaseline, ...]:
    """The baselines of a spec that are systems of their own; translations and scores in files are read.

    Args:
        spec: the spec.
        base: its base.
        test_sets: the test sets.

    Raises:
        SpecError: one is the base, or another baseline.
        ModelError: one is not there.
        TranslationError: translations in files are not those of the test sentences.
        QuotedScoreError: a table's scores are not of the grid's pairs.
    """
    names = {base.id: "the base"}
    planned = []
    for baseline in spec.baselines:
        if not baseline.stands_alone or baseline.pivot is not None:
            continue
        read, quoted = _read(spec, baseline, test_sets), _quoted(spec, baseline, test_sets)
        identity = read.identity if read else quoted.identity if quoted else _model(spec, baseline)
        if identity.id in names and (read or quoted):
            raise SpecError(
                f"baselines.{baseline.name}: its {'translations' if read else 'scores'} are the same as those of "
                f"{names[identity.id]}: leave it out, or name other files."
            )
        if identity.id in names:
            raise SpecError(
                f"baselines.{baseline.name}.model is the same model as {names[identity.id]}: leave it out to ask the "
                "base in another way, or name another model."
            )
        names[identity.id] = f"the baseline {baseline.name}"
        graph = declared_graph(baseline.trained_on, spec.languages)
        found: dict[str, Any] = {"contents": dict(read.contents), "missing": dict(read.missing)} if read else {}
        if quoted:
            found = {"scores": quoted.scores, "missing": dict(quoted.missing)}
        planned.append(PlannedBaseline(identity=identity, baseline=baseline, graph=graph, **found))
    return tuple(planned)


def files_of(spec: GridSpec, baseline: Baseline, lines: TestLines) -> "TranslationFiles":
    """The files of a baseline whose translations are in files, or the reference of the test set that they are.

    Args:
        spec: the spec.
        baseline: its baseline.
        lines: the test sentences.

    Raises:
        DragomanError: there are no such files, or nothing tells how they are written.
    """
    from dragoman.translations.corpus_reference import CorpusReference
    from dragoman.translations.opening import open_translations

    if baseline.translations is None:
        raise SpecError(f"baselines.{baseline.name} has no translations in files.")
    key, choice = f"baselines.{baseline.name}.translations", baseline.translations
    if choice.reference is not None:
        return CorpusReference(key, lines, choice.reference)
    return open_translations(key, choice, baseline.name, pairs=lines.pairs, languages=spec.languages)


def test_lines_of(lines: TestLines, pair: Pair) -> tuple[list[str], list[str]]:
    """The source and the reference lines of a pair."""
    segments = lines.segments(pair)
    return [segment.source for segment in segments], [segment.target for segment in segments]


def _read(spec: GridSpec, baseline: Baseline, test_sets: Sequence[PlannedTestSet]) -> "SystemFromFiles | None":
    if baseline.translations is None:
        return None
    from dragoman.translations.system import read_system

    key = f"baselines.{baseline.name}.translations"
    lines = test_set_named(test_sets, baseline.test_set).tested.lines
    files = files_of(spec, baseline, lines)
    return read_system(key, baseline.name, files, lines.pairs, partial(test_lines_of, lines))


def _quoted(spec: GridSpec, baseline: Baseline, test_sets: Sequence[PlannedTestSet]) -> "QuotedSystem | None":
    if baseline.scores is None:
        return None
    from dragoman.quoted.system import read_quoted

    key = f"baselines.{baseline.name}.scores"
    pairs = test_set_named(test_sets, baseline.test_set).pairs
    return read_quoted(key, baseline.name, baseline.scores, pairs=pairs, languages=spec.languages)


def _model(spec: GridSpec, baseline: Baseline) -> ModelIdentity:
    return identity_of(baseline, f"baselines.{baseline.name}.model", baseline.name, chat=spec.chats)


def declared_graph(trained_on: Declared, languages: tuple[str, ...]) -> TrainingGraph:
    """The graph of a model from elsewhere."""
    if trained_on == "unknown":
        return TrainingGraph(evidence=Evidence.UNKNOWN)
    pairs = {"nothing": (), "all": all_pairs(languages)}[trained_on] if isinstance(trained_on, str) else trained_on
    return TrainingGraph(examples=dict.fromkeys(pairs, 1), evidence=Evidence.DECLARED)


def identity_of(named: Base | Baseline, place: str, name: str = "base", chat: bool = False) -> ModelIdentity:
    """The identity of a model from elsewhere, after a check that it exists.

    Args:
        named: the part of the spec that names it.
        place: where that stands, for errors.
        name: its name in the grid's tables.
        chat: whether models of the grid are prompted with their chat templates.

    Raises:
        ModelError: its folder has no weights, or it is neither a folder nor a name.
    """
    model = str(named.model)
    recipe: dict[str, Any] = {"model": model, "revision": named.revision}
    folder = Path(model)
    if isinstance(named, Baseline) and named.engine == "openai":
        return ModelIdentity(name=name, recipe=recipe)
    if folder.is_dir():
        files = [path for pattern in WEIGHTS for path in folder.glob(pattern)]
        if not any(path.suffix == ".safetensors" for path in files):
            raise ModelError(
                f"{place} is '{model}': the folder holds no safetensors weights. "
                "Save the model with save_pretrained, or name one on the hub."
            )
        recipe = {"files": hash_files(files)}  # the content, wherever the folder is
        if deciding := deciding_settings(folder, chat):
            former = Former(recipe=recipe, unseen=changed_at(folder))
            return ModelIdentity(name=name, recipe={**recipe, "version": 2, "settings": deciding}, former=former)
    elif folder.is_absolute() or model.startswith(".") or model.count("/") != 1:
        raise ModelError(
            f"{place} is '{model}': there is no such folder beside the spec or here, and it is no "
            "hub name such as facebook/xglm-564M. Mend the path or the name."
        )
    return ModelIdentity(name=name, recipe=recipe)
