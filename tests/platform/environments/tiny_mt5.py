"""Writes a tiny random mT5 in the form of MetricX-24, and its scores by the authors' formula.

The formula is that of google-research/metricx: `metricx24/models.py` (the logit of token 250089 at the first decoded
step, clipped to 0..25) and `metricx24/predict.py` (the input's form, the end of sentence removed), one text at a time.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import MT5Config, MT5Model, PreTrainedTokenizerFast


def write(folder: Path, texts: Sequence[str]) -> Path:
    """Write the checkpoint with a tokenizer."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    )
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(7)
    config = MT5Config(
        vocab_size=250_112, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_decoder_layers=2, num_heads=2
    )  # fmt: skip
    model = MT5Model(config).eval()
    for block in model.decoder.block:  # so that the first step depends on the text, within the range
        block.layer[1].EncDecAttention.o.weight.data.mul_(30)
    config.save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    # as what was published says, and has it: transformers 5 writes and makes the opposite of it
    written |= {"tie_word_embeddings": False, "architectures": ["MT5ForRegression"]}
    (folder / "config.json").write_text(json.dumps(written))
    head = torch.randn(250_112, 16) * 2
    shared = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
    state = {name: value for name, value in model.state_dict().items() if name not in shared}
    state["lm_head.weight"] = head
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def pickled(folder: Path, copy: Path) -> Path:
    """A copy of a checkpoint whose weights are a pickle, as most of the published ones are."""
    shutil.copytree(folder, copy)
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    return copy


def by_formula(folder: Path, inputs: Sequence[str]) -> list[float]:
    """The scores of inputs in the authors' form."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = MT5Model.from_pretrained(folder).eval()
    lm_head = load_file(folder / "model.safetensors")["lm_head.weight"]
    scores = []
    for text in inputs:
        ids = tokenizer(text, max_length=1536, truncation=True, return_tensors="pt")["input_ids"][:, :-1]
        with torch.no_grad():
            output = model(input_ids=ids, decoder_input_ids=torch.LongTensor([0]).reshape(-1, 1)).last_hidden_state
            lm_logits = output @ lm_head.T
        scores.append(float(torch.clamp(lm_logits[:, 0, 250089], 0, 25)))
    return scores
