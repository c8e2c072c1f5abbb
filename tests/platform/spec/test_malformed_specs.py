"""Specs gone wrong in a hundred ways: each is one sentence that says where, and for a misspelt word what was meant."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from dragoman.cli import main as command_line
from dragoman.errors import DragomanError
from dragoman.spec.document import read_document
from dragoman.spec.loading import load_campaign

EXAMPLES = sorted(
    file for file in (Path(__file__).parents[3] / "examples").glob("*.yaml") if not file.stem.endswith("-claims")
)

Path_ = tuple[str | int, ...]

REQUIRED = {
    *("name", "base", "languages", "corpus", "pairs", "examples", "method", "kind", "learning_rate", "steps"),
    *("model", "rules", "path", "template"),
}
"""Keys that are missed wherever an example has them, but for the exceptions of `_mistakes`."""

WORDS = {"kind", "schedule", "precision", "prompt", "metrics", "languages", "over", "engine"}
"""Keys whose words are out of a list."""


class Mistake(NamedTuple):
    """A spec with one mistake in it."""

    content: Any
    words: tuple[str, ...]
    """What the sentence must hold."""


def _nodes(content: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    yield path, content
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in entries:
        if path[:1] != ("sweep",) and key != "sweep":
            yield from _nodes(value, (*path, key))


def _changed(content: Any, path: Path_, value: Any) -> Any:
    changed = deepcopy(content)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def _without(content: Any, path: Path_, renamed: str | None = None) -> Any:
    changed = deepcopy(content)
    place = changed
    for step in path[:-1]:
        place = place[step]
    value = place.pop(path[-1])
    if renamed is not None:
        place[renamed] = value
    return changed


def _misspelt(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word))
    match rng.choice(["double", "drop", "swap"]):
        case "double":
            return word[:place] + word[place - 1] + word[place:]
        case "drop" if len(word) > 4:
            return word[:place] + word[place + 1 :]
    return word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]


def _place(path: Path_) -> str:
    return ".".join(map(str, path))


def _mistakes(content: Any, rng: random.Random) -> Iterator[Mistake]:
    """One mistake after another, of all kinds."""
    nodes = list(_nodes(content))
    keys = [path for path, _ in nodes if path and isinstance(path[-1], str) and "options" not in path]
    keys = [path for path in keys if "pretraining" not in path[:-1]]  # languages: another may be meant
    swept = {path.rsplit(".", 1)[-1] for path in _swept(content.get("sweep", {}))}
    numbers = [
        path for path, value in nodes
        if isinstance(value, int | float) and not isinstance(value, bool) and path[-1] not in swept
    ]  # fmt: skip
    words = [
        path for path, value in nodes
        if isinstance(value, str) and len(value) > 3
        and (path[-1] in WORDS or (isinstance(path[-1], int) and path[-2] in WORDS))
    ]  # fmt: skip
    required = [
        path for path in keys
        if path[-1] in REQUIRED and not (path[0] == "evaluation" and path[-1] in ("pairs", "corpus"))
        and not (path[-1] == "name" and {"prompt", "prompts"} & {*path})
    ]  # fmt: skip
    while True:
        path = rng.choice(keys)
        key = str(path[-1])
        wrong = _misspelt(key, rng)
        if wrong not in (*_siblings(content, path), "seed", "model", "prompt"):
            yield Mistake(_without(content, path, wrong), (_place(path[:-1]), f"'{wrong}'", f"did you mean '{key}'?"))
        path = rng.choice(required)
        yield Mistake(_without(content, path), (_place(path[:-1]), str(path[-1])))
        path = rng.choice(numbers)
        yield Mistake(_changed(content, path, rng.choice(["many", -3, [1, 2], {"a": 1}])), (_place(path[:-1]),))
        path = rng.choice(words)
        value = content
        for step in path:
            value = value[step]
        yield Mistake(_changed(content, path, _misspelt(value, rng) + "q"), (_place(path[:1]),))
        path = rng.choice([path for path, value in nodes if isinstance(value, dict | list) and path and len(path) < 3])
        yield Mistake(_changed(content, path, rng.choice([True, 7, 2.5])), (str(path[0]),))


def _swept(sweep: dict[str, Any]) -> Iterator[str]:
    for path, values in sweep.items():
        yield from _swept(values) if path == "zip" else [path]


def _siblings(content: Any, path: Path_) -> list[str]:
    for step in path[:-1]:
        content = content[step]
    return list(content)


def _specs() -> Iterator[Any]:
    for example in EXAMPLES:
        mistakes = _mistakes(yaml.safe_load(example.read_text()), random.Random(example.name))
        for number in range(21):
            yield pytest.param(next(mistakes), id=f"{example.stem}-{number}")


def _is_sentence(text: str) -> bool:
    return (
        "\n" not in text
        and text.rstrip(")").endswith((".", "?"))
        and "Traceback" not in text
        and "pydantic" not in text
    )


@pytest.mark.parametrize("mistake", list(_specs()))
def test_a_mistake_is_one_sentence_with_the_path_and_the_nearest_key(mistake: Mistake, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(mistake.content, sort_keys=False))
    with pytest.raises(DragomanError) as caught:
        load_campaign(path)
    message = str(caught.value)
    assert _is_sentence(message), message
    for word in mistake.words:
        assert word in message, f"{word!r} is not in: {message}"


DAMAGED = ["name: [", "a: b: c", "name: demo\n\tbase: x", "- 1", "&a [*a]", "name: !!python/object:os.system {}", "\0",
           "? {}", "name: 2020-13-45", "[" * 900, 'name: "\\ud83d"']  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_yaml_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(DragomanError) as caught:
        load_campaign(path)
    assert _is_sentence(str(caught.value)), caught.value


def test_half_a_character_in_a_spec_is_told_with_its_line_and_two_halves_are_one(tmp_path: Path) -> None:
    """JSON, and so a spec that a program wrote, has characters beyond U+FFFF as two escapes (RFC 8259, section 7)."""
    path = tmp_path / "spec.yaml"
    path.write_text('name: "x"\nprompt: "\\ud83d\\ude00 {source}"')
    assert read_document(path)["prompt"] == "😀 {source}"
    path.write_text('name: "x"\nprompt: "\\ude00\\ud83d {source}"')
    with pytest.raises(DragomanError, match=r"spec.yaml, line 2 .* half a character \(\\ude00\)"):
        read_document(path)


def test_an_argument_that_is_not_utf8_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dragoman", "plan", os.fsdecode(b"caf\xe9.yaml")])
    with pytest.raises(SystemExit, match="2"):
        command_line.main()
    assert "The argument 'caf\\udce9.yaml' is not UTF-8" in capsys.readouterr().err


SWEEPS = [
    ({"sweep": []}, "sweep is no mapping"),
    ({"sweep": {"seed": 3}}, "sweep.seed is 3: give a list"),
    ({"sweep": {"seed": []}}, "sweep.seed is []: give a list"),
    ({"sweep": {"name": ["a"]}}, "sweep.name can't be swept"),
    ({"sweep": {"sed": [1, 2]}}, "'sed'; did you mean 'seed'?"),
    ({"sweep": {"models.rols.seed": [1]}}, "sweep.models.rols.seed names the entry 'rols', which is not there"),
    ({"sweep": {"models.roles.exampels": [1]}}, "has no key 'exampels'; did you mean 'examples'?"),
    ({"sweep": {"models.seed": [1]}}, "sweep.models.seed"),
    ({"sweep": {"seed.x": [1]}}, "sweep.seed.x leads nowhere: seed is 1"),
    ({"sweep": {"zip": {"seed": [1, 2], "evaluation.sentences": [1]}}}, "different lengths (seed has 2, "),
    ({"sweep": {"zip": 3}}, "sweep.zip is no mapping"),
    ({"sweep": {"seed": list(range(50)), "evaluation.sentences": list(range(1, 51))}}, "makes 2500 grids"),
    ({"sweep": {"base.model": ["a/x", "b/x"]}}, "two grids called 'demo-x'"),
    ({"sweep": {"evaluation.sentences": [5, -5]}}, "(grid demo-sentences-minus-5): evaluation.sentences is -5"),
    ({"seed": [1, 2]}, "To try each of them, write `sweep: {seed: [1, 2]}`"),
    ({"languages": ["en", False, "de", "fr", "ru", "fi", "ar"]}, "put the word in quotes"),
    ({"prompt": "mfty"}, "prompt ('mfty') is not a known prompt; did you mean 'mfti'?"),
    ({"prompt": {"template": "mfti", "shot": 3}}, "prompt has no key 'shot'; did you mean 'shots'?"),
    ({"prompt": {"template": "{source} {sauce}"}}, "names the unknown field {sauce}; did you mean 'source'?"),
    ({"prompt": {"template": "mfti", "demonstrations": {"corpus": {"kind": "tsv", "pth": "x"}}}},
     "prompt.demonstrations.corpus: the kind tsv has no option 'pth'; did you mean 'path'?"),
    ({"evaluation": {"sentences": {"n": 0}}}, "evaluation.sentences.n is 0"),
    ({"evaluation": {"sentences": {"n": 5, "sed": 1}}}, "evaluation.sentences has no key 'sed'; did you mean 'seed'?"),
    ({"evaluation": {"sentences": "many"}}, "evaluation.sentences is 'many'"),
    ({"evaluation": {"prompts": ["mfti", "mfti"]}}, "two prompts called 'mfti' in evaluation.prompts"),
    ({"evaluation": {"prompts": [{"template": "mfti", "models": ["base"]}]}}, "limits evaluation.prompts.0 to"),
    ({"evaluation": {"prompts": ["mfti", {"template": "mfti-to", "models": ["rols"]}]}}, "did you mean 'roles'?"),
    ({"evaluation": {"prompts": ["mfti"], "prompt": "mfti"}}, "both prompt and prompts"),
    (
        {"prompt": {"template": "mfti", "instruction": "wrong"}},
        "promotes models that are asked with the prompt mfti-wrong-instruction",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), SWEEPS, ids=range(len(SWEEPS)))
def test_mistakes_in_sweeps_and_prompts(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    content = yaml.safe_load((EXAMPLES[0].parent / "demo.yaml").read_text()) | changes
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(DragomanError) as caught:
        load_campaign(path)
    assert _is_sentence(str(caught.value)), caught.value
    assert words in str(caught.value)


@pytest.mark.parametrize("number", range(0, 100, 12))
def test_the_command_ends_with_2_and_writes_nothing(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mistake: Mistake = list(_specs())[number].values[0]  # type: ignore[assignment]
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(mistake.content))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dragoman", "plan", "spec.yaml"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("dragoman: spec.yaml")
    assert _is_sentence(printed.err.strip())
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]


def test_the_installed_command_prints_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("name: demo\nbas: x\n")
    dragoman = Path(sys.executable).with_name("dragoman")
    done = subprocess.run([dragoman, "plan", "spec.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "dragoman: spec.yaml: the spec has no key 'bas'; did you mean 'base'?\n"
