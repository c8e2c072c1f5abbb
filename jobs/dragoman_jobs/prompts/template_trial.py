"""Trial of a model's chat template in a process of its own: a template is a program, which may not end.

`transformers` renders templates in Jinja's sandbox, which keeps them from files and from Python, not from loops
(https://jinja.palletsprojects.com/en/stable/sandbox/#security-considerations).
"""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from dragoman.errors import ModelError
from dragoman.settings import settings

MEMORY = 1 << 30
"""Bytes that the process may take, its own 100 MB included."""

LARGEST = 1 << 20
"""Characters that may come of a prompt of one word."""

_TOO_MUCH = 3
"""Exit code where it was too much."""


def require_bounded(template: str, variables: Mapping[str, Any], model: str) -> None:
    """Refuse a template that takes too long, too much memory or too many words for a short chat.

    A template that fails is not refused: what it is asked for then says why.

    Args:
        template: the template.
        variables: what it is told besides the turns.
        model: the model it belongs to, for the error.

    Raises:
        ModelError: it does.
    """
    seconds = settings().limit_template_seconds
    told = {"template": template, "seconds": seconds, "variables": dict(variables)}
    try:
        words = [sys.executable, "-m", __name__]
        data = json.dumps(told, default=str).encode()
        trial = subprocess.run(words, input=data, timeout=10 * seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        ended = -1
    else:
        ended = trial.returncode
    if ended < 0 or ended == _TOO_MUCH:
        raise ModelError(
            f"The chat template of {model} takes more than {seconds} seconds, or more memory than there is for it, to "
            "write a prompt of one word: take another model, or raise the setting limit_template_seconds."
        )


def _main(told: Mapping[str, Any]) -> int:
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """The tag by which templates mark answers, as `transformers` knows it."""

        tags = {"generation"}  # noqa: RUF012  # as it is declared there

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))

    def refuse(message: str) -> None:
        raise ValueError(message)

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (told["seconds"], told["seconds"]))
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False)
    environment.globals |= {"raise_exception": refuse, "strftime_now": lambda form: form}
    turns = [{"role": "user", "content": "word"}]
    try:
        text = environment.from_string(told["template"]).render(
            messages=turns, add_generation_prompt=True, **told["variables"]
        )
    except MemoryError:
        return _TOO_MUCH
    except Exception:
        return 0
    return _TOO_MUCH if len(text) > LARGEST else 0


if __name__ == "__main__":
    sys.exit(_main(json.loads(sys.stdin.buffer.read())))
