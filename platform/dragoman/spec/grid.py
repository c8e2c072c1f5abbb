"""The grid specification: what a user writes in YAML, typed and documented field by field."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dragoman.errors import nearest
from dragoman.language import Language, tags_as_they_are
from dragoman.metrics.errors.label import ALL as ALL_LABELS
from dragoman.metrics.errors.label import with_labels
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.base import LONGEST_NAME, GridName, Name, PathText, Shown, SpecModel
from dragoman.spec.baseline import Baseline, EngineField
from dragoman.spec.contamination import Contamination
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.decoding import Decoding
from dragoman.spec.filters import Filters
from dragoman.spec.finetuning import Finetuning, SeedsField
from dragoman.spec.metric import MetricField, stored_name
from dragoman.spec.missing import MissingField
from dragoman.spec.pairs import Declared, PairsField, TrainedPairs, check_languages, chosen, languages_of
from dragoman.spec.pivot_check import check_pivots
from dragoman.spec.promotion import Promotion
from dragoman.spec.promotion_check import check_promotion
from dragoman.spec.prompt import NAMED, EvaluationPrompt, Prompt, PromptField
from dragoman.spec.sentences import Sentences
from dragoman.spec.test_sets import LongSentences, NamedTestSet, TestSetChoice, require_test_set, with_test_sets

MOST_LANGUAGES = 1000
"""Languages of one grid: a million directed pairs, which a plan holds in memory."""

MOST_MODELS = 10_000
"""Models that one grid trains."""


class Base(SpecModel):
    """The model that is finetuned, and whose scores every gain is measured against."""

    model: PathText
    """A folder (relative to the spec or to here) or the name of a model on the Hugging Face hub."""
    revision: Shown | None = None
    """Commit or tag on the hub; needed for a result that can be repeated, so recorded with it."""
    trained_on: Declared = "nothing"
    """Pairs the model was trained to translate before: `nothing` for a plain language model, a list or `all` to
    declare them, `unknown` where nobody can say. Unknown is shown as unknown, never as unseen."""
    pretraining: dict[Language, Annotated[float, Field(ge=0)]] | None = Field(
        default=None, exclude_if=lambda amounts: amounts is None
    )
    """Tokens of each language in its pretraining text, as in `{en: 803.5e9, sw: 0.9e9}`, for `dragoman explain`, which
    knows those of XGLM. No part of a model's or a cell's identity."""

    @model_validator(mode="before")
    @classmethod
    def _takes_a_name(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value


class Evaluation(SpecModel):
    """What every model of the grid is tested on."""

    test_sets: tuple[NamedTestSet, ...] = Field(default=(), exclude_if=lambda test_sets: not test_sets)
    """Several test sets, each with a name and rows of its own in the results. The first is the one that gates and
    registered models are about, unless a policy names another. Written as a list, `evaluation` is these."""
    pairs: PairsField = "all"
    """The pairs; by default every ordered pair of the grid's languages."""
    corpus: CorpusChoice | None = None
    """Where the test sentences come from; the grid's corpus by default."""
    split: Split = Split.TEST
    """The split that is read."""
    sentences: Sentences | None = None
    """The first so many sentences of each pair, or `{n: 200, seed: 1}` for a sample, of the same sentences for all
    pairs; all by default."""
    prompt: PromptField | None = None
    """The prompt; the grid's prompt by default."""
    prompts: tuple[EvaluationPrompt, ...] = ()
    """Several prompts instead of one, each with rows of its own in the results. The first is the one that gates and
    registered models are about."""
    missing: Literal["stop", "drop"] | None = None
    """What becomes of pairs without test text; the grid's answer by default (test text is never made by pivoting)."""
    decoding: Decoding = Decoding()
    """How translations are decoded."""
    too_long: LongSentences = "empty"
    """What becomes of a test sentence that a model has no room for, with its prompt and `max_new_tokens`. `empty`: it
    counts as an empty translation. `cut`: its end is left out. Both are marked, and counted in tables. `leave_out`: it
    is left out for all models and prompts of the grid, which makes another test set. `fail`: its pair fails."""
    metrics: tuple[MetricField, ...] = ("bleu", "chrf++", "off_target")
    """Names of metric plugins; of a metric that holds a model also a mapping, as `{metric: comet, name: mine,
    checkpoint: PATH}`, which is called `comet:mine` in tables; `errors` is all error labels."""
    base: bool = True
    """Whether the base model is evaluated too; gains need it."""
    engine: EngineField = "auto"
    """The engine that decodes; `auto` is the fastest that takes the model. No part of a cell's identity."""

    @model_validator(mode="before")
    @classmethod
    def _takes_a_list(cls, value: Any) -> Any:
        return with_test_sets(value, cls.model_fields.keys() - {"test_sets", *TestSetChoice.model_fields})

    @model_validator(mode="after")
    def _has_different_test_sets(self) -> "Evaluation":
        for name, count in Counter(test_set.name for test_set in self.test_sets).items():
            if count > 1:
                raise ValueError(f"has two test sets named '{name}'; give each its own name")
        return self

    @property
    def each_test_set(self) -> tuple[TestSetChoice, ...]:
        """The test sets, with what they leave out: one without a name where none is listed.

        `too_long` stays as it is written there, as a decoding may have another answer than the evaluation.
        """
        own = {name: getattr(self, name) for name in ("corpus", "split", "sentences", "pairs", "missing")}
        return tuple(
            each.model_copy(update={name: value for name, value in own.items() if getattr(each, name) is None})
            for each in self.test_sets or (TestSetChoice(),)
        )

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics' names in tables and in the store."""
        return tuple(map(stored_name, self.metrics))

    @field_validator("metrics", mode="before")
    @classmethod
    def _may_be_all_labels(cls, metrics: Any) -> Any:
        if not isinstance(metrics, list | tuple) or ALL_LABELS not in metrics:
            return metrics
        every = with_labels([ALL_LABELS])
        return [name for metric in metrics for name in (every if metric == ALL_LABELS else [metric])]

    @field_validator("metrics")
    @classmethod
    def _are_different(cls, metrics: tuple[MetricField, ...]) -> tuple[MetricField, ...]:
        if len(set(map(stored_name, metrics))) != len(metrics) or not metrics:
            raise ValueError("must name at least one metric, each once (give those of one plugin a `name` each)")
        return metrics

    @model_validator(mode="after")
    def _shortens(self) -> "Evaluation":
        """A decoding that shortens sentences says so itself: it is another one."""
        if self.too_long != "cut" or self.decoding.too_long is not None:
            return self
        return self.model_copy(update={"decoding": self.decoding.model_copy(update={"too_long": "cut"})})


class GridSpec(SpecModel):
    """One grid: a base model, the models finetuned from it, and the pairs all are evaluated on."""

    name: GridName
    """The grid's name in the store, in MLflow and on the command line."""
    base: Annotated[Base, BeforeValidator(lambda value: value)]
    """The base model."""
    languages: tuple[Language, ...]
    """The languages of the grid, in any common notation."""
    corpus: CorpusChoice
    """The corpus that is trained on and tested on, unless a part says otherwise."""
    prompt: PromptField = Prompt(template=NAMED["mfti"])
    """The prompt of training and evaluation, unless a part says otherwise."""
    filters: Filters = Filters()
    """What a training example must be like, unless a model says otherwise."""
    missing: MissingField = "drop"
    """What becomes of pairs that a corpus has no text for, unless a part says otherwise."""
    contamination: Contamination = Contamination()
    """How training text is compared with the test set."""
    models: tuple[Finetuning, ...] = ()
    """The finetunings; none evaluates the base alone."""
    baselines: tuple[Baseline, ...] = ()
    """Other systems on the same cells, each with a row of its own: the base with examples in its prompt, translation
    models such as NLLB, models behind an endpoint, translations from files, quoted scores."""
    evaluation: Evaluation = Evaluation()
    """What is evaluated and how."""
    promotion: Promotion | None = None
    """Where models are registered and what they must pass; by default nothing is registered."""
    seed: int = Field(default=1, ge=0)
    """The seed everything random derives from."""
    seeds: SeedsField = ()
    """Several seeds: every model is trained with each of them, and tables show mean and spread over them."""
    campaign: Name | None = None
    """The campaign the grid belongs to; a sweep sets it."""
    candidates_of: Name | None = None
    """The grid whose candidates for promotion are chosen on this one; a run sets it in the grid of dev sentences that
    it adds."""

    @classmethod
    def from_store(cls, content: Mapping[str, Any]) -> Self:
        """A spec as the store has it: what an earlier version called a language by another tag keeps that name.

        Raises:
            ValidationError: this version can't read it.
        """
        stored = content.get("languages")
        tags = [tag for tag in stored if isinstance(tag, str)] if isinstance(stored, list) else []
        with tags_as_they_are(tags):
            return cls.model_validate(content)

    @field_validator("languages")
    @classmethod
    def _are_different(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if len(languages) > MOST_LANGUAGES:
            raise ValueError(f"names {len(languages)} languages; a grid has at most {MOST_LANGUAGES:,}")
        for language, count in Counter(languages).items():
            if count > 1:
                raise ValueError(f"names {language} twice; name each language once")
        if len(languages) < 2:
            raise ValueError("needs at least two languages: a grid is made of pairs")
        return languages

    @property
    def finetunings(self) -> tuple[Finetuning, ...]:
        """The finetunings with one seed each."""
        return tuple(one for model in self.models for one in model.each_seed(self.seeds))

    @property
    def test_sets(self) -> tuple[TestSetChoice, ...]:
        """The test sets of the evaluation, each with its corpus; the first is the one that gates are about."""
        update = {"corpus": self.corpus}
        return tuple(
            each if each.corpus is not None else each.model_copy(update=update)
            for each in self.evaluation.each_test_set
        )

    def evaluated(self, test_set: str | None = None) -> list[Pair]:
        """The pairs that are evaluated on some test set, or on the one of a name, sorted."""
        named = [each for each in self.test_sets if test_set in (None, each.name)]
        return sorted({pair for each in named for pair in chosen(each.pairs or "all", self.languages)})

    @property
    def prompts(self) -> tuple[EvaluationPrompt, ...]:
        """The prompts of the evaluation; the first is the one that gates and registered models are about.

        Those that are a baseline's own come last.
        """
        one = self.evaluation.prompt or self.prompt
        written = self.evaluation.prompts or (EvaluationPrompt(**one.model_dump()),)
        known = {prompt.label for prompt in written}
        own = (baseline.asked_with(written[0]) for baseline in self.baselines)
        return (*written, *(prompt for prompt in own if prompt and prompt.label not in known))

    @property
    def chats(self) -> bool:
        """Whether a model is asked with its chat template, or trained on it."""
        asked = (*self.prompts, *(finetuning.prompt or self.prompt for finetuning in self.finetunings))
        return any(prompt.chat is not None for prompt in asked)

    @model_validator(mode="after")
    def _hangs_together(self) -> "GridSpec":
        if (count := sum(len(model.seeds or self.seeds) or 1 for model in self.models)) > MOST_MODELS:
            raise ValueError(f"trains {count:,} models, seeds multiplied; a grid trains at most {MOST_MODELS:,}")
        names = [*(model.name for model in self.finetunings), *(baseline.name for baseline in self.baselines)]
        for name, count in Counter(names).items():
            if count > 1:
                raise ValueError(f"has two models or baselines named '{name}'; give each its own name")
            if len(name) > LONGEST_NAME:
                raise ValueError(f"has the model '{name}' of {len(name)} letters; give it at most {LONGEST_NAME}")
            if name == "base":
                raise ValueError("has a model named 'base', which is the base model's name in tables; choose another")
        for index, model in enumerate(self.models):
            if model.monolingual and model.monolingual.languages != "all":
                check_languages(f"models.{index}.monolingual", model.monolingual.languages, self.languages)
        for place, pairs in [
            *((f"models.{index}.pairs", model.pairs) for index, model in enumerate(self.models)),
            ("evaluation.pairs", self.evaluation.pairs),
            *(
                (f"evaluation.test_sets.{index}.pairs", test_set.pairs)
                for index, test_set in enumerate(self.evaluation.test_sets)
                if test_set.pairs is not None
            ),
        ]:
            self._check_pairs(place, pairs)
        others = any(baseline.stands_alone for baseline in self.baselines)
        if not self.models and not others and not self.evaluation.base:
            raise ValueError(
                "is an empty grid: it trains no model and leaves the base out; add a model or set evaluation.base"
            )
        for baseline in self.baselines:
            if not baseline.stands_alone and not self.evaluation.base:
                raise ValueError(
                    f"has the baseline '{baseline.name}', which is the base, and leaves the base out; set "
                    "evaluation.base, or name the baseline's model"
                )
        if self.promotion and not self.models:
            raise ValueError("promotes a model but trains none; add a model or take promotion out")
        if self.promotion:
            check_promotion(
                self.promotion,
                metrics=self.evaluation.metric_names,
                evaluated={test_set.name: self.evaluated(test_set.name) for test_set in self.test_sets},
                has_base=self.evaluation.base,
            )
            self._check_served()
        self._check_test_sets()
        check_pivots(
            self.baselines,
            models=[model.name for model in self.finetunings],
            languages=self.languages,
            first=self.prompts[0],
        )
        self._check_prompts({*names, *(model.name for model in self.models), "base"})
        return self

    def _check_prompts(self, models: set[str]) -> None:
        prompts = self.evaluation.prompts
        from_elsewhere = {baseline.name for baseline in self.baselines if baseline.is_from_elsewhere}
        if prompts and self.evaluation.prompt:
            raise ValueError("has both prompt and prompts in evaluation; put the one prompt among the others")
        first = self.prompts[0]
        if self.promotion and first.instruction == "wrong":
            raise ValueError(
                f"promotes models that are asked with the prompt {first.label}, and a registered model is asked for "
                "the right language: put such a prompt first, or take promotion out"
            )
        if prompts and prompts[0].models:
            raise ValueError(
                "limits evaluation.prompts.0 to some models; put a prompt first that all are asked with: gates and "
                "registered models are about it"
            )
        for place, prompt in enumerate(prompts):
            for name in prompt.models or ():
                if name not in models:
                    raise ValueError(
                        f"names the model '{name}' in evaluation.prompts.{place}.models, which it lacks; "
                        f"{nearest(name, models)}"
                    )
                if name in from_elsewhere:
                    raise ValueError(
                        f"names '{name}' in evaluation.prompts.{place}.models, whose translations or scores are from "
                        "files: it is asked with no prompt; leave it out there"
                    )
            for other in prompts[:place]:
                if prompt.label == other.label:
                    raise ValueError(
                        f"has two prompts called '{prompt.label}' in evaluation.prompts; give each a name of its own"
                    )

    def _check_pairs(self, place: str, pairs: TrainedPairs) -> None:
        check_languages(place, sorted(languages_of(pairs)), self.languages)
        if pairs != "nothing" and not chosen(pairs, self.languages):
            raise ValueError(f"has no pair left in {place}: it is an empty grid; choose at least one pair")

    def _check_served(self) -> None:
        """Refuse a policy where models are evaluated in a way in which a registered one does not translate."""
        decoding = self.evaluation.decoding
        cuts = [place for place, each in enumerate(self.evaluation.test_sets) if each.too_long == "cut"]
        for place, used in (
            ("temperature in evaluation.decoding", decoding.samples),
            ("max_ratio in evaluation.decoding", decoding.max_ratio is not None),
            ("`too_long: cut` in evaluation", decoding.too_long == "cut"),
            *((f"`too_long: cut` in evaluation.test_sets.{place}", True) for place in cuts),
        ):
            if used:
                raise ValueError(
                    f"promotes models but has {place}, which a registered model does not do; take it or promotion out"
                )

    def _check_test_sets(self) -> None:
        """Refuse translations and scores of a test set that is not there."""
        names = [test_set.name for test_set in self.evaluation.test_sets]
        for place, baseline in enumerate(self.baselines):
            part = "scores" if baseline.scores else "translations"
            require_test_set(baseline.test_set, f"baselines.{place}.{part}", names)
