"""The looks of cells' states follow from `CellState`: one more state is drawn without another edit."""

import json
import re

from flask import Flask
from flask.testing import FlaskClient

from dragoman.cell import CellState, DescribedState, Hatching, StateFacts, Tone
from dragoman_ui.app import register
from dragoman_ui.pages.states import script, styles

SKIPPED = StateFacts("skipped", "skip", "left out on purpose", Tone.BAD, Hatching.RISING, needs_reason=True)
WithOneMore = DescribedState(  # type: ignore[call-overload]
    "WithOneMore", {**{state.name: (state.value, state.facts) for state in CellState}, "SKIPPED": ("skipped", SKIPPED)}
)


def looks(text: str) -> dict[str, dict[str, object]]:
    found = json.loads(text.partition("STATES = ")[2].rstrip().rstrip(";"))
    assert isinstance(found, dict)
    return found


def test_the_styles_and_the_script_are_served(client: FlaskClient) -> None:
    sheet, said = client.get("/dragoman/states.css"), client.get("/dragoman/states.js")
    assert sheet.mimetype == "text/css"
    assert said.mimetype == "text/javascript"
    assert list(looks(said.text)) == [f"s-{state}" for state in CellState]
    page = client.get("/dragoman/grid?grid=demo").text
    assert page.index("states.js") < page.index("drawn.js")
    assert page.index("heatmap.css") < page.index("states.css")


def test_states_without_a_score_are_told_apart_by_hatching(client: FlaskClient) -> None:
    sheet = client.get("/dragoman/states.css").text
    images = dict(re.findall(r"[.]s-(\w+) { background-image: (.*?); [}b]", sheet))
    hatched = [state for state in CellState if state.facts.hatching is not Hatching.BLANK]
    assert list(images) == [state.value for state in hatched]
    assert len(set(images.values())) == len(hatched)
    fills = re.findall(r"[.]progress [.]is-(\w+) { fill", sheet)
    assert fills == [state.value for state in CellState if state.facts.tone is not Tone.REST]


def test_one_more_state_has_its_styles_and_its_hatching() -> None:
    app = Flask("test")
    register(app)
    with app.test_request_context():
        sheet, said = styles(WithOneMore), script(WithOneMore)
    assert ".s-skipped { background-image: repeating-linear-gradient(45deg" in sheet
    assert ".progress .is-skipped { fill: var(--alarm); }" in sheet
    assert ".counts .is-skipped { color: var(--alarm); }" in sheet
    assert looks(said)["s-skipped"] == {"hatching": "rising", "isAlarm": True}
