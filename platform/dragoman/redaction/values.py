"""Values behind the names of secrets: how far one goes, and whether it is a secret or a word of a sentence."""

import re

QUOTED = r"""(?:
    [brfuBRFU]{0,2}(?: "(?:\\.|[^"\\])*" | '(?:\\.|''|[^'\\])*' )
    | \\+"(?:(?!\\*").)*\\+" | \\+'(?:(?!\\*').)*\\+'
    | "[^"\n]*$ | '[^'\n]*$
)"""
"""A text in quotes, as Python, JSON, SQL and YAML write it; in quotes that are escaped; or cut off."""

BARE = r"""(?:
    (?! [,;&|)\]}]+(?:\s|$) | [,;&]\s*["']?[\w.-]+["']?\s*[=:] ) [^\s<>&"'`]
    | ["'`](?=[^\s,;)\]}"'`&])
)+"""
"""A text without quotes: up to white space, or to the next name. Inside may be commas, semicolons and quotes."""

VALUE = rf"""(?P<secret>
    {QUOTED}
    | [A-Z]\w*\((?:\w+=)?{QUOTED}\)
    | \{{(?:[^{{}}\n]|\}}\}})+\}}(?=\s*(?:;|$|["']))
    | \[\s*{QUOTED}[^\]\n]*\]
    | {BARE}(?:(?:[ ]+(?![\w.-]+\s*[=:])[^\s=:"']+){{1,4}}(?=[ ]+[\w.-]+=))?
)"""
"""A value: in quotes, in a call such as `Secret('x')`, in braces as of ODBC, in a list, or bare; this may have spaces
where another name follows."""

NOTHING = frozenset({"none", "null", "nil", "true", "false", "undefined", "unset"})
"""Values of a setting that is not set."""

_PLAIN = NOTHING.union(
    """a about above add after again all already also an and any are as ask at authentication be because before below
    but by can can't cannot changed check choose correct define does doesn't each either empty enter every
    expired file fills find for forgotten found from give given has hidden if in incorrect into invalid is isn't
    it it's its keep known later least leave log lost made make may means missing must name needed needs never
    new no nobody not of off old on once one only optional or our out pass per please policy provide put random
    read redacted refused remove required reset rotated run same save see set should sign so some specify such
    take tell than that that's the their them then there there's they this to too try two type unknown until use
    used user uses value was we were what when where whether which who whoever why will with without write wrong
    yes yet you your""".split()  # noqa: SIM905
)
"""Words that go on a sentence about a secret, as in `password: must have eight characters`."""

_PLACEHOLDER = re.compile(
    r"\*+ | \.{3,} | x{3,} | … | <[\w\ -]*> | \$\{?\w+.* | \$\(.* | %\w+% | \{\{?[\w\ .]*\}?\} | \[[\w\ ]*\]",
    re.VERBOSE,
)


def is_placeholder(value: str) -> bool:
    """Whether a value is empty, masked, or only says where the secret is, as `$NAME` and `<token>` do."""
    bare = value.strip().strip("\"'`")
    return not bare or _PLACEHOLDER.fullmatch(bare) is not None


def is_plain(value: str) -> bool:
    """Whether a value is a placeholder, or a word with which a sentence goes on."""
    bare = value.strip("\"'` ")
    first = bare if value[:1] in "\"'" else bare.partition(" ")[0]
    return first.rstrip(".,;:!?)").casefold() in _PLAIN or is_placeholder(value)


def is_random(value: str, shortest: int, longest_word: int) -> bool:
    """Whether a value is no word and no number.

    Args:
        value: with or without quotes.
        shortest: characters that letters mixed with digits must have.
        longest_word: characters from which on anything without white space counts.
    """
    bare = value.strip("\\\"'")
    first = next(iter(bare.split()), "")
    is_mixed = re.search(r"[A-Za-z]", first) and re.search(r"\d", first) and re.match(r"[\w+/.~%!-]", first)
    return bool(is_mixed and len(first) >= shortest) or (first == bare and len(bare) >= longest_word)
