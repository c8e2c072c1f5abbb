"""`dragoman schema`: the JSON Schema of a spec."""

import json

from dragoman.cli.groups import Group, grouped
from dragoman.terminal import say


@grouped(Group.RUN)
def schema() -> None:
    """Print the JSON Schema of a spec, by which editors complete keys and mark mistakes.

    Save it and name it in a spec's first line: # yaml-language-server: $schema=dragoman.schema.json

    Examples: dragoman schema > dragoman.schema.json
    """
    from dragoman.spec.json_schema import json_schema

    say(json.dumps(json_schema(), ensure_ascii=False, indent=2))
