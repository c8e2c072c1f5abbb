"""Durations in words, as tables and pages show them."""


def duration(seconds: float) -> str:
    """Seconds in their two largest units, such as `1 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
