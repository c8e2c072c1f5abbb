"""Preview a prompt as a model reads it: its text, its tokens, and what would be cut."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dragoman.pair import Pair
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.planning.training_data import draw_examples
from dragoman.segment import Segment
from dragoman_jobs.models.pretrained import load_config, load_tokenizer, tokenizer_folder
from dragoman_jobs.prompts.rendering import Render, renderers
from dragoman_jobs.prompts.tokens import prompt_prefix, target_lead

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Preview(BaseModel):
    """One sentence in one prompt."""

    model_config = ConfigDict(frozen=True)

    use: str
    """`train` or `evaluate`."""
    models: tuple[str, ...]
    """Names of the models that read it."""
    prompt: str
    """Name of the prompt."""
    pair: Pair
    """The direction."""
    number: int
    """Which of the sentences it is, from 1."""
    text: str
    """The prompt as it is handed to the tokenizer."""
    seen: str
    """What its tokens spell, special ones included: where this differs from the text, the tokenizer lost something."""
    target: str
    """The translation: what a finetuning learns to say, or the reference."""
    tokens: int
    """Tokens of the prompt."""
    target_tokens: int
    """Tokens of the translation, its end counted."""
    limit: int | None
    """Tokens there is room for; None where the model has no limit."""
    unknown: int
    """Tokens of the prompt that the tokenizer has nothing for, such as a line break for XGLM's."""
    problem: str | None
    """What would be left out or cut, and why; None where everything has room."""

    @property
    def heading(self) -> str:
        """A line on what it is."""
        return f"{self.use} {self.pair}, {self.prompt}, sentence {self.number}: {', '.join(self.models)}"

    @property
    def facts(self) -> str:
        """A line on its tokens."""
        room = "no limit" if self.limit is None else f"room for {self.limit}"
        counts = f"{self.tokens} tokens, {self.target_tokens} of the translation ({self.target}); {room}"
        lost = f" {self.unknown} tokens of it are unknown to the tokenizer." if self.unknown else ""
        return f"{counts}. {self.problem or 'Nothing is cut.'}{lost}"


def previews(plan: Plan, pair: Pair, count: int) -> Iterator[Preview]:
    """The first sentences of a pair in every prompt that the grid asks or trains with.

    Raises:
        CorpusError: there is no text of the pair.
        ModelError: there is no such base model, or it has no tokenizer.
    """
    base = plan.spec.base
    folder = tokenizer_folder(base.model, base.revision)
    counter = _Counter(load_tokenizer(folder))
    positions = getattr(load_config(folder).get_text_config(), "max_position_embeddings", None)
    evaluation = plan.spec.evaluation
    test_set = next((each for each in plan.test_sets if pair in each.contents), None)
    if test_set is not None:
        tested = test_set.lines.segments(pair, count)
        for prompt in plan.prompts:
            render = renderers(prompt, [pair], base.model, base.revision)[pair]
            models = tuple(model.name for model, asked in plan.asked if asked == prompt)
            for number, segment in enumerate(tested, 1):
                found = counter.preview(render, segment, pair, number, "evaluate", models, prompt.label, positions)
                yield found.model_copy(
                    update={"problem": _cut_in_evaluation(found, evaluation.decoding.max_new_tokens)}
                )
    for training in plan.trainings:
        if pair in training.pairs:
            limit = min(training.finetuning.method.max_length, positions or training.finetuning.method.max_length)
            render = renderers(training.prompt, [pair], base.model, base.revision)[pair]
            models = (training.identity.name,)
            for number, segment in enumerate(_examples(training, pair, count), 1):
                found = counter.preview(render, segment, pair, number, "train", models, training.prompt.label, limit)
                yield found.model_copy(update={"problem": _left_out_of_training(found)})


def _examples(training: PlannedTraining, pair: Pair, count: int) -> list[Segment]:
    """The first of the examples that a finetuning reads of a pair: those of a sample of so many."""
    few = training.finetuning.model_copy(update={"examples": count})
    one = training.model_copy(update={"finetuning": few, "pairs": (pair,), "text": None})
    return draw_examples(one)[pair].segments


def _cut_in_evaluation(found: Preview, new_tokens: int) -> str | None:
    if found.limit is not None and found.tokens + new_tokens > found.limit:
        return (
            f"With {new_tokens} new tokens it is longer than the model's {found.limit} positions, so that it counts as "
            "evaluation.too_long says: lower decoding.max_new_tokens or the prompt's shots."
        )
    if found.target_tokens > new_tokens:
        return f"A translation as long as the reference would be cut at {new_tokens} tokens: raise max_new_tokens."
    return None


def _left_out_of_training(found: Preview) -> str | None:
    length = found.tokens + found.target_tokens
    if found.limit is not None and length > found.limit:
        return f"With its translation it has {length} tokens and is left out of the training: raise max_length."
    return None


class _Counter:
    """Counts tokens as finetuning and engines do."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._encode: Callable[[str], list[int]] = lambda text: list(
            tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        )
        self._tokenizer, self._prefix, self._lead = tokenizer, prompt_prefix(tokenizer), target_lead(tokenizer)

    def preview(
        self,
        render: Render,
        segment: Segment,
        pair: Pair,
        number: int,
        use: str,
        models: tuple[str, ...],
        prompt: str,
        limit: int | None,
    ) -> Preview:
        text = render(*segment)
        tokens = [*self._prefix, *self._encode(text)]
        return Preview(
            use=use,
            models=models,
            prompt=prompt,
            pair=pair,
            number=number,
            text=text,
            seen=self._tokenizer.decode(tokens),
            target=segment.target,
            tokens=len(tokens),
            target_tokens=len(self._encode(self._lead + segment.target)) + 1,
            limit=limit,
            unknown=0 if self._tokenizer.unk_token_id is None else tokens.count(self._tokenizer.unk_token_id),
            problem=None,
        )
