"""docs/judges.md: its options are those of the judges, its spec can be read, and its template is one."""

import re
from pathlib import Path

from dragoman.metrics.lookup import metric_class
from dragoman.spec.document import parsed
from dragoman.spec.metric import checked_options
from dragoman_jobs.judges.answers import MOST_COST, WEIGHTS
from dragoman_jobs.judges.metrics import Judge
from dragoman_jobs.judges.options import JudgeOptions, OwnJudgeOptions
from dragoman_jobs.judges.own_template import OwnTemplate

PLACE = Path(__file__).parents[2] / "docs" / "judges.md"
PAGE = PLACE.read_text()


def test_every_option_has_its_row_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE.partition("## Options")[2], re.MULTILINE))
    assert list(rows) == list(OwnJudgeOptions.model_fields)
    for name in ("seed", "tokens", "retries"):
        assert rows[name] == str(JudgeOptions.model_fields[name].default)


def test_the_metrics_of_the_table_are_judges() -> None:
    table = PAGE.partition("## The judges")[2].partition("##")[0]
    names = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    for name in names:
        kind = metric_class(name)
        assert kind is not None and issubclass(kind, Judge) and kind.bounds == (0, 100)
    assert len(names) == 4
    costs = ", ".join(f"{severity} {cost}" for severity, cost in WEIGHTS.items())
    assert f"{costs}, together {MOST_COST} at most" in table


def test_the_spec_can_be_read(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for each in parsed(block, PLACE)["evaluation"]["metrics"][1:]:
        options = {name: value for name, value in each.items() if name not in ("metric", "name")}
        assert checked_options(f"{each['metric']}:{each['name']}", options, "metrics")["model"] == each["model"]
    (text,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "judge.txt").write_text(text)
    made = OwnTemplate(OwnJudgeOptions(model="m", template=tmp_path / "judge.txt", score="grade", range=(1, 5)))
    assert made._read('{"grade": 3}') == (50, [])
