"""Data sets as MLflow keeps them: a name by identity, a digest of the content, a source from which to read it again."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dragoman.analysis.caption import Caption
from dragoman.identity import canonical_json, fingerprint, hash_lines
from dragoman.pair import Pair
from dragoman.planning.plan import PlannedTraining
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.redaction import masked
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.method import Selection

SOURCE_TYPE = "dragoman"
"""MLflow's name of our kind of source (`dragoman.tracking.dataset_source`)."""

_SHOWN = 8
"""Hexadecimal digits of a test set's identity in its name."""

_PAIRS = 2000
"""Most pairs that a source names: MLflow keeps 65,535 characters of it."""

_SCHEMA = json.dumps(
    {"mlflow_colspec": [{"type": "string", "name": name, "required": True} for name in ("source", "target")]}
)


class TrackedDataset(NamedTuple):
    """A data set of MLflow's, by whose name and digest metrics are found too."""

    name: str
    """The same wherever the same text is meant: the kind of corpus, the split, and what identifies the choice."""
    digest: str
    """Hash of the text, at most 36 characters."""
    source: Mapping[str, Any]
    """What opens it again: the corpus with its options, the split and the choice of sentences."""
    split: str
    """The split, which MLflow calls its context."""
    profile: Mapping[str, Any]
    """Its size."""
    label: str | None = None
    """Name of the test set in its grid."""

    def owns(self, table: str) -> bool:
        """Whether a table, as MLflow calls it, is of this test set, where it is not the first one."""
        return table.startswith(f"{self.label}/")

    def without_label(self, table: str) -> str:
        """The name of such a table without that of the test set."""
        return table.removeprefix(f"{self.label}/")

    def entity(self) -> Any:
        """It as an input of a run."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        kept = Dataset(
            name=self.name,
            digest=self.digest,
            source_type=SOURCE_TYPE,
            source=canonical_json(without_secrets(self.source)),
            schema=_SCHEMA,
            profile=canonical_json(self.profile),
        )
        return DatasetInput(kept, [InputTag("mlflow.data.context", self.split)])


def planned_data(planned: PlannedTestSet) -> TrackedDataset:
    """A test set of a plan."""
    test_set, corpus = planned.test_set, planned.tested.corpus
    source = _source(corpus, test_set.revision, str(test_set.split)) | {"sentences": _plain(test_set.sentences)}
    source |= {"by_lines": True} if test_set.is_by_lines else {}
    source |= (
        {"without": {str(pair): list(lines) for pair, lines in planned.left_out.items()}} if planned.left_out else {}
    )
    return _tested(planned.id, planned.name, planned.contents, source)


def stored_data(identity: str, contents: Mapping[Pair, str], measured: Caption) -> TrackedDataset:
    """A test set of a grid of the store, with the name and the digest that its plan gave it.

    Args:
        identity: id of the test set.
        contents: content hash of each pair's lines; empty of pairs without any.
        measured: what is known of it.
    """
    source = _source(CorpusChoice(kind=measured.corpus), measured.revision, measured.split)
    return _tested(identity, measured.test_set_name, contents, source | {"sentences": measured.sentences_asked})


def _tested(
    identity: str, label: str | None, contents: Mapping[Pair, str], source: Mapping[str, Any]
) -> TrackedDataset:
    found = {str(pair): content for pair, content in contents.items() if content}
    kind, split = source["corpus"]["kind"], source["split"]
    return TrackedDataset(
        name=f"{kind}/{split}-{identity.rpartition('-')[2][:_SHOWN]}",
        digest=_digest(found),
        source={**source, "pairs": sorted(found)[:_PAIRS]},
        split=split,
        profile={"pairs": len(found)},
        label=label,
    )


def trained_data(training: PlannedTraining, record: Mapping[str, Any]) -> TrackedDataset:
    """What a finetuning read, by the hashes of its examples, or, of one whose text was not hashed, by its recipe.

    Args:
        training: the finetuning.
        record: its result.
    """
    recipe = training.identity.recipe["corpus"]
    text = training.text
    contents = {str(pair): each.content for pair, each in text.pairs.items()} if text else {}
    contents |= {tag: each.content for tag, each in text.monolingual.items()} if text else {}
    read = sum(sum(record.get(part, {}).values()) for part in ("examples", "monolingual"))
    drawn = {"examples": _plain(training.finetuning.examples), "seed": training.seed}
    return TrackedDataset(
        name=f"{recipe['kind']}/train",
        digest=_digest(contents) if contents else training.identity.id.rpartition("-")[2],
        source=_source(training.corpus, recipe["revision"], "train") | {"pairs": _named(training.pairs), **drawn},
        split="train",
        profile={"segments": read, "pairs": len(training.pairs)},
    )


def dev_data(training: PlannedTraining, selection: Selection) -> TrackedDataset:
    """The lines of the dev split that checkpoints of a finetuning are chosen by."""
    recipe = training.identity.recipe["corpus"]
    pairs = _named(training.pairs if selection.pairs == "trained" else selection.pairs)
    chosen = {"pairs": pairs, "sentences": selection.sentences}
    digest = fingerprint("dev", 1, {"kind": recipe["kind"], "revision": recipe["revision"], **chosen})
    return TrackedDataset(
        name=f"{recipe['kind']}/dev",
        digest=digest.rpartition("-")[2],
        source=_source(training.corpus, recipe["revision"], "dev") | chosen,
        split="dev",
        profile={"pairs": len(pairs), "sentences_of_each_pair": selection.sentences},
    )


def without_secrets(part: Any) -> Any:
    """A part of a JSON document with secrets masked in its texts: an endpoint's address may hold one."""
    if isinstance(part, Mapping):
        return {name: without_secrets(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [without_secrets(value) for value in part]
    return masked(part) if isinstance(part, str) else part


def _source(corpus: CorpusChoice, revision: str, split: str) -> dict[str, Any]:
    return {"corpus": {"kind": corpus.kind, **corpus.placed}, "revision": revision, "split": split}


def _named(pairs: Iterable[Pair]) -> list[str]:
    return sorted(map(str, pairs))[:_PAIRS]


def _digest(contents: Mapping[str, str]) -> str:
    return hash_lines(part for key in sorted(contents) for part in (key, contents[key]))


def _plain(choice: Any) -> Any:
    return choice.model_dump(mode="json") if hasattr(choice, "model_dump") else choice
