"""The pages about effects and claims: what they name is there, and their claims can be asked."""

import re
from pathlib import Path

from dragoman.claims import read_claims
from dragoman.plugins import available, load

PAGE = (Path(__file__).parents[2] / "docs" / "claims.md").read_text()


def test_the_claims_on_the_page_can_be_read(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "claims.yaml").write_text(text)
    assert [claim.question for claim in read_claims(tmp_path / "claims.yaml").claims] == ["gain", "transfer-ratio"]


def test_every_question_of_dragoman_is_listed_with_its_keys():
    listed = {
        name: set(re.findall(r"`(\w+)`", keys))
        for name, keys in re.findall(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
    }
    own = {name for name, entry in available("questions").items() if entry.module.startswith("dragoman.claims.")}
    assert own <= listed.keys()
    assert {name: set(load("questions", name).Options.model_fields) for name in own} == {
        name: keys for name, keys in listed.items() if name in own
    }
