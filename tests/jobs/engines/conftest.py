"""Translation models with random weights, a server of OpenAI's protocol, and an environment with vLLM."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from tests.fixtures.chat_server import KEY, Answer, ChatServer
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MBart50Tokenizer,
    MBartConfig,
    MBartForConditionalGeneration,
    NllbTokenizer,
)

from dragoman import environments
from dragoman_jobs.engines.language_tokens import added_tokens
from dragoman_jobs.engines.vllm import ON_CPUS

MODELS = ("parrot", "parrot-2")
WORDS = ("one", "two", "three", "seven", "eins", "zwei")
TEXT = [f"{word} {other}." for word in WORDS for other in ("cat", "Hund", "12")]
CODES = ("eng_Latn", "deu_Latn", "zho_Hans")


@pytest.fixture(scope="session")
def vllm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose environment has vLLM, from the package index."""
    home = tmp_path_factory.mktemp("vllm-home")
    environments.install(environments.environment(ON_CPUS), home=home)
    return home


@pytest.fixture(scope="session")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SentencePiece model as those of M2M-100 and NLLB: byte pairs."""
    folder = tmp_path_factory.mktemp("pieces")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT * 3), model_prefix=str(folder / "bpe"), model_type="bpe", vocab_size=70,
        bos_id=0, pad_id=1, eos_id=2, unk_id=3, minloglevel=2, num_threads=1,
    )  # fmt: skip
    return folder / "bpe.model"


@pytest.fixture(scope="session")
def translator(tmp_path_factory: pytest.TempPathFactory, pieces: Path) -> Callable[[str], Path]:
    """The folder of a kind of model."""
    folders: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in folders:
            folders[kind] = _write(kind, tmp_path_factory.mktemp(kind) / "model", pieces)
        return folders[kind]

    return make


def _write(kind: str, folder: Path, pieces: Path) -> Path:
    folder.mkdir()
    tokenizer: Any
    model = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
    words = [model.id_to_piece(number) for number in range(model.get_piece_size())]
    if kind == "m2m":
        # numbered in another order than the pieces, as M2M-100's are
        numbers = {word: number for number, word in enumerate([*words[:4], *reversed(words[4:])])}
        (folder / "vocab.json").write_text(json.dumps(numbers))
        shutil.copyfile(pieces, folder / "sentencepiece.bpe.model")
        tokenizer = M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model"))
    else:
        from tokenizers.models import BPE
        from transformers.convert_slow_tokenizer import SentencePieceExtractor

        if kind == "nllb":
            found = SentencePieceExtractor(str(pieces)).extract(BPE)
            tokenizer = NllbTokenizer(found["vocab"], found["merges"], extra_special_tokens=list(CODES))
        else:
            vocabulary = [(word, -float(number)) for number, word in enumerate(words)]
            tokenizer = MBart50Tokenizer(vocabulary)
    tokenizer.save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": max(added_tokens(tokenizer)) + 4, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
        "max_position_embeddings": 64, "decoder_start_token_id": 2, "bos_token_id": 0, "pad_token_id": 1,
        "eos_token_id": 2, "scale_embedding": True,
    }  # fmt: skip
    torch.manual_seed(3)
    network: Any
    if kind == "mbart50":
        network = MBartForConditionalGeneration(MBartConfig(**sizes))
    else:
        network = M2M100ForConditionalGeneration(M2M100Config(**sizes))
    with torch.no_grad():
        # large enough that what is written depends on what was read
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.mul_(30 if "embed" in name or "shared" in name else 300 if "encoder_attn" in name else 10)
    network.save_pretrained(folder)
    return folder


class Server(ChatServer):
    """Says the prompt again, backwards, and refuses what it is told to refuse."""

    key = KEY

    def __init__(self) -> None:
        super().__init__(MODELS)
        self.refusals: list[int] = []

    def answer(self, asked: dict[str, Any]) -> Answer | int:
        with self.lock:
            refusal = self.refusals.pop() if self.refusals else None
        if refusal:
            return refusal
        prompt = asked["messages"][0]["content"]
        text = f"\n {prompt[::-1]}\nand more" if prompt == "two" else prompt[::-1]
        return Answer(text, "length" if len(prompt) > 9 else "stop", len(prompt), completion_tokens=2)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("DRAGOMAN_OPENAI_PRICE_IN", "1000000")
    monkeypatch.setenv("DRAGOMAN_OPENAI_PRICE_OUT", "2000000")
    with server.running():
        yield server
