from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    XGLMConfig,
    XGLMForCausalLM,
)

from dragoman.pair import Pair
from dragoman_jobs.finetune.examples import TrainingExample

PAIRS = (Pair("de", "fr"), Pair("fr", "de"), Pair("en", "ru"))
WORDS = ["eins", "zwei", "drei", "vier", "un", "deux", "trois", "quatre", "one", "two", "three", "раз", "два", "три"]


def build_tokenizer(template: str = "</s> $A") -> PreTrainedTokenizerFast:
    """A tokenizer of XGLM's kind: every letter of `WORDS`, those words, and special tokens as the template says."""
    letters = sorted({letter for word in WORDS for letter in word} | set("abcdefghijklmnopqrstuvwxyz[]:▁"))
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *letters, *(f"▁{word}" for word in WORDS)]
    tokenizer = Tokenizer(models.Unigram([(piece, -float(len(pieces) > 1)) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single=template, special_tokens=[("</s>", 2), ("<s>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    """A tiny random XGLM with dropout, so that a resumed run has random numbers to get right."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = XGLMConfig(
        vocab_size=len(tokenizer), d_model=32, ffn_dim=64, num_layers=2, attention_heads=2, max_position_embeddings=64,
        dropout=0.1, bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    XGLMForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def still(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base without dropout, whose random numbers depend on the shape of a batch."""
    folder = tmp_path_factory.mktemp("still")
    model = AutoModelForCausalLM.from_pretrained(base, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def make_examples() -> Callable[[int], list[TrainingExample]]:
    """So many examples of different lengths, the pairs in turn."""

    def make(count: int) -> list[TrainingExample]:
        examples = []
        for index in range(count):
            words = [WORDS[(index * 5 + place) % len(WORDS)] for place in range(1 + index % 7)]
            pair = PAIRS[index % len(PAIRS)]
            examples.append(TrainingExample(pair, f"[a]: {' '.join(words)} [b]:", " ".join(reversed(words))))
        return examples

    return make
