"""Labels of stored translations look at the prompt in use and at how each ended, where the store knows."""

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System
from dragoman.error_profile.stored_labels import stored_labels
from dragoman.metrics.errors.label import Label
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.spec.prompt import Prompt
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord, PromptRecord
from dragoman.testing.grid_builder import GridBuilder

PAIR = Pair("en", "de")
PROMPT = Prompt(template="Gib das nun bitte auf {target_language} wieder: {source}")


def test_the_prompt_in_use_and_how_translations_ended(campaign) -> None:
    models = [
        ModelRecord(id="m-base", name="base", graph=TrainingGraph()),
        ModelRecord(id="m-files", name="files", parent="m-base", base="m-base", recipe={"kind": "made"}),
    ]
    builder = GridBuilder(
        campaign.store, models, [PAIR], name="g", lines={PAIR: [Segment("a word", "ein Wort")] * 2},
        names={"m-base": "base", "m-files": "files"},
        prompt=PromptRecord(id=PROMPT.id, template=PROMPT.shown),
    ).add()  # fmt: skip
    text = "das nun bitte Wort"
    builder.translate(builder.cell("m-base", PAIR), [], hypotheses=[(text, "length", 5), ("ein Wort", "stop", 2)])
    builder.translate(builder.cell("m-files", PAIR), [], hypotheses=[(text, "file", 0), ("ein Wort", "file", 0)])
    found = {each.metric: each for each in rescore(campaign.store, "g", ["error_prompt", "error_cut", "error_empty"])}
    assert (found["error_prompt"].scored, found["error_cut"].scored, found["error_cut"].unscorable) == (2, 1, 1)
    labels = [Label.PROMPT, Label.CUT, Label.EMPTY]
    base, files = (
        stored_labels(campaign.store, ScoreQuestion("g", "error_empty"), System("g", model), labels=labels)
        for model in ("base", "files")
    )
    assert base.pairs[PAIR].flags[Label.PROMPT].tolist() == [True, False]
    assert base.pairs[PAIR].flags[Label.CUT].tolist() == [True, False]
    # the prompt of the systems beside it is not that of a system from files, and how its lines ended nobody knows
    assert files.pairs[PAIR].flags[Label.PROMPT].tolist() == [False, False]
    assert files.labels == (Label.PROMPT, Label.EMPTY)
    assert "how they ended is not known" in files.lacking[Label.CUT]
