"""Files of claims: what can be claimed, and sentences about what can't."""

from pathlib import Path

import pytest

from dragoman.claims import ClaimsError, read_claims

EXAMPLES = Path(__file__).parents[3] / "examples"
START = "name: mine\nover: made\nclaims:\n"
CLAIM = "  - {name: one, says: It is so., question: seen-effect"


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "claims.yaml"
        path.write_text(text)
        return path

    return write


def test_the_file_speaks_for_claims_that_do_not(written):
    path = written("alpha: 0.01\nmetric: bleu\n" + START + CLAIM + "}\n  - {name: two, says: Not so., question: gain, "
                   "metric: chrf++, partition: seen, direction: below, value: 2}\n")  # fmt: skip
    one, two = read_claims(path).claims
    assert (one.over, one.metric, one.alpha, one.direction, one.value) == ("made", "bleu", 0.01, "above", 0)
    assert (two.metric, two.direction, two.value, two.options) == ("chrf++", "below", 2, {"partition": "seen"})
    assert two.made().options.partition == "seen"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (START + "  - {name: one, says: x, question: seen-efect}", "the question 'seen-efect', which there is not; "
         "did you mean 'seen-effect'?"),
        (START + CLAIM + ", direction: up}", "claims.0.direction is 'up': use one of 'above', 'below' or 'differs'"),
        (START + CLAIM + ", agianst: reversed}", "has no key 'agianst'; did you mean 'against'?"),
        (START + CLAIM + ", alpha: 5}", "alpha is 5"),
        (START + CLAIM + ", of: points}", r"claims.0 \(one\): of is 'points': use one of 'score' or 'gain'"),
        (START + CLAIM + "}\n" + CLAIM + "}", "two claims named 'one'"),
        (START.replace("over: made\n", "") + CLAIM + "}", "does not say over what one is; write `over: CAMPAIGN`"),
        (START.replace("claims:", "claims: []"), "has no claims"),
        ("name: mine\nclaim: []\n", "has no key 'claim'; did you mean 'claims'?"),
        (START + "  - {name: one, question: gain}", "lacks the key 'says'"),
        ("- one\n", "holds no mapping"),
        ("name: [\n", "is not YAML"),
        (START + CLAIM + ", value: yes}", "truth value"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence(written, text, sentence):
    with pytest.raises(ClaimsError, match=sentence) as caught:
        read_claims(written(text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ClaimsError, match="There is no file of claims at"):
        read_claims(tmp_path / "none.yaml")


def test_the_example_can_be_asked():
    found = read_claims(EXAMPLES / "mfti-claims.yaml")
    assert len(found.claims) >= 8 and {claim.question for claim in found.claims} >= {"gain", "seen-effect"}
