"""Write the reference pages from the code: every key of a spec, the help of every command, every route of the server.

python docs/generate.py           writes them
python docs/generate.py --check   fails where a page differs from the code
"""

import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import typer.main

from dragoman import plugins
from dragoman.cli.main import build_app
from dragoman.cli.summaries import FILE
from dragoman.spec.base import SpecModel
from dragoman.spec.contamination import Contamination
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.decoding import Decoding
from dragoman.spec.examples import SharedExamples
from dragoman.spec.filters import Filters
from dragoman.spec.finetuning import Finetuning
from dragoman.spec.grid import Base, Evaluation, GridSpec
from dragoman.spec.json_schema import json_schema
from dragoman.spec.meanings import meanings
from dragoman.spec.method import Full, Lora
from dragoman.spec.missing import Pivot
from dragoman.spec.monolingual import Monolingual
from dragoman.spec.pairs import PairChoice, Roles
from dragoman.spec.pivot_translation import PivotTranslation
from dragoman.spec.promotion import Promotion, Rule, ScopeChampion
from dragoman.spec.prompt import Chat, Demonstrations, EvaluationPrompt, Prompt
from dragoman.spec.sentences import SentenceSample
from dragoman_ui.auth.routes import ASKING, ASKING_A_TOKEN, Access, groups

PIPE = "\\|"
FOLDER = Path(__file__).parent / "reference"
SPEC_MODELS = (
    GridSpec, Base, CorpusChoice, Finetuning, SharedExamples, Monolingual, Full, Lora, PairChoice, Roles, Filters,
    Pivot, Contamination, Evaluation, SentenceSample, Decoding, Prompt, EvaluationPrompt, Demonstrations, Chat,
    Promotion, Rule, ScopeChampion, PivotTranslation,
)  # fmt: skip


def spec_page() -> str:
    """Every key of a spec with its type, default and meaning, taken from the models' own docstrings."""
    lines = ["# The spec, key by key", "", "Generated from the code by `docs/generate.py`.", ""]
    for model in SPEC_MODELS:
        lines += [f"## {model.__name__}", "", inspect.cleandoc(model.__doc__ or ""), ""]
        lines += ["| key | default | meaning |", "| --- | --- | --- |"]
        documented = meanings(model)
        for name, field in model.model_fields.items():
            default = "required" if field.is_required() else f"`{_shown(field.get_default(call_default_factory=True))}`"
            lines.append(f"| `{name}` | {default} | {documented[name].replace('|', PIPE)} |")
        lines.append("")
    return "\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, Prompt):
        return value.template
    if isinstance(value, SpecModel):
        return "{}"  # a part whose keys all have defaults, shown in its own table
    return "none" if value is None else str(value)


def command_page() -> str:
    """The help of every command."""
    root = typer.main.get_command(build_app())
    lines = ["# The commands", "", "Generated from the code by `docs/generate.py`.", ""]
    for path, command in _walk(root, ("dragoman",)):
        if not hasattr(command, "commands"):
            lines += [f"## {' '.join(path)}", "", *_command_lines(command), ""]
    return "\n".join(lines)


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield from _walk(child, (*path, name))


def _command_lines(command: Any) -> Iterator[str]:
    yield inspect.cleandoc(command.help or "").replace("\b", "").replace("\f", "")
    yield ""
    yield "| parameter | meaning |"
    yield "| --- | --- |"
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue  # an older name, which is still taken
        names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
        if parameter.param_type_name == "argument":
            names = f"`{parameter.metavar or str(parameter.name).upper()}`"
        help_text = getattr(parameter, "help", "") or ""
        yield f"| {names} | {' '.join(help_text.split())} |"


def schema_file() -> str:
    """The JSON Schema of a spec, as `dragoman schema` prints it."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"


def routes_page() -> str:
    """Every route of the server, and what it answers to whom, from the allow-list that the tests hold it to."""
    people = (*ASKING, *ASKING_A_TOKEN)
    lines = [
        "# Routes and roles",
        "",
        "Generated from the code by `docs/generate.py`.",
        "",
        inspect.cleandoc(ROUTES),
        "",
    ]
    for group in groups():
        title = (
            f"Shut: {group.purpose}" if group.access is Access.SHUT else group.purpose[0].upper() + group.purpose[1:]
        )
        answers = " | ".join("yes" if (status := group.access.answer(who)) is None else str(status) for who in people)
        lines += [f"## {title}", "", f"| method | path | {' | '.join(people)} |", "| --- " * (2 + len(people)) + "|"]
        lines += [f"| {method} | `{path}` | {answers} |" for method, path in group.routes] + [""]
    return "\n".join(lines)


ROUTES = """
    What the server answers to each kind of person: *yes* where the route is served, else the status of the refusal.
    A test asks every route of the installed MLflow and of Dragoman as each of them, and compares what it gets with this
    page; a route that is not here is refused (404 or 403), and one that a new MLflow brings fails the tests.

    The first five columns are of a server with users (`mlflow server --app-name dragoman-auth`): a viewer has MLflow's
    READ on the experiment or model in question, a submitter EDIT, a promoter MANAGE. The last two are of `dragoman ui`,
    whose token makes its owner all of them.

    A path that begins with a version stands for `/api/` and `/ajax-api/` before it (some routes have one of them only);
    a part in `<>` is a parameter. HEAD is answered as GET, OPTIONS where another method is served. Everything else,
    such as TRACE and websockets, is refused everywhere. Routes about users and roles are there with users only.
"""


def summaries(package: str) -> str:
    """The summaries of a package's commands, which `dragoman --help` reads in place of the commands themselves."""
    root, needs = typer.main.get_command(build_app()), needed_packages()
    lines = ["# What `dragoman --help` says of these commands. Generated from the code by `docs/generate.py`."]
    for name, entry in sorted(plugins.available("commands").items()):
        if entry.module.partition(".")[0] == package:
            command: Any = root.commands[name]  # type: ignore[attr-defined]
            text = command.short_help or inspect.cleandoc(command.help or "").partition("\n\n")[0]
            lines += ["", f"[{name}]", f"group = {json.dumps(str(command.rich_help_panel))}"]
            lines += [f"summary = {json.dumps(' '.join(text.split()), ensure_ascii=False)}"]
            if first := next((each.metavar for each in command.params if each.param_type_name == "argument"), None):
                lines.append(f"argument = {json.dumps(first)}")
            if needs.get(name):
                lines.append(f"needs = {json.dumps(needs[name])}")
    return "\n".join(lines) + "\n"


@cache
def needed_packages() -> dict[str, list[str]]:
    """By command, the packages of extras without which its module can't be imported."""
    done = subprocess.run([sys.executable, "-c", NEEDED], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


NEEDED = """
import json, sys
from importlib.metadata import packages_distributions, requires
from packaging.requirements import Requirement
from dragoman import plugins

extras = {each.name.lower() for each in map(Requirement, requires("dragoman")) if "extra" in str(each.marker)}
optional = {top for top, found in packages_distributions().items() if {name.lower() for name in found} & extras}

class WithoutExtras:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, WithoutExtras)
needs, of_module = {}, {}
for name, entry in plugins.available("commands").items():
    if entry.module in of_module:  # which is imported by now
        needs[name] = of_module[entry.module]
        continue
    missing, needs[name] = set(optional), of_module.setdefault(entry.module, [])
    while True:
        try:
            entry.load()
            break
        except ModuleNotFoundError as error:
            needs[name].append(error.name)
            missing.discard(error.name)
print(json.dumps(needs))
"""

PACKAGES = ("dragoman", "dragoman_jobs", "dragoman_registry", "dragoman_ui")

PAGES = {
    "spec.md": spec_page, "commands.md": command_page, "spec.schema.json": schema_file, "routes.md": routes_page,
}  # fmt: skip


def main() -> None:
    """Write the pages, or check them."""
    stale = []
    pages = {FOLDER / name: page for name, page in PAGES.items()}
    for package in PACKAGES:
        folder = Path(str(importlib.import_module(package).__file__)).parent
        pages[folder / FILE] = partial(summaries, package)
    for path, page in pages.items():
        text = page()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(str(path))
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        sys.exit(f"These pages differ from the code: {', '.join(stale)}. Run `python docs/generate.py`.")


if __name__ == "__main__":
    main()
