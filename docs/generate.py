"""Write the reference pages from the code: every key of a spec, the help of every command, every route of the server.

python docs/generate.py           writes them
python docs/generate.py --check   fails where a page differs from the code
"""

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from dragoman.cli.main import build_app
from dragoman.spec.base import SpecModel
from dragoman.spec.contamination import Contamination
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.decoding import Decoding
from dragoman.spec.examples import SharedExamples
from dragoman.spec.filters import Filters
from dragoman.spec.grid import Base, Evaluation, Finetuning, GridSpec
from dragoman.spec.json_schema import json_schema
from dragoman.spec.meanings import meanings
from dragoman.spec.method import Full, Lora
from dragoman.spec.missing import Pivot
from dragoman.spec.pairs import PairChoice, Roles
from dragoman.spec.promotion import Promotion, Rule, ScopeChampion
from dragoman.spec.prompt import Chat, Demonstrations, EvaluationPrompt, Prompt
from dragoman.spec.sentences import SentenceSample
from dragoman_ui.auth.routes import ASKING, ASKING_A_TOKEN, Access, groups

PIPE = "\\|"
FOLDER = Path(__file__).parent / "reference"
SPEC_MODELS = (
    GridSpec, Base, CorpusChoice, Finetuning, SharedExamples, Full, Lora, PairChoice, Roles, Filters, Pivot,
    Contamination, Evaluation, SentenceSample, Decoding, Prompt, EvaluationPrompt, Demonstrations, Chat, Promotion,
    Rule, ScopeChampion,
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

PAGES = {
    "spec.md": spec_page, "commands.md": command_page, "spec.schema.json": schema_file, "routes.md": routes_page,
}  # fmt: skip


def main() -> None:
    """Write the pages, or check them."""
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(str(path))
        else:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        sys.exit(f"These pages differ from the code: {', '.join(stale)}. Run `python docs/generate.py`.")


if __name__ == "__main__":
    main()
