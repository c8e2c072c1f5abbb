"""`dragoman effect`, `dragoman suggest` and `dragoman claims`."""

import csv
import io
import json
from pathlib import Path
from zlib import crc32

import pytest
import yaml

from dragoman.partition import Partition
from dragoman.reports.analyses import ANALYSES
from dragoman.spec import load_campaign, load_spec
from dragoman.testing import MadeCampaign, random_score

LANGUAGES = ("ar", "de", "en", "fr")
LIFTS = {Partition.SEEN: 0.15, Partition.REVERSED: 0.08, Partition.RECOMBINED: 0.08, Partition.ONE_SIDED: 0.04}
CLAIMS = """\
name: mine
over: made
claims:
  - {name: seen-helps, says: Being trained helps., question: seen-effect}
  - {name: transfer, says: All of it is transferred., question: transfer-ratio, value: 1}
"""


def scored(model, graph, pair):
    quality = 0.5 + crc32(str(pair).encode()) % 100 / 1000
    quality += LIFTS.get(graph.partition(pair), 0) + 0.01 * len(graph.pairs) if graph.pairs else 0
    return random_score("bleu", model, pair, segments=20, quality=quality, signature="v1")


@pytest.fixture(scope="module")
def made(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("made")) as campaign:
        MadeCampaign(campaign.store, scored, languages=LANGUAGES, sizes=(3, 6), draws=(1, 2, 3, 4)).add()
        yield campaign


def test_effects_are_printed_with_what_they_rest_on(made, dragoman):
    outcome = dragoman("effect", "made")
    assert outcome.code == 0, outcome.err
    text = " ".join(outcome.out.split())
    for said in (
        "made: bleu of a pair for being seen, pair held fixed", "8 finetuned models of 4 draws of training pairs",
        "12 pairs of 4 languages", "made: transfer to unseen pairs", "by number of training pairs",
        "n: draws of training pairs.", "the jackknife's that leaves out one draw",
    ):  # fmt: skip
        assert said in text
    assert "models by draw" not in text


def test_every_form_has_the_same_numbers(made, dragoman):
    found = json.loads(dragoman("effect", "made", "--json").out)
    assert found.keys() == {"effects", "transfer", "direct", "curve", "curve-fits", "models"}
    first = found["effects"][0]
    assert first["against"] == "unseen" and first["low"] < first["estimate"] < first["high"] and first["n"] == 4
    row = next(csv.DictReader(io.StringIO(dragoman("effect", "made", "--csv").out)))
    assert float(row["estimate"]) == pytest.approx(first["estimate"]) and row["of_what"] == "draws of training pairs"
    assert f"{first['estimate']:+.2f}" in dragoman("effect", "made", "--table", "effects", "--latex").out
    assert dragoman("effect", "made", "--table", "models", "--markdown").out.count("sampled") == 8


def test_figures_are_files_and_the_same_each_time(made, dragoman, tmp_path):
    for name in ("seen-effects", "pair-curve"):
        files = [tmp_path / f"{name}{number}.svg" for number in range(2)]
        for file in files:
            assert dragoman("effect", "made", "--figure", str(file), "--drawing", name).code == 0
        assert files[0].read_bytes() == files[1].read_bytes() and b"<text" in files[0].read_bytes()


def test_suggestions_are_yaml_for_a_spec(made, dragoman, tmp_path):
    outcome = dragoman("suggest", "made", "--budget", "3")
    assert outcome.code == 0 and "how far it is to be believed" in outcome.out
    rows = json.loads(dragoman("suggest", "made", "--budget", "3", "--json").out)
    pairs = sorted(f"{row['source']}-{row['target']}" for row in rows["suggested"])
    assert yaml.safe_load(dragoman("suggest", "made", "--budget", "3", "--yaml").out) == {"pairs": pairs}
    file = tmp_path / "next.yaml"
    assert dragoman("suggest", "made", "--budget", "3", "--spec", str(file)).code == 0
    spec = load_spec(file)
    assert [str(pair) for pair in spec.models[0].pairs] == pairs and spec.name == "made-suggested"
    again = dragoman("suggest", "made", "--budget", "3", "--spec", str(file))
    assert again.code == 2 and "is there already" in again.err


def test_claims_are_answered_and_kept(made, dragoman, tmp_path):
    file = tmp_path / "claims.yaml"
    file.write_text(CLAIMS)
    outcome = dragoman("claims", str(file), "--keep")
    assert outcome.code == 0, outcome.err
    assert "holds 1, fails 1, too few data 0" in outcome.out and "transfer: It is below 1." in outcome.out
    assert dragoman("claims", str(file), "--check").code == 1
    report = ANALYSES["claims"].report(made.store, {"campaign": "made"})
    assert [row["verdict"] for row in report.tables[0].rows] == ["holds", "fails"]
    one, two = (dragoman("claims", str(file), "--latex").out for _ in range(2))
    assert one == two and "Being trained helps." in one


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["effect", "mode"], "no grid 'mode' and no such campaign: did you mean 'made'"),
        (
            ["effect", "made-3-pairs-draw1"],
            "has 1 finetuned model with bleu scores and known training, and this takes 2",
        ),
        (["effect", "made", "--grid", "made-3"], "'made' has no grid 'made-3'"),
        (["effect", "made", "--metric", "chrf++"], "Grid 'made-3-pairs-draw1' has no scores of 'chrf++'"),
        (["effect", "made", "--lines", "domain=news"], "no labels, so that there are no slices of them"),
        (["effect", "made", "--drawing", "pair-curve"], "add --figure FILE.svg"),
        (["suggest", "made", "--budget", "99"], "A budget of 99 pairs is more than the 12"),
        (["suggest", "made", "--from", "made"], "There is no model 'made' in 'made'"),
        (["claims", "none.yaml"], "There is no file of claims at none.yaml"),
    ],
)
def test_a_mistake_is_a_sentence(made, dragoman, arguments, sentence):
    outcome = dragoman(*arguments)
    assert outcome.code == 2 and sentence in outcome.err and outcome.out == ""


def test_pages_have_the_reports_with_their_choices(made):
    effect = ANALYSES["effect"].report(made.store, {"campaign": "made", "of": "gain"})
    assert {choice.name: choice.value for choice in effect.choices} == {"metric": "bleu", "of": "gain"}
    assert [drawing.name for drawing in effect.drawings] == ["seen-effects", "pair-curve"]
    suggest = ANALYSES["suggest"].report(made.store, {"campaign": "made", "budget": "2"})
    assert suggest.choices[-1].value == "2" and suggest.subject == "made"


def test_the_example_of_a_campaign_is_what_the_claims_are_over():
    examples = Path(__file__).parents[3] / "examples"
    assert load_campaign(examples / "number-of-pairs.yaml").name == "number-of-pairs"
