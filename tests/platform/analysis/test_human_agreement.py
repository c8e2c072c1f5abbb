"""The chance that people agree with a difference, against the published table."""

import pytest

from dragoman.analysis.human_agreement import curve

BLEU = "bleu|nrefs:1|case:mixed|eff:no|tok:{}|smooth:exp|version:2.6.0"
CHRF = "chrf|nrefs:1|case:mixed|eff:yes|nc:6|nw:{}|space:no|version:2.6.0"
SIGNATURES = {
    "bleu": BLEU.format("13a"),
    "chrf": CHRF.format(0),
    "spbleu": BLEU.format("flores200"),
    "spbleu101": BLEU.format("flores101"),
}


@pytest.mark.parametrize(
    ("metric", "at"),
    [
        # Kocmi et al. (2024), table of thresholds: the deltas of 55, 60, ... percent of estimated accuracy
        # (https://github.com/kocmitom/MT-Thresholds, appendix/main_thresholds.tex)
        ("bleu", {55: 0.52, 60: 0.78, 65: 1.06, 70: 1.39, 75: 1.79, 80: 2.34, 85: 3.35}),
        ("chrf", {55: 0.33, 60: 0.54, 65: 0.76, 70: 1.00, 75: 1.28, 80: 1.63, 85: 2.12, 90: 3.05}),
        ("spbleu", {55: 0.52, 60: 0.82, 65: 1.13, 70: 1.49, 75: 1.91, 80: 2.46, 85: 3.28, 90: 5.57}),
        ("spbleu101", {55: 0.49, 60: 0.71, 65: 0.95, 70: 1.24, 75: 1.63, 80: 2.26}),
    ],
)
def test_curves_are_the_published_ones(metric, at):
    found = curve(metric, [SIGNATURES[metric]])
    for percent, delta in at.items():
        # two deltas that round to the same two digits
        assert found.agreement(delta - 0.005) <= percent <= found.agreement(delta + 0.005)
        assert found.agreement(-delta) == found.agreement(delta)


def test_a_curve_ends_at_a_coin_toss():
    found = curve("bleu", [SIGNATURES["bleu"]])
    assert found.agreement(0.0) == found.agreement(0.2) == 50 < found.agreement(0.3)


@pytest.mark.parametrize(
    ("metric", "signatures"),
    [
        ("chrf++", ["chrf++|" + CHRF.format(2)]),
        ("ter", ["ter|nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.0"]),
        ("bleu", [BLEU.format("char")]),
        ("bleu", [BLEU.format("13a"), BLEU.format("char")]),
        ("bleu", [BLEU.format("13a").replace("mixed", "lc")]),
        ("spbleu", [BLEU.format("flores101")]),
        ("bleu", ["bleu|version:1"]),
        ("bleu", []),
    ],
)
def test_there_is_no_curve_of_what_was_not_fitted(metric, signatures):
    assert curve(metric, signatures) is None


def test_languages_with_tokenisers_of_their_own_share_a_curve():
    assert curve("bleu", [BLEU.format(tok) for tok in ("13a", "zh", "ja-mecab", "ko-mecab")]) is not None
