import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoTokenizer

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Hypothesis
from dragoman_jobs.engines.stop_rules import cut, stop_tokens
from dragoman_jobs.engines.tokenization import DecodingFacts, PromptTokenizer, batches, in_halves

END, BREAK = 2, 99


@pytest.fixture
def prompting(tmp_path: Path, tiny_model: Callable[[str], Path]) -> Callable[..., PromptTokenizer]:
    """A prepared XGLM's prompting, with any tokenizer."""
    folder = tiny_model("xglm")

    def make(tokenizer: Any = None, **settings: Any) -> PromptTokenizer:
        tokenizer = tokenizer or AutoTokenizer.from_pretrained(folder)
        DecodingFacts.of(folder, AutoConfig.from_pretrained(folder), tokenizer).write(tmp_path, folder, tokenizer)
        return PromptTokenizer(tmp_path, Decoding(**{"max_new_tokens": 20, **settings}))

    return make


def test_the_facts_of_a_model(prompting: Callable[..., PromptTokenizer], tiny_model: Callable[[str], Path]) -> None:
    facts = prompting().facts
    assert facts == DecodingFacts(stop=(END, BREAK), positions=128, dtype="float32")


def test_all_ends_that_a_model_names_stop_it(
    tmp_path: Path, write_model: Callable[..., Path], make_tokenizer: Callable[..., Any]
) -> None:
    folder = write_model(tmp_path / "model", "llama", eos_token_id=[9, 10])
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [11, 12]}))
    facts = DecodingFacts.of(folder, AutoConfig.from_pretrained(folder), make_tokenizer())
    assert facts.stop == (END, 9, 10, 11, 12, BREAK)


def test_the_tokenizers_prefix_counts_and_its_suffix_does_not(
    prompting: Callable[..., PromptTokenizer], make_tokenizer: Callable[..., Any]
) -> None:
    open_ended = make_tokenizer(prefix="<s> ")
    prompts = ["[German]: x [English]:", "a", "it ends in </s>"]
    expected = [open_ended(prompt).input_ids for prompt in prompts]
    assert all(ids[0] == 0 for ids in expected)
    assert expected[2][-1] == END
    assert prompting(open_ended).encode(prompts) == expected
    assert prompting(make_tokenizer(prefix="<s> ", suffix=" </s>")).encode(prompts) == expected


def test_prompts_that_cannot_be_continued(prompting: Callable[..., PromptTokenizer]) -> None:
    with pytest.raises(ModelError, match="Prompt 2 is empty"):
        prompting().encode(["a", ""])
    # 128 positions, one of them for the prefix, 20 for what is generated
    assert len(prompting().encode(["a" * 107])[0]) == 108
    with pytest.raises(ModelError, match="Prompt 1 has 109 tokens, which with 20 new ones is more than the 128 pos"):
        prompting().encode(["a" * 108])


def test_what_generated_tokens_spell(prompting: Callable[..., PromptTokenizer]) -> None:
    made = prompting()
    one, space, two = (made.encode([character])[0][1] for character in "1 2")
    assert made.hypothesis([space, one, space, two, space, END, END]) == Hypothesis("1 2", "stop", 6)
    assert made.hypothesis([one, BREAK, two]) == Hypothesis("1", "stop", 2)
    assert made.hypothesis([one, two]) == Hypothesis("12", "length", 2)
    assert made.hypothesis([BREAK, one]) == Hypothesis("", "stop", 1)
    assert made.hypothesis([END]) == Hypothesis("", "stop", 1)


def test_only_a_line_break_ends_a_line(prompting: Callable[..., PromptTokenizer]) -> None:
    """As sacreBLEU reads references: U+2028, U+0085, form feed and the like are characters of a sentence."""
    odd = "a\u2028b\x85c\x0cd\x0be\x1cf\x1dg\x1eh\u2029i\rj"
    assert cut(f" {odd} \r\nmore", Decoding()) == (odd, True)
    assert cut(odd, Decoding()) == (odd, False)
    assert cut(f"{odd}\r\n\n more ", Decoding(stop_at_newline=False)) == (f"{odd} more", False)


def test_what_earlier_versions_took_for_a_line_break_ends_no_text(make_tokenizer: Callable[..., Any]) -> None:
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["\u2028"])
    separator = tokenizer.convert_tokens_to_ids("\u2028")
    assert stop_tokens([END, BREAK, separator], tokenizer.backend_tokenizer, Decoding()) == (END, BREAK)


def test_a_separator_of_several_tokens_stays(
    prompting: Callable[..., PromptTokenizer], make_tokenizer: Callable[..., Any]
) -> None:
    """Byte-level models spell rare characters in bytes: U+2028, which ends no line, in three."""
    tokenizer = make_tokenizer()
    separator = ["âĢ¨"[index] for index in range(3)]  # how byte-level tokenizers write E2 80 A8
    tokenizer.add_tokens(separator)
    made = prompting(tokenizer)
    one = made.encode(["1"])[0][1]
    ids = tokenizer.convert_tokens_to_ids(separator)
    assert not set(ids) & set(made.facts.stop)
    assert made.hypothesis([one, *ids, one]) == Hypothesis("1\u20281", "length", 5)


def test_stop_strings_end_the_text_wherever_its_tokens_part(prompting: Callable[..., PromptTokenizer]) -> None:
    made = prompting(stop=["2", "33"])
    one, two, three = (made.encode([character])[0][1] for character in "123")
    assert made.stop == (END, two, BREAK)  # of one token: decoding ends there
    assert made.hypothesis([one, two, one]) == Hypothesis("1", "stop", 2)
    assert made.hypothesis([one, three, one, three, three, one]) == Hypothesis("131", "stop", 6)
    assert made.hypothesis([one, three]) == Hypothesis("13", "length", 2)


def test_a_line_break_may_be_a_space(prompting: Callable[..., PromptTokenizer]) -> None:
    made = prompting(stop_at_newline=False, stop="2")
    one, two = (made.encode([character])[0][1] for character in "12")
    assert made.hypothesis([BREAK, one, BREAK, BREAK, one, END]) == Hypothesis("1 1", "stop", 6)
    assert made.hypothesis([one, BREAK, one]) == Hypothesis("1 1", "length", 3)
    assert made.hypothesis([one, BREAK, two, one]) == Hypothesis("1", "stop", 3)


def test_the_limit_is_one_of_the_sentence(prompting: Callable[..., PromptTokenizer]) -> None:
    assert prompting().limits(["abc", ""]) == [20, 20]
    assert prompting(max_ratio=1.5).limits(["abc", "", "a" * 40]) == [5, 1, 20]
    one = prompting().encode(["1"])[0][1]
    assert prompting().hypothesis([one, one, END], limit=2) == Hypothesis("11", "length", 2)
    # 108 tokens leave room for 20, and 110 for the 18 that this sentence may have
    assert len(prompting(max_ratio=6).encode(["a" * 109], [18])[0]) == 110


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 100), st.booleans())
def test_batches_hold_every_prompt_once_within_the_budget(lengths: list[int], budget: int, mixed: bool) -> None:
    made = list(batches(lengths, budget, mixed))
    assert sorted(place for batch in made for place in batch) == list(range(len(lengths)))
    for batch in made:
        kinds = {lengths[place] for place in batch}
        assert len(batch) == 1 or len(batch) * max(kinds) <= budget
        assert len(kinds) == 1 or (mixed and 1 not in kinds)


def test_groups_share_no_batch() -> None:
    assert list(batches([3, 3, 2, 2], 100, mixed=True, groups=[7, 5, 7, 5])) == [[0, 2], [1, 3]]


def test_batches_are_no_smaller_than_they_must_be() -> None:
    assert list(batches([3, 1, 3, 2, 1], 6, mixed=True)) == [[0, 2], [3], [1, 4]]
    assert list(batches([3, 3, 2, 2], 100, mixed=True)) == [[0, 1, 2, 3]]
    assert list(batches([3, 3, 2, 2], 100, mixed=False)) == [[0, 1], [2, 3]]


def test_a_batch_that_does_not_fit_is_halved() -> None:
    tried: list[int] = []

    def decode(batch: list[int]) -> list[str]:
        tried.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("CUDA failed with error out of memory")
        return [str(place) for place in batch]

    assert in_halves([4, 3, 2, 1, 0], decode) == ["4", "3", "2", "1", "0"]
    assert tried == [5, 2, 3, 1, 2]


def test_a_prompt_that_does_not_fit_alone_and_other_errors() -> None:
    def fail(error: Exception) -> Callable[[list[int]], list[str]]:
        def decode(batch: list[int]) -> list[str]:
            raise error

        return decode

    with pytest.raises(ModelError, match="does not suffice to decode a single prompt"):
        in_halves([1, 2], fail(MemoryError()))
    with pytest.raises(RuntimeError, match="something else"):
        in_halves([1, 2], fail(RuntimeError("something else")))


def test_weights_in_the_hubs_cache_are_found_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is prepared on one node, and its weights read by workers on others, each with a cache of its own."""
    here = tmp_path / "here"
    here.mkdir()
    facts = DecodingFacts(stop=(), positions=None, dtype="float32")
    assert facts.weights_of(tmp_path) == tmp_path / "model"
    assert facts.model_copy(update={"weights": here, "hub": ("some/model", "v1")}).weights_of(tmp_path) == here
    monkeypatch.setattr("dragoman_jobs.engines.tokenization.local_folder", lambda *asked: here / "-".join(asked))
    elsewhere = facts.model_copy(update={"weights": tmp_path / "there"})
    found = elsewhere.model_copy(update={"hub": ("model", "v1")}).weights_of(tmp_path)
    assert found == here / "model-v1"
    with pytest.raises(ModelError, match=r"there can't be loaded: .* has no such folder.* all its machines share"):
        elsewhere.weights_of(tmp_path)
