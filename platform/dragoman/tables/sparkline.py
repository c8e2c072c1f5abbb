"""Small curves of one line: numbers as block characters, as Tufte's sparklines are set in terminals."""

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
"""From the least to the greatest."""


def sparkline(values: Sequence[float], width: int) -> str:
    """Some values as so many block characters at the most, each of the mean of its share of them.

    Args:
        values: the values, in order.
        width: the most characters.
    """
    count = min(width, len(values))
    shares = [values[len(values) * part // count : len(values) * (part + 1) // count] for part in range(count)]
    means = [sum(share) / len(share) for share in shares]
    if not means:
        return ""
    low, high = min(means), max(means)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(BLOCKS[round((mean - low) * scale)] for mean in means)
