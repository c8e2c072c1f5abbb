"""Check of the templates of prompts: text with fields in braces, one of them exactly once."""

from collections.abc import Sequence
from string import Formatter

from dragoman.errors import nearest


def checked_template(template: str, fields: Sequence[str], *, plainly: str, once: str, why: str) -> str:
    """A template as it is.

    Args:
        template: the template.
        fields: the fields that it may name.
        plainly: those that are to be written without a format, in words.
        once: the field that it must name exactly once.
        why: what that field is, as a clause.

    Raises:
        ValueError: it is no template, or names its fields otherwise.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"is not a template ({error}); write literal braces doubled") from error
    named = [field for _, field, _, _ in parts if field is not None]
    for field in named:
        if field not in fields:
            raise ValueError(f"names the unknown field {{{field}}}; {nearest(field, fields)}")
    if any(form or conversion for _, _, form, conversion in parts):
        raise ValueError(f"gives a field a format; write {plainly} plainly")
    if named.count(once) != 1:
        raise ValueError(f"must hold {{{once}}} exactly once: it is {why}")
    return template
