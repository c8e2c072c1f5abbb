"""Which tokens an example becomes, and which examples are left out."""

from collections.abc import Callable

import pytest
from tokenizers import Tokenizer, models, normalizers, processors
from transformers import PreTrainedTokenizerFast

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman_jobs.finetune.examples import TrainingExample, encode
from dragoman_jobs.prompts.tokens import prompt_prefix, target_lead

EXAMPLE = TrainingExample(Pair("de", "fr"), "[a]: eins zwei [b]:", "un deux")


def with_template(tokenizer: PreTrainedTokenizerFast, template: str) -> PreTrainedTokenizerFast:
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.post_processor = processors.TemplateProcessing(single=template, special_tokens=[("</s>", 2), ("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


@pytest.mark.parametrize(
    ("template", "prefix"),
    [("</s> $A", [2]), ("<s> $A", [0]), ("$A </s>", []), ("<s> $A </s>", [0]), ("$A", [])],
    ids=["xglm", "llama", "t5", "nllb", "gpt2"],
)
def test_a_prompt_keeps_the_prefix_and_loses_the_closing_token(
    tokenizer: PreTrainedTokenizerFast, template: str, prefix: list[int]
) -> None:
    templated = with_template(tokenizer, template)
    assert prompt_prefix(templated) == prefix
    encoded = encode(templated, [EXAMPLE], 64)
    prompt = encoded.tokens[: encoded.prompt_lengths[0]].tolist()
    assert prompt == [*prefix, *templated(EXAMPLE.prompt, add_special_tokens=False).input_ids]


def test_a_target_is_what_follows_the_prompt_and_a_space(tokenizer: PreTrainedTokenizerFast) -> None:
    encoded = encode(tokenizer, [EXAMPLE], 64)
    whole = tokenizer(f"{EXAMPLE.prompt} {EXAMPLE.target}").input_ids
    assert encoded.tokens.tolist() == [*whole, tokenizer.eos_token_id]
    target = encoded.tokens[encoded.prompt_lengths[0] :].tolist()
    assert tokenizer.convert_ids_to_tokens(target) == ["▁un", "▁deux", "</s>"]


def test_a_tokenizer_that_puts_a_space_itself_gets_no_second() -> None:
    # Llama 2's normaliser: a space before every text, so " b" would become two.
    pieces = ["<unk>", "</s>", "▁", "▁▁", "a", "b", "▁a", "▁b"]
    backend = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=0))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    llama = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")
    assert target_lead(llama) == ""
    encoded = encode(llama, [TrainingExample(Pair("de", "fr"), "a", "b")], 64)
    assert llama.convert_ids_to_tokens(encoded.tokens.tolist()) == ["▁a", "▁b", "</s>"]


def test_an_ordinary_tokenizer_gets_one_space(tokenizer: PreTrainedTokenizerFast) -> None:
    assert target_lead(tokenizer) == " "


def test_long_examples_are_left_out_and_counted(
    tokenizer: PreTrainedTokenizerFast, make_examples: Callable[[int], list[TrainingExample]]
) -> None:
    examples = make_examples(70)
    every = encode(tokenizer, examples, 10_000)
    limit = int(every.lengths.max()) - 1
    some = encode(tokenizer, examples, limit)
    assert every.skipped_too_long == 0
    assert 0 < some.skipped_too_long == int((every.lengths > limit).sum()) < 70
    assert some.lengths.max() <= limit
    assert some.kept.tolist() == [index for index, length in enumerate(every.lengths) if length <= limit]


def test_nothing_to_read_is_one_sentence(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ModelError, match=r"None of the 1 training examples fits into 8 tokens \(the shortest"):
        encode(tokenizer, [EXAMPLE], 8)
    with pytest.raises(ModelError, match="There is no training example"):
        encode(tokenizer, [], 8)


def test_a_tokenizer_without_an_end_is_one_sentence(tokenizer: PreTrainedTokenizerFast) -> None:
    endless = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer, unk_token="<unk>")
    with pytest.raises(ModelError, match="names no end-of-sentence token"):
        encode(endless, [EXAMPLE], 64)


def test_a_tokenizer_that_reads_nothing_is_one_sentence() -> None:
    empty = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), eos_token="</s>")
    with pytest.raises(ModelError, match="makes no tokens of plain text"):
        encode(empty, [EXAMPLE], 64)
