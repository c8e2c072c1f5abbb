"""Names of the designs of training of a campaign's models."""

from typing import Any

from dragoman.effects.campaign_scores import CampaignModel
from dragoman.effects.designs import designs_of
from dragoman.partition import TrainingGraph
from dragoman.store.records import ModelRecord


def model(**recipe: Any) -> CampaignModel:
    record = ModelRecord(id="model1-a", name="a", recipe={"examples": 1000, "pairs": ["de-en"], **recipe})
    return CampaignModel(grid="g", name="a", record=record, own=TrainingGraph(), number=1, base=0)


def test_a_part_that_some_recipes_lack_is_named_as_a_whole() -> None:
    text = {"kind": "copy", "examples": 250, "languages": {"ar": "en-ar", "de": "en-de"}}
    found = designs_of([model(), model(monolingual=text)], {})
    assert found == ["1,000 examples a pair; without monolingual", "1,000 examples a pair; with monolingual"]
    found = designs_of([model(), model(monolingual=text), model(monolingual={**text, "kind": "continue"})], {})
    assert found[1:] == [
        "1,000 examples a pair; with monolingual; monolingual.kind copy",
        "1,000 examples a pair; with monolingual; monolingual.kind continue",
    ]


def test_values_that_differ_are_named() -> None:
    full, lora = {"kind": "full", "steps": 10}, {"kind": "lora", "steps": 10, "rank": 8}
    found = designs_of([model(method=full, base="b1"), model(method=lora, base="b2")], {"b1": "tiny", "b2": "large"})
    assert found == [
        "1,000 examples a pair; method.kind full; without method.rank; base tiny",
        "1,000 examples a pair; method.kind lora; method.rank 8; base large",
    ]
