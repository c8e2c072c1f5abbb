"""The code of a registered model (MLflow's models-from-code): it runs wherever the model is served, without Dragoman.

It answers as the evaluation did: the same prompt, the same decoding, the text cut where the evaluation cut it.
"""

import hashlib
import json
import sys
from collections import defaultdict
from logging import ERROR, getLogger
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

BATCH_TOKENS = 4096
"""Prompt tokens decoded at once."""


class Translator(PythonModel):
    """Translates rows of text, source and target language."""

    def load_context(self, context: Any) -> None:
        """Load the model: a full checkpoint, or the base it refers to with the adapter merged into it.

        Raises:
            ValueError: the base is not where it was, or is no longer the model the adapter was trained on.
        """
        self._config = context.model_config
        checkpoint = Path(context.artifacts["checkpoint"])
        is_adapter = (checkpoint / "adapter_config.json").is_file()
        weights = self._base() if is_adapter else {"pretrained_model_name_or_path": str(checkpoint)}
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        tokenizer = AutoTokenizer.from_pretrained(**weights, trust_remote_code=False)
        # merged in the type the base is stored in, and decoded in the one the evaluation decoded in
        model: Any = AutoModelForCausalLM.from_pretrained(
            **weights, dtype="auto", use_safetensors=True, trust_remote_code=False
        )
        if is_adapter:
            _untie(model)
            model = _peft().PeftModel.from_pretrained(model, str(checkpoint)).merge_and_unload()
        self._model = model.eval().to(self._device, _precision(model.dtype, self._device))
        # templates of chats write what the tokenizer puts before every text too
        self._chats, self._prefix = tokenizer, _prefix(tokenizer) if self._config["chat"] else ""
        examples = context.artifacts.get("examples")
        self._examples = json.loads(Path(examples).read_text(encoding="utf-8")) if examples else {}
        self._tokenizer = tokenizer.backend_tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._stop = sorted(_ends(model, tokenizer) | self._cuts())
        beam = self._config["beam"]
        search = {"num_beams": beam, "length_penalty": self._config["length_penalty"], "early_stopping": True}
        # in place of the checkpoint's own settings, which may sample or penalise repetition: the evaluation did not
        self._model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False,
            max_new_tokens=self._config["max_new_tokens"],
            eos_token_id=self._stop or None,
            pad_token_id=self._stop[0] if self._stop else 0,
            **(search if beam > 1 else {}),
        )

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The column `translation` for the columns `text`, `source` and `target`, in the same order.

        Raises:
            ValueError: a language is not one the model was evaluated on, or a text is too long for it.
        """
        rows = zip(model_input["text"], model_input["source"], model_input["target"], strict=True)
        tokens = [self._encode(*row) for row in rows]
        limits = [self._limit(text) for text in model_input["text"]]
        # Prompts of equal length are decoded together: without padding no answer depends on its neighbours.
        by_length: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index, ids in enumerate(tokens):
            by_length[len(ids), limits[index]].append(index)
        translations = [""] * len(tokens)
        for (length, limit), indices in by_length.items():
            size = max(1, BATCH_TOKENS // (length * self._config["beam"]))
            for start in range(0, len(indices), size):
                batch = indices[start : start + size]
                for index, text in zip(batch, self._continue([tokens[index] for index in batch], limit), strict=True):
                    translations[index] = text
        return pd.DataFrame({"translation": translations}, index=model_input.index)

    def _encode(self, text: str, source: str, target: str) -> list[int]:
        encoding = self._tokenizer.encode(self._prompt(text, source, target))
        ids, added = list(encoding.ids), encoding.special_tokens_mask
        while ids and added[len(ids) - 1]:  # what the tokenizer closes a sentence with: this one goes on
            ids.pop()
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if positions is not None and len(ids) + self._config["max_new_tokens"] > positions:
            raise ValueError(
                f"A text of {len(text)} characters is too long: its prompt has {len(ids)} tokens, which with "
                f"{self._config['max_new_tokens']} new ones is more than the model's {positions} positions. Split it."
            )
        return ids

    def _prompt(self, text: str, source: str, target: str) -> str:
        """What the model is asked: as `dragoman.spec.prompt` has it asked, where no reference is known."""
        shots, tested = self._config["shots"], _plain(text)
        drawn = self._examples.get(f"{source}>{target}", [])
        shown = [sides for sides in drawn if not tested or tested not in map(_plain, sides)][:shots]
        if len(shown) < shots:
            raise ValueError(f"The model was not evaluated on {source}-{target}, so it has no examples to show for it.")

        def asked(sentence: str) -> str:
            names = {"source_language": self._language(source), "target_language": self._language(target)}
            return str(self._config["template"].format(**names, source=sentence))

        if self._config["chat"] is None:
            lead = "" if asked("")[-1:].isspace() else " "
            told = [f"{asked(one)}{lead}{other}{self._config['separator']}" for one, other in shown]
            return "".join([*told, asked(text)])
        system = self._config["chat"]["system"]
        turns = [("system", system)] if system else []
        turns += [turn for one, other in shown for turn in (("user", asked(one)), ("assistant", other))]
        messages = [{"role": role, "content": content} for role, content in (*turns, ("user", asked(text)))]
        options = self._config["chat"]["options"]
        written = self._chats.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **options)
        return str(written).removeprefix(self._prefix)

    def _limit(self, text: str) -> int:
        """The most tokens that may be written for a sentence."""
        most, ratio = int(self._config["max_new_tokens"]), self._config.get("max_ratio")
        if ratio is None:
            return most
        length = len(self._tokenizer.encode(text, add_special_tokens=False).ids)
        return max(1, min(most, ceil(float(ratio) * length)))

    def _continue(self, tokens: list[list[int]], limit: int) -> list[str]:
        prompts = torch.tensor(tokens, device=self._device)
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=limit
            )
        return [self._line(ids) for ids in output[:, prompts.shape[1] :].tolist()]

    def _line(self, ids: list[int]) -> str:
        end = next((place for place, token in enumerate(ids, 1) if token in self._stop), None)
        text = self._tokenizer.decode(ids[:end])
        for stop in self._config["stop"]:
            text = text.partition(stop)[0]
        # only \n and \r\n end a line: str.splitlines would cut at U+2028, form feeds and others too
        lines = [line.strip() for line in text.split("\n")]
        return lines[0] if self._config["stop_at_newline"] else " ".join(filter(None, lines))

    def _cuts(self) -> set[int]:
        """The tokens with a stop string in them, or a line break, where a translation is one line."""
        ids = range(self._tokenizer.get_vocab_size())
        texts = self._tokenizer.decode_batch([[token] for token in ids], skip_special_tokens=False)
        stops, line = self._config["stop"], self._config["stop_at_newline"]
        return {
            token
            for token, text in zip(ids, texts, strict=True)
            if any(stop in text for stop in stops) or (line and "\n" in text)
        }

    def _language(self, tag: str) -> str:
        languages = self._config["languages"]
        if tag not in languages:
            raise ValueError(
                f"'{tag}' is not a language this model was evaluated on: use one of {', '.join(languages)}."
            )
        return str(languages[tag])

    def _base(self) -> dict[str, Any]:
        """Where the base is, after a look at whether it is still the same."""
        name, revision, content = (self._config[key] for key in ("base_model", "base_revision", "base_files"))
        if content is None:
            return {"pretrained_model_name_or_path": name, "revision": revision}
        folder = Path(name)
        remedy = "Put it back, or load the model with model_config={'base_model': FOLDER}."
        if not folder.is_dir():
            raise ValueError(f"The base model this adapter belongs to is not at {folder} any more. {remedy}")
        files = {path for pattern in self._config["base_patterns"] for path in folder.glob(pattern)}
        if _hash(files) != content:
            raise ValueError(f"The files in {folder} are not the base model this adapter was trained on. {remedy}")
        return {"pretrained_model_name_or_path": str(folder)}


def _peft() -> Any:
    """The module peft, imported without code from the Hugging Face hub.

    With it comes bitsandbytes, where that is installed, which would fetch compiled kernels by the package `kernels` and
    run them: it does not find that, and takes its own.
    """
    logger, is_there = getLogger("bitsandbytes"), "kernels" in sys.modules
    before = logger.level
    if not is_there:
        sys.modules["kernels"] = None  # type: ignore[assignment]  # an import of it then fails
    logger.setLevel(ERROR)
    try:
        import peft
    finally:
        logger.setLevel(before)
        if not is_there:
            del sys.modules["kernels"]
    return peft


def _plain(text: str) -> str:
    """A sentence by which it is known again, whatever its case and spacing."""
    return " ".join(text.casefold().split())


def _prefix(tokenizer: Any) -> str:
    """The text of the special tokens that a tokenizer puts before every text."""
    bare, full = tokenizer("a", add_special_tokens=False).input_ids, tokenizer("a").input_ids
    start = next(start for start in range(len(full)) if full[start : start + len(bare)] == bare)
    return str(tokenizer.decode(full[:start]))


def _untie(model: Any) -> None:
    """Give a head that shares the embedding's weights its own: what an adapter adds to the one is not the other's."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if head is not None and head.weight is embedding.weight:
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
        model.config.tie_word_embeddings = False


def _precision(stored: torch.dtype, device: str) -> torch.dtype:
    """float32 on the CPU; on a GPU the half precision the model is stored in, or the better one there is."""
    if device == "cpu" or stored in (torch.float16, torch.bfloat16):
        return torch.float32 if device == "cpu" else stored
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _ends(model: Any, tokenizer: Any) -> set[int]:
    """The end-of-sentence tokens; chat models name one in their tokenizer and more in their generation settings."""
    ends: set[int] = set()
    for holder in (tokenizer, model.config.get_text_config(), model.generation_config):
        named = holder.eos_token_id
        ends.update([] if named is None else [named] if isinstance(named, int) else named)
    return ends


def _hash(files: set[Path]) -> str:
    """The hash of files by name and bytes, as `dragoman.identity.hash_files` computes it."""
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


set_model(Translator())
