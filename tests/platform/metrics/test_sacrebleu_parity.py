import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from tests.sacrebleu_command import reports

from dragoman.metrics.base import MetricError
from dragoman.metrics.resampling import confidence_interval
from dragoman.metrics.sacrebleu import Bleu, Chrf, ChrfPlusPlus, SacreBleuMetric, Ter
from dragoman.metrics.serialization import pack, unpack
from dragoman.pair import Pair
from dragoman.script import likely_script

EN_DE = Pair("en", "de")
METRICS = [(Bleu, BLEU()), (Chrf, CHRF()), (ChrfPlusPlus, CHRF(word_order=2)), (Ter, TER())]
LINES = st.lists(
    st.tuples(*[st.text(st.sampled_from("ab c.,ä漢é(3"), max_size=24)] * 2), min_size=1, max_size=6
)  # few characters, so that n-grams match now and then
TOKENIZERS = {"de": "13a", "zh-Hans": "zh", "ja": "ja-mecab", "ko": "ko-mecab", "th": "char"}
COUNTS = st.lists(st.lists(st.integers(0, 40), min_size=24, max_size=24), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def printed(make_up: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command line prints of a made-up system, by target language."""
    folder = tmp_path_factory.mktemp("lines")
    commands = []
    for target, tokenizer in TOKENIZERS.items():
        text = make_up(40, language=target)
        for name, lines in (("hypotheses", text.system), ("references", text.references)):
            (folder / f"{name}-{target}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        files = [f"references-{target}", "-i", f"hypotheses-{target}"]
        metrics = ["-m", "bleu", "chrf", "-tok", tokenizer, "--chrf-word-order", "2"]
        commands.append([*files, *metrics, "-w", "10", "--confidence", "--confidence-n", "300"])
    return dict(zip(TOKENIZERS, reports(commands, folder), strict=True))


@pytest.mark.parametrize(("target", "tokenizer"), TOKENIZERS.items())
def test_equals_the_command_line(make_up: Any, printed: dict[str, Any], target: str, tokenizer: str) -> None:
    text = make_up(40, language=target)
    for kind, report in zip((Bleu, ChrfPlusPlus), printed[target], strict=True):
        metric = kind(Pair("en", target))
        statistics = metric.statistics(text.system, text.system, text.references)
        assert round(metric.score(statistics), 10) == report["score"]
        # the command line's signature says of the interval what ours leaves to the record
        assert report["signature"] == metric.signature.replace("nrefs:1|", "nrefs:1|bs:300|seed:12345|")
        assert kind is not Bleu or f"|tok:{tokenizer}" in report["signature"]
        low, high = confidence_interval(metric, statistics, samples=300)
        assert (high - low) / 2 == pytest.approx(report["confidence_var"], rel=1e-5)


@pytest.mark.parametrize(("kind", "peer"), METRICS)
@given(lines=LINES)
def test_score_is_sacrebleus(kind: type[SacreBleuMetric], peer: Any, lines: list[tuple[str, str]]) -> None:
    hypotheses, references = zip(*lines, strict=True)
    metric = kind(EN_DE)
    statistics = metric.statistics(references, hypotheses, references)
    expected = peer.corpus_score(hypotheses, [references]).score
    assert metric.score(statistics) == expected
    assert metric.aggregate(statistics.sum(axis=0)) == pytest.approx(expected, abs=1e-12)


TEXT = st.text(st.sampled_from("ab c.,ä漢é(3"), max_size=24)
SEVERAL = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=6)
"""Hypotheses, each with one to three references."""


@pytest.mark.parametrize(("kind", "peer"), METRICS)
@given(lines=SEVERAL)
def test_score_of_several_references_is_sacrebleus(
    kind: type[SacreBleuMetric], peer: Any, lines: list[tuple[str, list[str]]]
) -> None:
    hypotheses, references = zip(*lines, strict=True)
    columns = [[each[place] if place < len(each) else None for each in references] for place in range(3)]
    columns = [column for column in columns if any(text is not None for text in column)]
    expected = peer.corpus_score(hypotheses, columns)
    metric = kind(EN_DE)
    statistics = unpack(pack(metric.statistics_of_several(hypotheses, hypotheses, references)))
    assert metric.score(statistics) == expected.score
    assert metric.signature_of_several(references) == str(peer.get_signature())
    assert metric.aggregate(statistics.sum(axis=0)) == pytest.approx(expected.score, abs=1e-12)
    assert "nrefs:1|" in metric.signature
    one = [each[:1] for each in references]
    assert metric.signature_of_several(one) == metric.signature
    assert (metric.statistics_of_several(hypotheses, hypotheses, one)
            == metric.statistics(hypotheses, hypotheses, [each[0] for each in one])).all()  # fmt: skip


@pytest.mark.parametrize(("kind", "width"), [(Bleu, 10), (Chrf, 18), (ChrfPlusPlus, 24), (Ter, 2)])
@given(rows=COUNTS)
def test_many_sums_are_scored_like_each_alone(kind: type[SacreBleuMetric], width: int, rows: list[list[int]]) -> None:
    sums = np.array(rows)[:, :width]
    if kind is not Ter:  # there are never more matches than n-grams
        part, whole = (slice(2, 6), slice(6, 10)) if kind is Bleu else (slice(2, None, 3), slice(0, None, 3))
        sums[:, part] = np.minimum(sums[:, part], sums[:, whole])
    metric = kind(EN_DE)
    alone = [metric._scorer._compute_score_from_stats(row.tolist()).score for row in sums]
    np.testing.assert_allclose(metric.aggregate(sums), alone, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(metric.aggregate(sums.reshape(1, -1, width)), [alone], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("kind", "hypothesis", "reference", "expected"), [
    # worked out by hand from the papers' formulas:
    # 5 of 6 words, 3 of 5 bigrams, 1 of 4 trigrams, none of 3 four-grams, which `exp` smoothing takes for 1/2 of one
    (Bleu, "the cat sat on the mat", "the cat is on the mat", 100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** (1 / 4)),
    # 3 of 4 letters, 2 of 3 pairs, 1 of 2 triples, 0 of 1 quadruple; nothing longer
    (Chrf, "abcd", "abce", 100 * (3 / 4 + 2 / 3 + 1 / 2) / 4),
    # and 0 of 1 word
    (ChrfPlusPlus, "abcd", "abce", 100 * (3 / 4 + 2 / 3 + 1 / 2) / 5),
    # one word too many for three
    (Ter, "a b c d", "a b d", 100 / 3),
])  # fmt: skip
def test_worked_examples(kind: type[SacreBleuMetric], hypothesis: str, reference: str, expected: float) -> None:
    metric = kind(EN_DE)
    assert metric.score(metric.statistics([""], [hypothesis], [reference])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("target", "tokenizer"), [
    ("de", "13a"), ("hi", "13a"), ("ar", "13a"), ("zh-Hant", "zh"), ("yue-Hant", "zh"), ("th", "char"), ("lo", "char"),
    ("km", "char"), ("my", "char"), ("bo", "char"), ("dz", "char"), ("vi", "13a"),
])  # fmt: skip
def test_tokeniser_follows_the_targets_script(target: str, tokenizer: str) -> None:
    assert f"|tok:{tokenizer}|" in Bleu(Pair("en", target)).signature


def test_chinese_is_not_scored_as_one_word() -> None:
    hypothesis, reference = ["我们今天在学校学习新的语言"], ["我们今天在学校学习新的课程"]
    chinese, german = Bleu(Pair("en", "zh-Hans")), Bleu(EN_DE)
    assert chinese.score(chinese.statistics(hypothesis, hypothesis, reference)) > 70
    assert german.score(german.statistics(hypothesis, hypothesis, reference)) == 0


def test_hypothesis_and_reference_are_not_swapped() -> None:
    metric = Bleu(EN_DE)
    statistics = metric.statistics(["x"], ["ein Haus"], ["ein Haus am See"])
    assert statistics[0, :2].tolist() == [2, 4]
    assert metric.details(statistics) == {"length_ratio": 0.5}


def test_ter_refuses_text_without_spaces() -> None:
    for target in ("zh-Hans", "ja", "th"):
        with pytest.raises(MetricError, match=r"use chrf\+\+"):
            Ter(Pair("en", target))
    assert Ter(Pair("en", "ko")).higher_is_better is False


def test_script_in_the_tag_wins() -> None:
    assert [likely_script(tag) for tag in ("sr-Latn", "sr", "zh-Hant", "en")] == ["Latn", "Cyrl", "Hant", "Latn"]


def test_sides_of_different_lengths_are_refused() -> None:
    with pytest.raises(MetricError, match="1 hypotheses and 2 references"):
        Bleu(EN_DE).statistics(["a", "b"], ["a"], ["a", "b"])
    with pytest.raises(MetricError, match="no segments"):
        Bleu(EN_DE).statistics([], [], [])


def test_stored_scores_are_compared_without_the_libraries() -> None:
    """What reads stored scores alone takes neither sacreBLEU nor the detector."""
    code = (
        "import sys\n"
        "for name in ('sacrebleu', 'py3langid', 'regex', 'torch', 'pandas'): sys.modules[name] = None\n"
        "import numpy as np\n"
        "from dragoman.metrics import scoring, serialization\n"
        "from dragoman.metrics.off_target import OffTarget\n"
        "from dragoman.metrics.sacrebleu import Bleu\n"
        "from dragoman.metrics.significance import paired_bootstrap\n"
        "from dragoman.pair import Pair\n"
        "bleu, off = Bleu(Pair('en', 'ja')), OffTarget(Pair('en', 'ja'))\n"
        "print(paired_bootstrap(bleu, np.full((9, 10), 7), np.full((9, 10), 8), 20).delta)\n"
        "print(off.score(np.ones((9, 5))))\n"
        "records = scoring.score(['bleu', 'off_target'], Pair('en', 'de'), [], *[['a']] * 3)\n"
        "print([type(record).__name__ for record in records])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["0.0", "100.0", "['Unscorable', 'Unscorable']"]


@pytest.mark.parametrize("written", ["ko", "kor", "Korean", "kor_Hang", "ko_KR"])
def test_korean_by_any_name_is_tokenised_as_the_command_line_does_it_for_en_ko(written: str) -> None:
    assert "|tok:ko-mecab" in Bleu(Pair.of("eng_Latn", written)).signature
