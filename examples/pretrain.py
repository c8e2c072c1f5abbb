"""Train the small multilingual base models of the examples: XGLM's architecture, a few million parameters.

The text is the train split of the embedded CLDR corpus: monolingual lines in several languages and, as the
text of the web has them, some lines that say the same in English and in another language. No line
pairs two languages other than English. Languages may have different shares of the text, as they have on the web.

    python examples/pretrain.py --out examples/tiny-xglm
    python examples/pretrain.py --out examples/tiny-xglm-continued @examples/tiny-xglm-continued/arguments.txt
"""

import argparse
import csv
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from rich.progress import track
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.decoders import Metaspace
from transformers import PreTrainedTokenizerFast, XGLMConfig, XGLMForCausalLM

from dragoman import Split
from dragoman.corpora import CORE_LANGUAGES, Cldr, CldrOptions

BLOCK = 96
"""Tokens of one training row: lines are packed behind each other, each closed by </s>."""
BILINGUAL_FORMS = ("{0} – {1}", "{0} ({1})", "{0} / {1}", "{0} = {1}")

AMOUNTS = "pretraining.csv"
"""File beside a model: how many tokens of each language it has read."""

CARD = """# {name}: a base model of the examples

A multilingual language model of XGLM's architecture with {size} parameters and a Unigram tokenizer of {pieces:,}
pieces, small enough to stand in a repository and to be finetuned in minutes on one core. It knows {languages} languages
({shares}) as far as short phrases of the Unicode CLDR go, and nothing else.

| | |
| --- | --- |
| made by | `python examples/pretrain.py {arguments}`, seed {seed} |
| begun with | {begun} |
| text | the train split of the embedded corpus ({corpus}); test and dev are held out |
| of it bilingual | {bilingual_share:.0%} of the lines: English beside one other language, never two others |
| tokens by language, in all | {tokens_by_language} (`pretraining.csv`) |
| training | {steps} steps, {tokens:,} tokens; the learning rate's cosine is laid out for {horizon} steps |
| processor time | {minutes} minutes, one thread |
| loss at the end | {final_loss} nats a token |
| weights | float32, safetensors; loads with `AutoModelForCausalLM.from_pretrained` |
| licence | the model: Apache-2.0; the text it saw: Unicode License v3 |

It is for demonstrations and tests. It translates nothing by itself: the lines that pair languages taught it that
sentences mean the same, not to follow an instruction. That is what finetuning elicits.
"""


class Line(NamedTuple):
    """A line of training text."""

    text: str
    sides: tuple[tuple[str, str], ...]
    """Its one or two sides, each with its language."""


def lines(seed: int, bilingual: float, languages: Sequence[str]) -> Iterator[Line]:
    """Training lines without end: `bilingual` of them English beside another language, the rest monolingual.

    A language that is named several times among the languages has so many shares of both kinds of lines.
    """
    meanings = list(Cldr(CldrOptions(seed=1)).meanings(Split.TRAIN))
    others = [tag for tag in languages if tag != "en"]
    rng = random.Random(seed)
    while True:
        meaning = rng.choice(meanings)
        if rng.random() < bilingual:
            sides = [(tag, str(Cldr.render(meaning, tag))) for tag in ("en", rng.choice(others))]
            rng.shuffle(sides)
            yield Line(rng.choice(BILINGUAL_FORMS).format(*(text for _, text in sides)), tuple(sides))
        else:
            tag = rng.choice(languages)
            text = str(Cldr.render(meaning, tag))
            yield Line(text, ((tag, text),))


def train_tokenizer(vocabulary: int, seed: int, languages: Sequence[str]) -> PreTrainedTokenizerFast:
    """A Unigram tokenizer like XGLM's, with its special ids: <s> 0, <pad> 1, </s> 2, <unk> 3."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.decoder = Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary,
        special_tokens=specials,
        unk_token="<unk>",
        initial_alphabet=[chr(code) for code in range(33, 127)],
    )
    stream = lines(seed, 0.0, languages)
    tokenizer.train_from_iterator((next(stream).text for _ in range(120_000)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", pair="</s> $A </s> </s> $B", special_tokens=[("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>", eos_token="</s>", sep_token="</s>", pad_token="<pad>", unk_token="<unk>", cls_token="<s>",
        model_max_length=256,
    )  # fmt: skip


def blocks(tokenizer: PreTrainedTokenizerFast, stream: Iterator[Line], counted: Counter[str]) -> Iterator[list[int]]:
    """The stream's tokens in rows of `BLOCK`, cut wherever a row is full; the tokens of each language are counted."""
    eos, row = tokenizer.eos_token_id, [tokenizer.eos_token_id]
    while True:
        chunk = [next(stream) for _ in range(512)]
        sides = [side for line in chunk for side in line.sides]
        alone = tokenizer([text for _, text in sides], add_special_tokens=False).input_ids
        for (tag, _), ids in zip(sides, alone, strict=True):
            counted[tag] += len(ids)
        for ids in tokenizer([line.text for line in chunk], add_special_tokens=False).input_ids:
            row += [*ids, eos]
            while len(row) >= BLOCK:
                yield row[:BLOCK]
                row = row[BLOCK:]


def shares(text: str) -> list[str]:
    """Languages of `en:8,ru:4,...`, each as often as it has shares."""
    named = (part.partition(":") for part in text.split(","))
    return [tag for tag, _, count in named for _ in range(int(count or 1))]


def write_amounts(counted: Counter[str], folder: Path) -> dict[str, int]:
    """Write how many tokens of each language were read, those of a model that was continued included."""
    tokens = {tag: counted[tag] for tag in sorted(counted, key=lambda tag: (-counted[tag], tag))}
    with (folder / AMOUNTS).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("language", "tokens"), *tokens.items()])
    return tokens


def new_model(vocabulary: int, width: int, layers: int) -> XGLMForCausalLM:
    """A model with random weights."""
    return XGLMForCausalLM(
        XGLMConfig(
            vocab_size=vocabulary, d_model=width, ffn_dim=4 * width, num_layers=layers, attention_heads=width // 32,
            max_position_embeddings=256, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, layerdrop=0.0,
            bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2,
        )
    )  # fmt: skip


def main() -> None:
    """Train the tokenizer and the model, and save both with the record that goes into the model card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, fromfile_prefix_chars="@"
    )
    parser.add_argument("--out", type=Path, default=Path("examples/tiny-xglm"))
    parser.add_argument("--base", type=Path, help="continue this model, with its tokenizer, in place of a new one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6000, help="steps trained")
    parser.add_argument("--horizon", type=int, default=9000, help="step at which the learning rate would be at its end")
    parser.add_argument("--batch", type=int, default=24, help="rows of a step")
    parser.add_argument("--bilingual", type=float, default=0.25, help="share of English-X lines")
    parser.add_argument("--languages", default=",".join(CORE_LANGUAGES), help="with shares: en:8,ru:4,...")
    parser.add_argument("--vocabulary", type=int, default=4000)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    arguments = parser.parse_args()
    languages = shares(arguments.languages)

    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    if arguments.base:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(arguments.base)
        model = XGLMForCausalLM.from_pretrained(arguments.base, dtype=torch.float32)
    else:
        tokenizer = train_tokenizer(arguments.vocabulary, arguments.seed, languages)
        model = new_model(len(tokenizer), arguments.width, arguments.layers)
    tokenizer.save_pretrained(arguments.out)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    warmup = min(400, arguments.horizon // 10)

    def rate(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (arguments.horizon - warmup)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    counted: Counter[str] = Counter()
    rows = blocks(tokenizer, lines(arguments.seed, arguments.bilingual, languages), counted)
    started, running = time.time(), 0.0
    model.train()
    for step in track(range(1, arguments.steps + 1), description="pretraining"):
        batch = torch.tensor([next(rows) for _ in range(arguments.batch)])
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad(set_to_none=True)
        running = loss.item() if step == 1 else 0.99 * running + 0.01 * loss.item()
        if step % 100 == 0:
            print(f"step {step} loss {running:.3f} minutes {(time.time() - started) / 60:.1f}", flush=True)
        if step % 1000 == 0:
            model.save_pretrained(arguments.out)
    model.save_pretrained(arguments.out)
    if arguments.base:
        with (arguments.base / AMOUNTS).open(newline="") as file:
            counted.update({row["language"]: int(row["tokens"]) for row in csv.DictReader(file)})
    tokens = write_amounts(counted, arguments.out)
    record = {
        "name": arguments.out.name,
        "arguments": " ".join(sys.argv[1:]),
        "begun": arguments.base.name if arguments.base else "random weights",
        "languages": len(tokens),
        "shares": " ".join(sorted(tokens)),
        "tokens_by_language": ", ".join(f"{tag} {count:,}" for tag, count in tokens.items()),
        "pieces": len(tokenizer),
        "seed": arguments.seed,
        "steps": arguments.steps,
        "horizon": arguments.horizon,
        "tokens": arguments.steps * arguments.batch * BLOCK,
        "bilingual_share": arguments.bilingual,
        "final_loss": round(running, 3),
        "minutes": round(time.process_time() / 60, 1),
        "size": f"{sum(parameter.numel() for parameter in model.parameters()):,}",
        "corpus": Cldr(CldrOptions(seed=1)).revision,
    }
    (arguments.out / "README.md").write_text(CARD.format(**record))


if __name__ == "__main__":
    main()
