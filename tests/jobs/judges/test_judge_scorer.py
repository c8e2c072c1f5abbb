"""Judges against a server of OpenAI's protocol: what is paid for, what is asked again, and what can't be read."""

import json
import multiprocessing
import os
import signal
import time
from math import isnan

import pytest

from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.error_span import ErrorSpan
from dragoman.plugins import load
from dragoman_jobs.judges.metrics import GembaDa, GembaEsa, GembaMqm, OwnJudge

OPTIONS = {"model": "judge-1"}


def test_the_plugins_are_the_judges():
    assert [load("metrics", name) for name in ("gemba-da", "gemba-esa", "gemba-mqm", "judge")] == [
        GembaDa, GembaEsa, GembaMqm, OwnJudge,
    ]  # fmt: skip


def test_identical_requests_are_never_paid_twice(server, triple, tmp_path):
    server.reply = lambda asked: "70" if "Hund" in asked["messages"][-1]["content"] else "20"
    triples = [triple("a dog", "ein Hund"), triple("a cat", "eine Katze")]
    first = GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu")
    assert [each.value for each in first.score(triples)] == [70, 20]
    assert [each.value for each in first.score(triples)] == [70, 20]
    again = GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu")  # as after a kill
    assert [each.value for each in again.score([*triples, triple("a", "b")])] == [70, 20, 20]
    assert len(server.requests) == 3
    assert again.usage.spent == 3
    assert {(each["temperature"], each["seed"], each["max_tokens"]) for each in server.requests} == {(0, 1, 500)}
    for other in ({"revision": "2"}, {"seed": 2}):
        GembaDa.scorer(OPTIONS | other, home=tmp_path, device="cpu").score(triples[:1])
    assert len(server.requests) == 5


def test_two_processes_that_ask_the_same_at_once_pay_once(server, triple, tmp_path):
    def slow(asked):
        time.sleep(0.2)
        return "50"

    server.reply = slow
    triples = [triple(f"source {number}", f"text {number}") for number in range(6)]
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_judge, args=(triples, tmp_path)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(server.requests) == 6


def _judge(triples, home):
    GembaDa.scorer(OPTIONS, home=home, device="cpu").score(triples)


def test_what_was_answered_before_a_kill_is_not_asked_again(server, triple, tmp_path, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_OPENAI_CONCURRENCY", "1")
    triples = [triple(f"source {number}", f"text {number}") for number in range(5)]

    def stuck(asked):
        if len(server.requests) == 3:
            time.sleep(60)
        return "50"

    server.reply = stuck
    worker = multiprocessing.get_context("fork").Process(target=_judge, args=(triples, tmp_path))
    worker.start()
    while len(server.requests) < 3:
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    file = next(each for each in (tmp_path / "answers").glob("*.jsonl"))
    with file.open("a") as torn:
        torn.write('{"key": "answ')  # half a line, as of a process that was killed while it wrote
    server.reply = lambda asked: "50"
    scorer = GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu")
    assert [each.value for each in scorer.score(triples)] == [50] * 5
    assert len(server.requests) == 3 + 3  # the third was on its way
    assert [each.value for each in GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu").score(triples)] == [50] * 5
    assert len(server.requests) == 6


def test_a_budget_stops_in_time_and_keeps_what_was_answered(server, triple, tmp_path):
    triples = [triple(f"source {number}", f"text {number}") for number in range(20)]
    poor = GembaDa.scorer(OPTIONS | {"budget": 7}, home=tmp_path, device="cpu")
    with pytest.raises(MetricNeedError, match=r"judge-1 has cost 7\.00, and its budget is 7: raise"):
        poor.score(triples)
    assert len(server.requests) == 7  # though sixteen may be open at once
    with pytest.raises(MetricNeedError, match=r"has cost 7\.00"):
        GembaMqm.scorer(OPTIONS | {"budget": 7}, home=tmp_path, device="cpu").score(triples[:1])
    rich = GembaDa.scorer(OPTIONS | {"budget": 20}, home=tmp_path, device="cpu")
    assert len(rich.score(triples)) == len(server.requests) == 20
    assert poor.score(triples)  # all of it is answered by now, and costs nothing


def test_an_unreadable_answer_is_asked_for_again_and_warmer(server, triple, tmp_path):
    server.reply = lambda asked: "maybe" if asked["temperature"] < 0.2 else "60"
    scorer = GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu")
    assert scorer.score([triple("a", "b")])[0].value == 60
    assert [each["temperature"] for each in server.requests] == [0, 0.1, 0.2]
    assert GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu").score([triple("a", "b")])[0].value == 60
    assert len(server.requests) == 3  # what can't be read was paid for as well


def test_a_segment_that_stays_unreadable_is_counted_and_left_out(server, triple, tmp_path):
    server.reply = lambda asked: "no idea" if "bad" in asked["messages"][-1]["content"] else "60"
    triples = [triple("a", "good"), triple("b", "bad"), triple("c", "good"), triple("d", "good")]
    scores = GembaDa.scorer(OPTIONS | {"retries": 3}, home=tmp_path, device="cpu").score(triples)
    assert [each.value for each in scores if not isnan(each.value)] == [60, 60, 60]
    assert len(server.requests) == 3 + 4
    rows = GembaDa.rows(scores)
    assert rows.tolist() == [[60, 1], [0, 0], [60, 1], [60, 1]]
    metric = GembaDa(triples[0].pair)
    assert (metric.score(rows), metric.details(rows)) == (60, {"unreadable": 25})
    with pytest.raises(MetricError, match="None of the 1 answers of judge-1 can be read"):
        GembaDa.scorer(OPTIONS | {"retries": 3}, home=tmp_path, device="cpu").score(triples[1:2])


def test_an_answer_without_room_gets_more_and_a_filtered_one_is_unreadable(server, triple, tmp_path):
    server.reply = lambda asked: ("9", "length") if asked["max_tokens"] < 2000 else "97"
    scorer = GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu")
    assert scorer.score([triple("a", "b")])[0].value == 97
    assert [each["max_tokens"] for each in server.requests] == [500, 1000, 2000]
    server.requests.clear()
    server.reply = lambda asked: ("", "content_filter") if "bad" in asked["messages"][-1]["content"] else "1"
    assert isnan(scorer.score([triple("c", "bad"), triple("c", "d")])[0].value)
    assert len(server.requests) == 2


def test_mqm_marks_the_words_in_right_to_left_text(server, triple, tmp_path):
    server.reply = lambda asked: 'Critical:\nno-error\nMajor:\naccuracy/addition - "עולם"\nMinor:\nno-error'
    hypothesis = "שלום עולם יפה, עולם"
    scored = GembaMqm.scorer(OPTIONS, home=tmp_path, device="cpu").score([triple("hello", hypothesis, "en-he")])[0]
    assert scored.value == 80
    assert scored.spans == (ErrorSpan(5, 9, "major", "accuracy/addition"),)
    assert hypothesis[5:9] == "עולם"
    assert [turn["role"] for turn in server.requests[0]["messages"]] == [
        "system", *["user", "assistant"] * 3, "user",
    ]  # fmt: skip
    assert "Hebrew translation:\n```שלום עולם יפה, עולם```" in server.asked[0]


def test_esa_asks_for_errors_and_then_for_a_score_in_view_of_them(server, triple, tmp_path):
    listed = 'Major:\naccuracy/mistranslation - "猫"\nMinor:\nno-error'
    server.reply = lambda asked: listed if len(asked["messages"]) > 1 else "66"
    scored = GembaEsa.scorer(OPTIONS, home=tmp_path, device="cpu").score([triple("a dog", "这是猫。", "en-zh")])[0]
    assert (scored.value, scored.spans) == (66, (ErrorSpan(2, 3, "major", "accuracy/mistranslation"),))
    assert f"```{listed}```" in server.asked[1]


def test_a_template_of_ones_own_with_a_json_answer(server, triple, tmp_path):
    template = tmp_path / "mine.txt"
    template.write_text('{source} => {hypothesis} ({reference}), {"grade": 1}?')
    options = OPTIONS | {"template": str(template), "score": "verdict.grade", "range": [6, 1], "spans": "errors"}
    errors = [{"text": "Hund", "severity": "Minor", "category": "Style"}]
    server.reply = lambda asked: "```json\n" + json.dumps({"verdict": {"grade": "2"}, "errors": errors}) + "\n```"
    scorer = OwnJudge.scorer(options, home=tmp_path, device="cpu")
    scored = scorer.score([triple("{reference}", "ein Hund", reference="ein Pferd")])[0]
    assert server.asked == ['{reference} => ein Hund (ein Pferd), {"grade": 1}?']
    assert scored == (80, (ErrorSpan(4, 8, "minor", "style"),))
    server.reply = lambda asked: '{"verdict": {"grade": 7}, "errors": []}'
    with pytest.raises(MetricError, match="can be read"):
        scorer.score([triple("a", "b", reference="c")])


def test_the_signature_is_the_judges_identity(server, tmp_path):
    def signed(**more):
        return GembaMqm.scorer(OPTIONS | more, home=tmp_path, device="cpu").signature

    plain = signed()
    assert plain.startswith("judge:judge-1|revision:unknown|template:")
    other = tmp_path / "other.json"
    other.write_text(json.dumps([{"role": "user", "content": "{target_seg}?"}]))
    changed = {signed(revision="3"), signed(seed=2), signed(tokens=600), signed(retries=2), signed(template=str(other))}
    assert len({plain, *changed}) == 6
    assert signed(budget=5, endpoint=server.url) == plain  # where and for how much is no part of it


def test_wrong_templates_are_sentences(server, tmp_path):
    file = tmp_path / "t.txt"
    for content, said in (
        ("{sauce} {hypothesis}", r"has the place \{sauce\}, which nothing fills: did you mean 'source'"),
        ("{source}", "has no place for the translation"),
        ("", "has no turns of a chat"),
    ):
        file.write_text(content)
        with pytest.raises(MetricError, match=said):
            OwnJudge.scorer(OPTIONS | {"template": str(file)}, home=tmp_path, device="cpu")
    with pytest.raises(MetricError, match="can't be read"):
        GembaDa.scorer(OPTIONS | {"template": str(tmp_path / "none.json")}, home=tmp_path, device="cpu")
    with pytest.raises(MetricError, match="holds 1 chats, and this judge asks 2"):
        file.write_text("{target_seg}")
        GembaEsa.scorer(OPTIONS | {"template": str(file)}, home=tmp_path, device="cpu")


def test_a_nonsense_endpoint_is_one_sentence_without_the_key(server, triple, tmp_path, monkeypatch):
    scorer = GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu")
    server.whole = "<html>hello</html>"
    with pytest.raises(MetricNeedError, match="does not speak OpenAI's protocol") as error:
        scorer.score([triple("a", "b")])
    assert "sk-not" not in str(error.value) and "\n" not in str(error.value)
    server.whole = None
    server.reply = lambda asked: 500
    with pytest.raises(MetricNeedError, match="can't answer for judge-1"):
        scorer.score([triple("a", "b")])
    assert not list((tmp_path / "answers").glob("*.jsonl"))
    with pytest.raises(MetricNeedError, match="has no model other"):
        GembaDa.scorer({"model": "other"}, home=tmp_path, device="cpu")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("DRAGOMAN_OPENAI_RETRIES", "0")
    with pytest.raises(MetricNeedError, match="can't be reached"):
        GembaDa.scorer(OPTIONS, home=tmp_path, device="cpu")
