"""The openai engine against a server of its protocol: a real one, on a socket, that can refuse."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.openai import OpenAIEngine
from dragoman_jobs.models.checkpoint import Checkpoint

DECODING = Decoding(max_new_tokens=9)


def prepare(tmp_path: Path, model: str = "openai/parrot", decoding: Decoding = DECODING) -> Path:
    return OpenAIEngine.prepare(Checkpoint(id="m", model=model), decoding, tmp_path / "cache")


def booked(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "usage" / "m.jsonl").read_text().splitlines()]


def test_prompts_are_answered_in_order_and_paid_for(server: Any, tmp_path: Path) -> None:
    made = OpenAIEngine(prepare(tmp_path), DECODING).translate(["one", "two", "a longer one"])
    assert made == [Hypothesis("eno", "stop", 2), Hypothesis("owt", "stop", 2), Hypothesis("eno regnol a", "length", 2)]
    assert {(each["model"], each["temperature"], each["max_tokens"]) for each in server.requests} == {("parrot", 0, 9)}
    lines = booked(tmp_path)
    assert sorted((line["prompt_tokens"], line["completion_tokens"]) for line in lines) == [(3, 2), (3, 2), (12, 2)]
    assert {(line["model"], line["cost"] - line["prompt_tokens"]) for line in lines} == {("parrot", 4.0)}


def test_what_was_answered_is_paid_for_though_another_is_refused(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_OPENAI_CONCURRENCY", "1")
    engine = OpenAIEngine(prepare(tmp_path), DECODING)
    server.refusals = [400, 0, 0]  # the last one first
    with pytest.raises(ModelError, match="can't answer for parrot"):
        engine.translate(["ab", "abc", "abcd", "abcde"])
    assert [line["prompt_tokens"] for line in booked(tmp_path)] == [2, 3]
    assert len(server.requests) == 3  # nothing more was begun
    shutil.rmtree(tmp_path / "cache")
    again = OpenAIEngine(prepare(tmp_path), DECODING)
    again.translate(["abcdef"])
    assert again.ledger.spent == sum(line["cost"] for line in booked(tmp_path)) == 2 + 3 + 6 + 3 * 4


def test_what_is_drawn_and_where_it_stops_is_asked_for(server: Any, tmp_path: Path) -> None:
    decoding = Decoding(max_new_tokens=9, temperature=0.7, top_p=0.9, seed=3, stop=["n", "o"])
    engine = OpenAIEngine(prepare(tmp_path), decoding)
    together = engine.translate(["one", "1 2", "four"])
    assert together == [Hypothesis("e", "stop", 2), Hypothesis("2 1", "stop", 2), Hypothesis("ru", "stop", 2)]
    seeds = {each["messages"][0]["content"]: each["seed"] for each in server.requests}
    assert len(set(seeds.values())) == 3
    assert {(each["temperature"], each["top_p"], *each["stop"]) for each in server.requests} == {(0.7, 0.9, "n", "o")}
    server.requests.clear()
    assert engine.translate(["four"]) == together[2:]
    assert server.requests[0]["seed"] == seeds["four"]


def test_refusals_are_tried_again(server: Any, tmp_path: Path) -> None:
    engine = OpenAIEngine(prepare(tmp_path), DECODING)
    server.refusals = [429, 500, 429]
    assert [each.text for each in engine.translate(["ab", "cd"])] == ["ba", "dc"]
    assert len(server.requests) == 5


def test_what_stays_refused_is_a_sentence_without_the_key(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("DRAGOMAN_OPENAI_RETRIES", "1")
    engine = OpenAIEngine(prepare(tmp_path), DECODING)
    for status, sentence in ((429, "refuses more requests, also after 1 tries"), (400, "can't answer for parrot")):
        server.refusals = [status] * 2
        with pytest.raises(ModelError, match=sentence) as error:
            engine.translate(["ab"])
        assert "sk-not-for-logs" not in str(error.value)
    server.refusals = [404]
    with pytest.raises(ModelError, match="has no model parrot: mend its name"):
        engine.translate(["ab"])
    key = "sk-not-for-logs"
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(key in text for text in [*kept, caplog.text, repr(engine.__dict__)])


def test_a_wrong_key_a_wrong_model_and_no_server(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="has no model parot: did you mean 'parrot'"):
        prepare(tmp_path, "parot")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with pytest.raises(ModelError, match="refuses the key: set OPENAI_API_KEY") as error:
        prepare(tmp_path)
    assert "sk-wrong" not in str(error.value)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("DRAGOMAN_OPENAI_RETRIES", "0")
    with pytest.raises(ModelError, match="can't be reached: mend OPENAI_BASE_URL"):
        prepare(tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_what_an_endpoint_does_not_do(tmp_path: Path) -> None:
    for decoding, named in (
        (Decoding(beam=4, precision="int8"), "beam and precision: leave them out"),
        (Decoding(temperature=1, top_k=5), "top_k: leave it out"),
        (Decoding(max_ratio=2), "max_ratio: leave it out"),
    ):
        with pytest.raises(UnsupportedModelError, match=f"has no word for {named}"):
            prepare(tmp_path, decoding=decoding)
    with pytest.raises(UnsupportedModelError, match="takes no adapter"):
        OpenAIEngine.prepare(Checkpoint(id="m", model="m", adapter=tmp_path), DECODING, tmp_path)


def test_a_budget_ends_the_spending_of_all_workers(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_OPENAI_BUDGET", "12")
    monkeypatch.setenv("DRAGOMAN_OPENAI_CONCURRENCY", "1")
    one, other = (OpenAIEngine(prepare(tmp_path), DECODING) for _ in range(2))
    assert one.translate(["ab"]) == [Hypothesis("ba", "stop", 2)]
    with pytest.raises(ModelError, match=r"has cost 12\.00, and its budget is 12: raise DRAGOMAN_OPENAI_BUDGET"):
        other.translate(["ab"] * 5)
    assert len(server.requests) == 2
    with pytest.raises(ModelError, match=r"has cost 12\.00"):
        one.translate(["ab"])
    with pytest.raises(ModelError, match=r"has cost 12\.00"):
        OpenAIEngine(prepare(tmp_path), DECODING).translate(["ab"])
    assert len(server.requests) == 2


def test_the_rate_is_kept_from_cell_to_cell(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from time import monotonic

    monkeypatch.setenv("DRAGOMAN_OPENAI_REQUESTS_PER_MINUTE", "600")
    monkeypatch.setenv("DRAGOMAN_OPENAI_CONCURRENCY", "2")
    engine = OpenAIEngine(prepare(tmp_path), DECODING)
    started = monotonic()
    for _ in range(6):
        engine.translate(["ab"])
    assert monotonic() - started >= 0.35  # two at once, the other four a tenth of a second apart
