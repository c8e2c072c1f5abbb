"""The page of disagreeing metrics: the command's numbers, with links to the sentences."""

import re
from html import unescape

from flask.testing import FlaskClient

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.disagreement.metrics import metric_disagreement
from dragoman_ui.viewmodels.store import shared_store


def test_the_page_has_the_numbers_and_leads_to_the_sentences(client: FlaskClient) -> None:
    page = client.get("/dragoman/analysis?name=metrics&grid=demo")
    (address,) = re.findall(r'data-part="([^"]*)"', page.text)
    text = client.get(unescape(address)).text
    for table in ("ranks", "agreement", "apart"):
        assert f'data-table="{table}"' in text
    links = [unescape(link) for link in re.findall(r'href="(/dragoman/cell[^"]*#s[0-9]+)"', text)]
    assert links
    anchor = links[0].partition("#")[2]
    assert f'id="{anchor}"' in client.get(links[0]).text
    found = metric_disagreement(shared_store(), ScoreQuestion("demo", ""))
    for each in found.ranks:
        assert f"{each.level.value:.1f} [{each.level.low:.1f}, {each.level.high:.1f}]" in text
    assert '<img src="/dragoman/figure?' in text


def test_choices_are_kept_and_a_wrong_one_is_a_sentence(client: FlaskClient) -> None:
    chosen = client.get("/dragoman/analysed?name=metrics&grid=demo&first=bleu&second=chrf%2B%2B&over=seen").text
    assert "that bleu and chrf++ see most apart" in unescape(chosen)
    assert "has no scores of" in client.get("/dragoman/analysed?name=metrics&grid=demo&first=x&second=bleu").text
    assert "name first and second" in client.get("/dragoman/analysed?name=metrics&grid=demo&first=bleu").text
