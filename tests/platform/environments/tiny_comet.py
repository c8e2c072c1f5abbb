"""Writes tiny random models as checkpoints of COMET; run by the Python of the environment that has unbabel-comet.

`python tiny_comet.py FOLDER HIDDEN LAYERS KIND...` with the kinds regression, referenceless, unified and xcomet. The
checkpoints have the form that unbabel-comet's trainer and the hub's repositories give them.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from comet.models import ReferencelessRegression, RegressionMetric, UnifiedMetric, XCOMETMetric
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

KINDS = {
    "regression": (RegressionMetric, {"pool": "avg"}),
    "referenceless": (ReferencelessRegression, {"pool": "avg"}),
    "unified": (UnifiedMetric, {"word_level_training": False, "word_layer": 2}),
    "xcomet": (XCOMETMetric, {"word_layer": 2}),
}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def tokenizer(folder: Path, texts: list[str]) -> None:
    """A Unigram tokenizer in XLM-R's form, trained on some texts."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=400, special_tokens=[*SPECIAL, "<mask>"], unk_token="<unk>")
    )
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    made.save(str(folder / "tokenizer.json"))
    XLMRobertaTokenizerFast(tokenizer_file=str(folder / "tokenizer.json")).save_pretrained(folder)


def write(folder: Path, kind: str, *, hidden: int, layers: int, texts: list[str]) -> Path:
    """Write the encoder's folder and the checkpoint's; returns the checkpoint's file."""
    encoder = folder / "encoder"
    if not encoder.exists():
        encoder.mkdir(parents=True)
        tokenizer(encoder, texts)
        config = XLMRobertaConfig(
            vocab_size=500,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=max(2, hidden // 64),
            intermediate_size=4 * hidden,
            max_position_embeddings=514,
            type_vocab_size=1,
            initializer_range=0.2,
        )
        torch.manual_seed(0)
        XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(encoder)
    made_by, options = KINDS[kind]
    torch.manual_seed(1)
    model = made_by(
        pretrained_model=str(encoder),
        hidden_sizes=[32, 16],
        layer_transformation="sparsemax" if kind != "regression" else "softmax",
        layer_norm=False,
        keep_embeddings_frozen=True,
        validation_data=[],
        **options,
    )
    for parameter in model.estimator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    file = folder / kind / "checkpoints" / "model.ckpt"
    file.parent.mkdir(parents=True)
    hparams = json.loads(json.dumps(dict(model.hparams), default=str))
    torch.save(
        {
            "state_dict": model.state_dict(),
            "hyper_parameters": hparams,
            "pytorch-lightning_version": "2.0.0",
            "epoch": 0,
            "global_step": 0,
            "loops": {},
            "callbacks": {},
            "optimizer_states": [],
            "lr_schedulers": [],
        },
        file,
    )
    (folder / kind / "hparams.yaml").write_text(yaml.safe_dump(hparams), encoding="utf-8")
    return file


class Evil:
    """What a pickle would run when it is opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._folder / "was-run"),)


if __name__ == "__main__":
    place, width, depth, *kinds = sys.argv[1:]
    lines = Path(place, "texts.txt").read_text(encoding="utf-8").splitlines()
    for asked in kinds:
        write(Path(place), asked, hidden=int(width), layers=int(depth), texts=lines)
    torch.save({"state_dict": {}, "hyper_parameters": Evil(Path(place))}, Path(place, "evil.ckpt"))
