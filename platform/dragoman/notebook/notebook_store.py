"""A store whose questions are methods of it, for notebooks and scripts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from dragoman.analysis.campaigns import grids_of
from dragoman.analysis.comparison import compare
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_query import Selection, scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman.errors import StoreError, nearest
from dragoman.notebook.answer import Answer
from dragoman.notebook.plotted import CompareAnswer, CurveAnswer, PairAnswer, PartitionAnswer, scale_of
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.reports import comparison as comparisons
from dragoman.reports import ranking
from dragoman.reports.choices import chosen_metric, chosen_models
from dragoman.reports.results_by_test_set import answers_by_test_set
from dragoman.sentences.query import Choice, default_metric, label_named, sentences
from dragoman.sentences.sentences import Sentences
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word

_SCOPES = (*Partition, "unknown", "unseen", "all")


class Asked(TypedDict, total=False):
    """What all questions about scores take besides the grid and the metric; each may be left out."""

    signature: str
    """Text that the signatures hold, where the metric has several."""
    prompt: str
    """Name of the prompt; the grid's first by default, and all of them in the tables of results."""
    test_set: str
    """Name of the test set; the grid's first by default, and all of them in the tables of results."""
    decoding: str
    """Text that the decoding's settings hold, where the grid has several."""
    lines: str
    """Only test lines with these labels, as in `domain=news`."""
    micro: bool
    """Weigh each pair by its segments in means over pairs."""


class NotebookStore(Store):
    """The results store with its questions as methods; `dragoman.open_store` opens one that only reads.

    What a question names and the store does not have (a grid, a model, a metric, a partition) is a `StoreError` with
    the nearest name, never an empty answer.
    """

    def __repr__(self) -> str:
        names = self.grids.names()
        listed = f": {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}" if names else ""
        reads = "" if self.database.refusal is None else ", only read"
        return f"<Store {self.database.shown}, {len(names)} grid{'' if len(names) == 1 else 's'}{listed}{reads}>"

    def _repr_html_(self) -> str:
        return self.overview()._repr_html_()

    def overview(self) -> Answer:
        """The grids of the store: languages, models, metrics and planned cells."""
        rows = [
            {
                "grid": each.name, "languages": len(each.languages), "models": ", ".join(each.names.values()),
                "metrics": ", ".join(each.metrics),
            }
            for each in self.grids.all()
        ]  # fmt: skip
        columns = [word("grid"), number("languages", digits=0), word("models"), word("metrics")]
        return Answer(Table(name="grids", title="Grids", columns=columns, content=rows))

    def results(
        self, grid: str, table: str = "partitions", *, metric: str | None = None, model: str | Sequence[str] = (),
        **asked: Unpack[Asked],
    ) -> Answer:  # fmt: skip
        """A table of `dragoman results`: partitions, gap, seeds, matrix, reasons or pairs.

        Args:
            grid: name of the grid.
            table: name of the table.
            metric: the metric; the grid's first by default.
            model: name of a model, or several; all by default.
            asked: what else the question says.

        Raises:
            StoreError: something named is not there, or scores would be mixed that can't be compared.
        """
        return Answer(self._table(grid, table, metric, model, asked))

    def partitions(
        self, grid: str, *, metric: str | None = None, model: str | Sequence[str] = (), **asked: Unpack[Asked]
    ) -> PartitionAnswer:
        """Each model's scores by partition, with intervals and gains; arguments and errors as for `results`."""
        return PartitionAnswer(self._table(grid, "partitions", metric, model, asked))

    def pairs(self, grid: str, model: str, *, metric: str | None = None, **asked: Unpack[Asked]) -> PairAnswer:
        """A model's score on each pair, beside the base's; arguments and errors as for `results`."""
        return PairAnswer(self._table(grid, "pairs", metric, model, asked))

    def compare(self, grid: str, a: str, b: str, *, metric: str | None = None, **asked: Unpack[Asked]) -> CompareAnswer:
        """Model b against model a, on the pairs both have: what `dragoman compare` prints.

        Args:
            grid: name of the grid.
            a: the baseline: `MODEL`, `MODEL:PROMPT` or `GRID/MODEL`.
            b: the model in question.
            metric: the metric; the grid's first by default.
            asked: what else the question says.

        Raises:
            StoreError: something named is not there, or scores would be mixed that can't be compared.
        """
        found = compare(self, self._question(grid, metric, asked), a=a, b=b)
        return CompareAnswer(comparisons.scopes(grid, found), Answer(comparisons.pairs(grid, found)), found)

    def rank(
        self, grid: str, *, over: str = "all", metric: str | None = None, model: str | Sequence[str] = (),
        **asked: Unpack[Asked],
    ) -> Answer:  # fmt: skip
        """The systems of a grid in clusters, on the pairs that all have: what `dragoman rank` prints.

        Args:
            grid: name of the grid.
            over: the scope: a partition, `unseen` or `all`.
            metric: the metric; the grid's first by default.
            model: models with all their prompts, or `MODEL:PROMPT`; all by default.
            asked: what else the question says.

        Raises:
            StoreError: something named is not there, or scores would be mixed that can't be compared.
        """
        found = rank(self, self._question(grid, metric, asked), models=_several(model), over=over)
        return Answer(ranking.ranking(grid, found))

    def scores(
        self, metric: str, *, grid: str | None = None, model: str | Sequence[str] = (), **asked: Unpack[Asked]
    ) -> Selection:
        """Scores to narrow, group and compare: ``store.scores("bleu", grid="demo").by("target").against("base")``.

        Args:
            metric: name of the metric.
            grid: name of the grid; may be left out where only one has these models.
            model: name of a model, or several; all by default.
            asked: what else the question says.

        Raises:
            StoreError: several grids have these models, or none has.
        """
        options: dict[str, Any] = dict(asked)
        micro = options.pop("micro", False)
        found = scores(self, metric, grid=grid, model=model, **options)
        return found.micro() if micro else found

    def curve(
        self, name: str, x: str = "pairs", *, scope: str | Sequence[str] = ("seen", "unseen"),
        metric: str | None = None, **asked: Unpack[Asked],
    ) -> CurveAnswer:  # fmt: skip
        """The mean score of a campaign's models over something that differs between them.

        Args:
            name: name of the campaign, or of a grid.
            x: what is varied: `pairs` or `examples` (that the models have seen), or a number of the recipe, as
                `method.steps` or `method.rank`.
            scope: a partition, `unseen` or `all`, or several: a series each.
            metric: the metric; the first grid's first by default.
            asked: what else the question says.

        Raises:
            StoreError: something named is not there, or no model's recipe has such a number.
        """
        rows, scopes = list[dict[str, Any]](), _several(scope)
        for each in scopes:
            if each not in _SCOPES:
                raise StoreError(f"'{each}' is no partition; {nearest(each, _SCOPES)}")
        for grid in grids_of(self, name):
            question = self._question(grid, metric, asked)
            metric, base = question.metric, self.grids.get(grid).base
            for model in self.models.of_grid(grid):
                if model.id != base:
                    rows += self._measured(question, model, x, scopes)
        if not rows:
            recipes = [model.recipe for grid in grids_of(self, name) for model in self.models.of_grid(grid)]
            known = ["pairs", "examples", *(key for recipe in recipes for key in _numbers(recipe))]
            if x not in known:
                raise StoreError(f"No recipe of '{name}' has the number '{x}'; {nearest(x, known)}")
            raise StoreError(f"No model of '{name}' has a score over {' or '.join(scopes)}.")
        title = f"{name}: {metric} over {x}"
        columns = [word("grid"), word("model"), word("series"), number("x", x, digits=0), number("y", metric)]
        table = Table(name="curve", title=title, columns=columns, content=rows)
        return CurveAnswer(table, x.replace("pairs", "training pairs").replace("_", " "), scale_of(str(metric)))

    def training(self, grid: str, what: Literal["loss", "dev"] = "loss") -> CurveAnswer:
        """The curves of a grid's finetunings over their steps.

        Args:
            grid: name of the grid.
            what: the loss of each step, or the score on the dev split where it was looked at.

        Raises:
            StoreError: there is no such grid, or nothing of the kind was recorded.
        """
        rows = [
            {"series": model.name, "x": step, "y": value}
            for model in self.models.of_grid(grid)
            for step, value in _recorded(self.models.training(model.id) or {}, what)
        ]
        if not rows:
            raise StoreError(f"Nothing in '{grid}' has recorded {what} by step.")
        columns = [word("series", "model"), number("x", "step", digits=0), number("y", what, digits=3)]
        title = f"{grid}: {'loss' if what == 'loss' else 'score on the dev split'} by step"
        return CurveAnswer(Table(name="training", title=title, columns=columns, content=rows), "step", what)

    def sentences(
        self, grid: str, pair: str | Pair | Sequence[str | Pair] = (), *, system: str | Sequence[str] = (),
        label: str | Sequence[str] = (), worst: int | None = None, flipped: tuple[str, str] | None = None,
        metric: str | None = None, **asked: Unpack[Asked],
    ) -> Sentences:  # fmt: skip
        """Sentences with each system's translation, its score and error labels: what `dragoman sentences` prints.

        Args:
            grid: name of the grid.
            pair: the pair, as `en-de`, or several; all by default.
            system: `MODEL` or `MODEL:PROMPT`, or several; all by default.
            label: an error label that a translation must have, or several of which it must have one.
            worst: so many, with the lowest score of any system first.
            flipped: two systems: sentences on which the first has the better score, the largest difference first, or,
                with a label, those of which the second has it and the first has not.
            metric: the metric of the scores; by default the grid's first that judges single sentences.
            asked: what else the question says.

        Raises:
            StoreError: something named is not there, or there are no scores to choose by.
        """
        pairs = [pair] if isinstance(pair, str | Pair) else list(pair)
        choice = Choice(tuple(map(label_named, _several(label))), flipped, worst)
        question = ScoreQuestion(grid, default_metric(self, grid, metric), **asked)
        return sentences(self, question, pairs=pairs, systems=_several(system), choice=choice)

    def _question(self, grid: str, metric: str | None, asked: Asked) -> ScoreQuestion:
        return ScoreQuestion(grid, chosen_metric(self, grid, metric), **asked)

    def _table(self, grid: str, name: str, metric: str | None, model: str | Sequence[str], asked: Asked) -> Table:
        question = self._question(grid, metric, asked)
        tables = answers_by_test_set(self, question, models=chosen_models(self, grid, _several(model)))
        found = {table.name: table for table in tables}
        if name not in found:
            raise StoreError(f"There is no table '{name}' of results; {nearest(name, found)}")
        return found[name]

    def _measured(
        self, question: ScoreQuestion, model: ModelRecord, x: str, scopes: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """The means of a model over some scopes, at its place on the x axis."""
        place = _place(model, x)
        if place is None:
            return
        for row in partition_table(self, question, model=model.name, resample=False):
            if row.scope in scopes and row.mean is not None:
                series = row.scope.replace("_", " ")
                yield {"grid": question.grid, "model": model.name, "series": series, "x": place, "y": row.mean}


def _several(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _place(model: ModelRecord, x: str) -> float | None:
    """The number of pairs or examples that a model has seen, or a number of its recipe."""
    if x == "pairs":
        return len(model.graph.pairs)
    if x == "examples":
        return sum(model.graph.examples.values())
    found: Any = model.recipe
    for key in x.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _numbers(recipe: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The places of numbers in a recipe, as `method.steps`."""
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{path}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{path}{key}"


def _recorded(training: Mapping[str, Any], what: str) -> list[tuple[int, float]]:
    """The steps of a finetuning with what was recorded at each."""
    key = "losses" if what == "loss" else "dev"
    return [(int(step), float(value)) for step, value, *_ in training.get(key) or ()]
