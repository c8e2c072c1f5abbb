"""A complete grid whose finisher could not do its work has failed, and says how to go on."""

from typing import Any

import pytest
from tests.jobs.local_driver import plan_of

from dragoman import plugins
from dragoman.errors import ModelError
from dragoman.settings import Settings
from dragoman.spec.promotion import Promotion
from dragoman_jobs.driver.finishers import FinisherError, finish
from dragoman_jobs.driver.progress import ProgressDisplay, log_console


class Heard:
    """Takes what is said, in place of a job."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def failed(self, text: str, detail: str | None = None) -> None:
        assert detail is not None
        self.said.append(detail)


@pytest.fixture
def finishers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The finishers that are installed."""
    found: dict[str, Any] = {}
    available, load = plugins.available, plugins.load
    monkeypatch.setattr(plugins, "available", lambda group: found if group == "finishers" else available(group))
    monkeypatch.setattr(plugins, "load", lambda group, name: found.get(name) or load(group, name))
    return found


@pytest.mark.parametrize("error", [ImportError("partially initialized module 'mlflow'"), ModelError("it is gone")])
def test_what_fails_is_said_and_the_others_go_on_and_again_all_is_done(tmp_path, finishers, error) -> None:
    plan, job, done = plan_of(tmp_path), Heard(), []

    def failing(*_: Any) -> None:
        if not done:
            raise error

    finishers |= {"a": failing, "b": lambda *arguments: done.append(arguments[1])}
    with pytest.raises(FinisherError, match=str(error)) as raised:
        finish(plan, Settings(home=tmp_path), {}, 0, job)
    assert raised.value.exit_code == 1
    assert f"`dragoman resume {plan.spec.name}`" in str(raised.value)
    assert done == [plan.spec.name]
    finish(plan, Settings(home=tmp_path), {}, 0, job)
    assert len(done) == 2


def test_a_full_disk_is_a_sentence_without_a_traceback(tmp_path, finishers) -> None:
    def failing(*_: Any) -> None:
        raise OSError(28, "No space left on device", "/data/x")

    plan, job = plan_of(tmp_path), Heard()
    finishers["a"] = failing
    with pytest.raises(FinisherError, match=r"a: Nothing more can be written to /data/x .*make room there"):
        finish(plan, Settings(home=tmp_path), {}, 0, job)
    assert job.said == []


def test_what_mlflow_was_not_told_fails_a_grid_that_promotes_and_no_other(tmp_path, finishers) -> None:
    plan, done = plan_of(tmp_path), []
    finishers["a"] = lambda *arguments: done.append(arguments[1])
    finish(plan, Settings(home=tmp_path), {}, 2, Heard())
    assert done
    promotion = Promotion.model_validate({"model": "m", "rules": [{"over": "all", "at_least": 1}]})
    plan = plan.model_copy(update={"spec": plan.spec.model_copy(update={"promotion": promotion})})
    with pytest.raises(FinisherError, match="dragoman resume"):
        finish(plan, Settings(home=tmp_path), {}, 2, Heard())


def test_what_a_finisher_says_is_printed_and_logged(tmp_path, finishers, capsys) -> None:
    finishers["a"] = lambda *arguments: arguments[-1]("m@2 is the champion now.")
    job = Heard()
    finish(plan_of(tmp_path), Settings(home=tmp_path), {}, 0, ProgressDisplay(log_console(), job))
    assert capsys.readouterr().out == "m@2 is the champion now.\n"
    assert job.said == ["m@2 is the champion now."]
