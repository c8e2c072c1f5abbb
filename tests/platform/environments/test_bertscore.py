"""BERTScore against its formula (Zhang et al., 2020), sentence by sentence, on a tiny random BERT."""

import random
from pathlib import Path

import numpy as np
import pytest

from dragoman.metrics.base import MetricError
from dragoman.metrics.bertscore import BertScore, BertScoreOptions
from dragoman.metrics.model_metric import Triple
from dragoman.pair import Pair

WORDS = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran", "##s", "fast"]
LAYER = 2


def lines(seed: int) -> list[str]:
    chosen = random.Random(seed)
    return [" ".join(chosen.choices(WORDS[:8], k=chosen.choice([1, 4, 12]))) for _ in range(15)]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(2)
    config = BertConfig(
        vocab_size=15, hidden_size=24, num_hidden_layers=3, num_attention_heads=2, intermediate_size=48,
        initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def by_formula(encoder: Path, hypothesis: str, reference: str) -> float:
    import torch
    from transformers import BertModel, BertTokenizerFast

    tokenizer, model = BertTokenizerFast.from_pretrained(encoder), BertModel.from_pretrained(encoder).eval()

    def unit(text: str) -> np.ndarray:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[LAYER][0]
        found = states.numpy()
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    similar = unit(hypothesis) @ unit(reference).T
    precision, recall = similar.max(1)[1:-1].mean(), similar.max(0)[1:-1].mean()
    return float(2 * precision * recall / (precision + recall))


@pytest.mark.slow
def test_scores_are_those_of_the_formula(encoder: Path, tmp_path: Path) -> None:
    pair = Pair("en", "de")
    triples = [Triple(pair, "", hyp, ref) for hyp, ref in zip(lines(1), lines(2), strict=True)]
    options = BertScoreOptions(checkpoint=str(encoder), layer=LAYER).model_dump()
    scorer = BertScore.scorer(options, home=tmp_path, device="cpu")
    found = [each.value for each in scorer.score(triples)]
    scorer.close()
    expected = [by_formula(encoder, each.hypothesis, str(each.reference)) for each in triples]
    assert found == pytest.approx(expected, abs=1e-5)
    assert scorer.signature.endswith(f"layer:{LAYER}")
    with pytest.raises(MetricError, match="has 3 layers, and the layer 9 was asked for"):
        BertScore.scorer(BertScoreOptions(checkpoint=str(encoder)).model_dump(), home=tmp_path, device="cpu")
