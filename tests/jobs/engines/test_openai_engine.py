"""The openai engine against a server of its protocol: a real one, on a socket, that can refuse."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Checkpoint, Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.openai import LEDGER, OpenAIEngine

DECODING = Decoding(max_new_tokens=9)


def prepare(tmp_path: Path, model: str = "openai/parrot", decoding: Decoding = DECODING) -> Path:
    return OpenAIEngine.prepare(Checkpoint(id="m", model=model), decoding, tmp_path)


def test_prompts_are_answered_in_order_and_paid_for(server: Any, tmp_path: Path) -> None:
    prepared = prepare(tmp_path)
    made = OpenAIEngine(prepared, DECODING).translate(["one", "two", "a longer one"])
    assert made == [Hypothesis("eno", "stop", 2), Hypothesis("owt", "stop", 2), Hypothesis("eno regnol a", "length", 2)]
    assert {(each["model"], each["temperature"], each["max_tokens"]) for each in server.requests} == {("parrot", 0, 9)}
    (line,) = map(json.loads, (prepared / LEDGER).read_text().splitlines())
    assert (line["requests"], line["prompt_tokens"], line["completion_tokens"]) == (3, 18, 6)
    assert line["cost"] == 18 * 1 + 6 * 2


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


def test_a_budget_ends_the_spending(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_OPENAI_BUDGET", "6")
    engine = OpenAIEngine(prepare(tmp_path), DECODING)
    assert engine.translate(["ab"]) == [Hypothesis("ba", "stop", 2)]
    with pytest.raises(ModelError, match=r"has cost 6\.00 in this worker"):
        engine.translate(["ab"])


def test_the_rate_is_kept(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from time import monotonic

    monkeypatch.setenv("DRAGOMAN_OPENAI_REQUESTS_PER_MINUTE", "600")
    monkeypatch.setenv("DRAGOMAN_OPENAI_CONCURRENCY", "2")
    engine = OpenAIEngine(prepare(tmp_path), DECODING)
    started = monotonic()
    engine.translate(["ab"] * 6)
    assert monotonic() - started >= 0.35  # two at once, the other four a tenth of a second apart
