"""Prompts on their way to a model: chats through the tokenizer, examples, what both engines read, what is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from dragoman.errors import DragomanError, ModelError, SpecError
from dragoman.pair import Pair
from dragoman.segment import Segment
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Chat, Prompt, Turn
from dragoman.store.blobs import BlobStore
from dragoman_jobs.cli.prompts import prompts
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.engines.tokenization import PromptTokenizer
from dragoman_jobs.evaluation.worker import CellTask, Lease, PreparedModel, Worker
from dragoman_jobs.finetune.examples import TrainingExample, encode
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.prompts.rendering import ChatTemplate, renderer

TURNS = [Turn("user", "Hi"), Turn("assistant", "Ho"), Turn("user", "You?")]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system here') }}{% endif %}"
    "{{ m.role[0] }}:{{ m.content | trim }}</s>{% endfor %}{% if add_generation_prompt %}{{ voice | default('a') }}:\n"
    "{% endif %}"
)
PAIR = Pair("de", "fr")
SHORT = Prompt(template="{source} ={target_language}", shots=1, separator=";")
DRAWN = (Segment("ja", "oui"), Segment("nein", "non"))


def _tokenizer(make: Callable[..., PreTrainedTokenizerFast], **changes: Any) -> PreTrainedTokenizerFast:
    tokenizer = make(**changes)
    tokenizer.chat_template = TEMPLATE
    return tokenizer


@pytest.mark.parametrize("prefix", ["<s> ", ""])
def test_a_chat_has_the_tokens_that_transformers_gives_it(make_tokenizer: Any, tmp_path: Path, prefix: str) -> None:
    tokenizer = _tokenizer(make_tokenizer, prefix=prefix)
    text = ChatTemplate(tokenizer, {})(TURNS)
    expected = tokenizer.apply_chat_template(
        [turn._asdict() for turn in TURNS], add_generation_prompt=True, return_dict=False
    )
    assert tokenizer(text).input_ids == expected  # its beginning is there once, whoever adds it
    assert ChatTemplate(tokenizer, {"voice": "x"})(TURNS).endswith("x:\n")
    chat = Prompt(template="{source}", chat=Chat(system="No."))
    with pytest.raises(ModelError, match="refuses the prompt"):
        renderer(chat, PAIR, (), ChatTemplate(tokenizer, {}))("ja", "")
    with pytest.raises(ModelError, match="has no chat template"):
        ChatTemplate(make_tokenizer(), {})


def test_a_chats_translation_follows_without_a_space(make_tokenizer: Any) -> None:
    tokenizer = _tokenizer(make_tokenizer, prefix="<s> ")
    chat = ChatTemplate(tokenizer, {})
    examples = [TrainingExample(PAIR, text, "oui") for text in (chat(TURNS), "ja</s>", "ja\n", "ja")]
    found = encode(tokenizer, examples, 100)
    rows = [found.tokens[start:end].tolist() for start, end in zip(found.starts, found.starts[1:], strict=False)]
    end = tokenizer.eos_token_id
    answers = [row[length:] for row, length in zip(rows, found.prompt_lengths, strict=True)]
    bare, spaced = (tokenizer(text, add_special_tokens=False).input_ids for text in ("oui", " oui"))
    assert answers == [[*bare, end]] * 3 + [[*spaced, end]]


def _chat_model(write_model: Callable[..., Path], folder: Path) -> Path:
    model = write_model(folder, "llama", prefix="<s> ", max_position_embeddings=256)
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(model)
    return model


@pytest.mark.parametrize("prompt", [SHORT, SHORT.model_copy(update={"chat": Chat()})], ids=["few-shot", "chat"])
def test_both_engines_are_asked_the_same_and_answer_alike(
    write_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prompt: Prompt
) -> None:
    model = _chat_model(write_model, tmp_path / "model")
    checkpoint, decoding = Checkpoint(id="m", model=str(model)), Decoding(max_new_tokens=12)
    blobs = BlobStore(f"file://{tmp_path}/blobs")
    test = blobs.put_test(["ja", "wo", "so"], ["si", "ou", "si"])
    read: list[list[str]] = []
    encode_all = PromptTokenizer.encode

    def encode(self: PromptTokenizer, texts: list[str], *limits: Any) -> list[list[int]]:
        read.append(list(texts))
        return encode_all(self, texts, *limits)

    monkeypatch.setattr(PromptTokenizer, "encode", encode)
    texts = []
    for engine in ("ctranslate2", "transformers"):
        _, path = choose_engine(engine, checkpoint, decoding, tmp_path / "cache")
        task = CellTask(
            cell="c", pair=PAIR, model=PreparedModel(model="m", engine=engine, path=path), decoding=decoding,
            prompt=prompt, demonstrations=DRAWN, asked=checkpoint if prompt.chat else None, test=test,
            languages=("de", "fr"), metrics=("bleu",),
        )  # fmt: skip
        ((outcome,),) = Worker(blobs.url).run(Lease(tasks=(task,)))
        texts.append([line.text for line in blobs.translation(outcome.translation.hypotheses)])
    assert texts[0] == texts[1]
    assert read[0] == read[1]
    # "ja" is tested first, and is the first example drawn: the next one takes its place
    if prompt.chat:
        shown = ["u:nein =French</s>a:non</s>u:ja =French</s>a:\n", "u:ja =French</s>a:oui</s>u:wo =French</s>a:\n"]
    else:
        shown = ["nein =French non;ja =French", "ja =French oui;wo =French"]
    assert read[0][:2] == shown


SPEC: dict[str, Any] = {
    "name": "few", "languages": ["en", "de", "fr"],
    "models": [{"name": "one", "pairs": ["en-fr"], "examples": 5,
                "method": {"kind": "full", "learning_rate": 0.1, "steps": 2, "max_length": 30}}],
    "evaluation": {
        "sentences": 3, "decoding": {"max_new_tokens": 200},
        "prompts": ["mfti", {"template": "mfti", "shots": 2, "models": ["base"]}, {"template": "mfti", "chat": True}],
    },
}  # fmt: skip


@pytest.fixture
def spec(write_model: Callable[..., Path], tmp_path: Path) -> Path:
    for split in ("train", "dev", "test"):
        rows = [f"{split} {number}\t{split} Nummer {number}\t{split} no. {number}\n" for number in range(9)]
        (tmp_path / f"{split}.tsv").write_text("".join(["en\tde\tfr\n", *rows]))
    corpus = {"kind": "tsv", "path": {split: f"{tmp_path}/{split}.tsv" for split in ("train", "dev", "test")}}
    path = tmp_path / "spec.yaml"
    model = _chat_model(write_model, tmp_path / "model")
    path.write_text(yaml.safe_dump({**SPEC, "base": str(model), "corpus": corpus}))
    return path


def show(spec: Path, pair: str | None, **options: object) -> None:
    """Call the command with the options that a command line leaves out."""
    unset = {"grid": None, "limit": 1, "count": None, "table": None}
    forms = dict.fromkeys(("json", "csv", "markdown", "latex"), False)
    prompts(spec=spec, pair=pair, **{**unset, **forms, **options})


def test_the_command_shows_every_prompt(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show(spec, "en-fr", limit=2, json=True)
    found = json.loads(capsys.readouterr().out)
    assert [(each["use"], each["models"], each["prompt"], each["number"]) for each in found] == [
        (use, models, label, number)
        for use, models, label in (
            ("evaluate", ["base", "one"], "mfti"), ("evaluate", ["base"], "mfti-2-shot"),
            ("evaluate", ["base", "one"], "mfti-chat"), ("train", ["one"], "mfti"),
        )
        for number in (1, 2)
    ]  # fmt: skip
    zero, few, chat, train = found[::2]
    assert zero["text"].startswith("[English]: ")
    assert zero["seen"] == f"<s>{zero['text']}"
    assert zero["tokens"] == len(zero["text"]) + 1  # a token is a character
    assert few["text"].endswith(f"\n{zero['text']}")
    assert few["text"].count("[French]:") == 3
    assert few["problem"].startswith("With 200 new tokens it is longer than the model's 256 positions")
    assert chat["seen"] == f"<s>u:{zero['text']}</s>a:\n"
    assert train["limit"] == 30
    assert "is left out of the training: raise max_length" in train["problem"]
    show(spec, "en-fr", count=1)
    shown = capsys.readouterr().out
    assert "evaluate en-fr, mfti-2-shot, sentence 1: base\n" in shown
    assert few["seen"] in shown


def test_wrong_questions_are_one_sentence(spec: Path) -> None:
    with pytest.raises(SpecError, match="neither evaluates nor trains en-ru"):
        show(spec, "en-ru")
    with pytest.raises(DragomanError, match="makes no grid 'x'"):
        show(spec, None, grid="x")
