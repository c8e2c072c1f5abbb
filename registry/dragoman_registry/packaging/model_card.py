"""Write model cards from the store: what a model is made of, its training data, its scores."""

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from dragoman.analysis.caption import caption_of
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import PairScore, pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import ModelError, SpecError, StoreError
from dragoman.identity import canonical_json
from dragoman.language import english_name
from dragoman.metrics.lookup import digits_of
from dragoman.partition import Evidence, TrainingGraph
from dragoman.reading import ReadingError, read_text
from dragoman.reports.results import captioned, partition_rows
from dragoman.sharing.model_index import model_index_yaml
from dragoman.spec.document import parsed
from dragoman.spec.grid import GridSpec
from dragoman.spec.method import Method
from dragoman.store.records import GridRecord, ModelRecord
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman.tables.table import figure
from dragoman_registry.registry_client.versions import id_of

WEAKEST = 10
"""Pairs named as the weakest."""

SHORT = 5000
"""Characters MLflow keeps of a version's description."""


class Card(NamedTuple):
    """A model card in two lengths, in Markdown."""

    text: str
    """All of it, for people."""
    summary: str
    """Its beginning with the first table: the version's description."""
    metadata: str
    """Its languages and results as YAML, for the Hugging Face hub."""

    @property
    def readme(self) -> str:
        """The README beside the model: the metadata between lines of hyphens, and the text."""
        return f"---\n{self.metadata}---\n\n{self.text}"


def write_card(store: Store, grid: GridRecord, spec: GridSpec, model: str) -> Card:
    """The card of one finetuned model of a grid, written from the store.

    Raises:
        ModelError: the model was not trained in the grid.
    """
    record = store.models.get(id_of(grid, model))
    training = store.models.training(record.id) or {}
    finetuning = next((each for each in spec.finetunings if each.name == model), None)
    if finetuning is None:
        raise ModelError(
            f"'{model}' has no model card: it was not trained in the grid {grid.name}. Name a model that was."
        )
    first, names = grid.metrics[0], list(grid.test_sets.values())
    base = _base(spec.base.model)
    measured = caption_of(store, ScoreQuestion(grid.name, first), model=model)
    scores = [_scores(store, grid, model, name) for name in names or (None,)]
    head = (
        f"# {model}\n\n"
        f"A translation model of the grid **{grid.name}**: {base}, finetuned ({_method(finetuning.method)}) "
        f"on {_count(len(record.graph.pairs), 'pair')} and evaluated on {_count(len(grid.languages), 'language')} "
        f"({', '.join(english_name(tag) for tag in grid.languages)}).\n"
    )
    parts = [
        head,
        _facts(
            {
                "Model": record.id,
                "Lineage": " ← ".join(_lineage(store, record)),
                "Base": f"{base}{f' at {spec.base.revision}' if spec.base.revision else ''} ({grid.base})",
                "Licence": f"that of the base: {_licence(spec.base.model)}",
                "Method": canonical_json(finetuning.method),
                "Seed": record.seed,
                "Parameters": f"{training['parameters']:,}, {training['trained_parameters']:,} of them trained"
                if "parameters" in training
                else None,
                "Training": f"{training['seconds']:.0f} seconds, {training['target_tokens']:,} target tokens"
                if "target_tokens" in training
                else None,
                "Prompt": f"`{spec.prompts[0].shown}`",
                "Decoding": measured.decoding,
            }
        ),
        "## Training data\n",
        _data(record.recipe, record.graph, training),
        "## Test sentences in the training text\n",
        _contamination(store, grid, record.id),
        "## Scores\n",
        *scores,
        f"## Known weak pairs, by {first}\n",
        _weakest(pair_scores(store, ScoreQuestion(grid.name, first), model=model), first),
        "## Limits\n",
        "It was evaluated on the languages above and no others. Overlap of the training text with the base model's "
        "pretraining text is not known. The scores hold for this prompt and decoding.\n",
    ]
    summary = f"{head}\n{_table(store, ScoreQuestion(grid.name, first), model)}"
    about = {"language": list(grid.languages), "pipeline_tag": "translation"}
    metadata = yaml.safe_dump(about, sort_keys=False)
    with suppress(StoreError):  # a card can do without an index where the grid has nothing to share
        metadata += model_index_yaml(store, grid.name, model)
    return Card("\n".join(parts), summary if len(summary) <= SHORT else head[:SHORT], metadata)


def _scores(store: Store, grid: GridRecord, model: str, test_set: str | None) -> str:
    """The scores on one test set, with what was measured; under a heading where it has a name."""
    questions = [ScoreQuestion(grid.name, metric, test_set=test_set) for metric in grid.metrics]
    measured = caption_of(store, questions[0], model=model)
    parts = [
        f"Test set: {measured.test_set}; {measured.sentences}. Intervals are at 95 %, by resampling sentences; beside "
        "every score stands the share of translations in another language than the one asked for.\n",
        *(_table(store, question, model) for question in questions),
    ]
    return "\n".join(parts if test_set is None else [f"### {test_set}\n", *parts])


def _table(store: Store, question: ScoreQuestion, model: str) -> str:
    return render([partition_rows(store, question, captioned(store, question, [model]))], Form.MARKDOWN)


def _facts(facts: dict[str, Any]) -> str:
    return "".join(f"- {name}: {value}\n" for name, value in facts.items() if value is not None)


def _lineage(store: Store, record: ModelRecord) -> list[str]:
    """The model and those it comes from, each with its id."""
    found = [f"{record.name} ({record.id})"]
    while record.parent is not None:
        record = store.models.get(record.parent)
        found.append(f"{record.name} ({record.id})")
    return found


def _contamination(store: Store, grid: GridRecord, model: str) -> str:
    """What was found of the test sentences in the training text, pair by pair; that nobody looked, where nobody did."""
    looked_at = store.contamination.of_grid(grid.name, model)
    if not looked_at:
        return "The training text was not searched for test sentences.\n"
    found = [record for record in looked_at if record.exact or record.near]
    names = {identity: f"{name}, " for identity, name in grid.test_sets.items()}
    lines = [
        f"- {names.get(record.test_set, '')}{record.pair}, {record.side}: {record.exact} of {record.sentences} test "
        f"sentences word for word, {record.near} nearly ({100 * record.rate:.1f} %)"
        for record in sorted(found, key=lambda record: -record.rate)[:WEAKEST]
    ]
    pairs = _count(len({record.pair for record in looked_at}), "pair")
    earlier = " by an earlier version, which could miss some" if any(each.is_lower_bound for each in looked_at) else ""
    searched = f"Both sides of {pairs} were searched for copies of test sentences, exact and near{earlier}: "
    told = f"found on {_count(len(found), 'side')}, the most:" if found else "none was found."
    return "\n".join([f"{searched}{told}", *lines]) + "\n"


def _method(method: Method) -> str:
    return "all weights" if method.kind == "full" else f"LoRA of rank {method.rank}"


def _data(recipe: dict[str, Any], graph: TrainingGraph, training: dict[str, Any]) -> str:
    corpus = recipe.get("corpus", {})
    lines = [f"Corpus {corpus.get('kind', 'unknown')}, revision {corpus.get('revision', 'unknown')}."]
    match graph.evidence:
        case Evidence.UNKNOWN:
            lines.append("All the pairs it has seen are not known: its base was trained on pairs nobody declared.")
        case Evidence.DECLARED:
            lines.append("Pairs the base was trained on before, as declared, are counted in.")
    if training.get("skipped_too_long"):
        lines.append(f"{training['skipped_too_long']} examples were left out for their length.")
    pairs = [f"{pair} {count}" for pair, count in sorted(graph.examples.items())]
    told = f"{' '.join(lines)}\n\nExamples of each directed pair: {', '.join(pairs) or 'none'}.\n"
    return told + _monolingual(recipe, training)


def _monolingual(recipe: dict[str, Any], training: dict[str, Any]) -> str:
    """The monolingual examples, which are no pair's; nothing where there are none."""
    if (asked := recipe.get("monolingual")) is None:
        return ""
    counts = ", ".join(f"{tag} {count}" for tag, count in training.get("monolingual", {}).items())
    return (
        f"\nMonolingual examples of each language (task {asked['task']}, `{asked['template']}`): {counts or 'none'}. "
        "They make no pair a trained one.\n"
    )


def _weakest(scores: list[PairScore], metric: str) -> str:
    """The pairs with the worst scores, which of error rates are the highest, and those without a score."""
    higher, digits = higher_is_better(metric), digits_of(metric)
    scored = [(score.value if higher else -score.value, score) for score in scores if score.value is not None]
    scored.sort(key=lambda each: (each[0], each[1].pair))
    worst = [score for _, score in scored[:WEAKEST]]
    lines = [f"- {score.pair} ({score.partition or 'unknown'}): {figure(score.value, digits)}" for score in worst]
    lines += [f"- {score.pair}: no score, {score.reason or score.state}" for score in scores if score.value is None]
    return "\n".join(lines) + "\n"


def _base(base: str) -> str:
    """The name of the base: a hub's, or a folder's without the path, which says nothing elsewhere."""
    return Path(base).name if Path(base).is_absolute() or Path(base).is_dir() else base


def _licence(base: str) -> str:
    """What the base's own card says, where the base is a folder with one; a hub model's is on its page."""
    card = Path(base) / "README.md"
    if not Path(base).is_dir():
        return f"see https://huggingface.co/{base}"
    if card.is_file():
        try:
            head = read_text(card).split("---")
            fields = parsed(head[1], card) if len(head) > 2 and not head[0].strip() else None
        except (SpecError, ReadingError, UnicodeDecodeError):  # somebody else's file
            return "not stated"
        if isinstance(fields, dict) and isinstance(fields.get("license"), str | list):
            return str(fields["license"])
    return "not stated"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
