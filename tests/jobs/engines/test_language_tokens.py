"""The language tokens of translation models are known by the tags of specs."""

from types import SimpleNamespace
from typing import cast

import pytest
from transformers import PreTrainedTokenizerBase

from dragoman.errors import ModelError
from dragoman_jobs.engines.language_tokens import LanguageTokens, language_codes


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        # huggingface/transformers, models/mbart50/tokenization_mbart50.py
        (["ar_AR", "bn_IN", "en_XX", "zh_CN", "sw_KE", "tl_XX"],
         {"ar", "ar-AR", "bn", "bn-IN", "en", "zh-Hans", "sw", "sw-KE", "fil"}),
        # models/nllb/tokenization_nllb.py
        (["kor_Hang", "nob_Latn", "zho_Hant", "pbt_Arab"], {"ko", "nb", "zh-Hant", "ps"}),
        # models/m2m_100/tokenization_m2m_100.py
        (["__no__", "__ns__", "__ko__"], {"nb", "nso", "ko"}),
        # two regions of one language, none of which is its usual one: neither is the language
        (["pt_PT", "pt_MZ"], {"pt-PT", "pt-MZ"}),
    ],
)  # fmt: skip
def test_tokens_are_known_by_the_tags_of_specs(written: list[str], tags: set[str]) -> None:
    tokenizer = SimpleNamespace(special_tokens_map={}, added_tokens_decoder=dict(enumerate(written)))
    found = dict(language_codes(cast(PreTrainedTokenizerBase, tokenizer)))
    assert set(found) == tags
    assert {written[number] for _, number in found.values()} == set(written)


def test_a_model_that_has_a_language_in_another_script_says_so() -> None:
    tokens = LanguageTokens(tokens={"zh-Hans": 1, "en": 2}, prefix=(), suffix=(), start=0)
    with pytest.raises(ModelError, match="no token for the language zh-Hant: it has zh-Hans, which the spec can name"):
        tokens.token("zh-Hant")
