from dragoman_ui.responses.pagination import PAGE, Part


def test_a_page_too_high_is_the_last_and_one_too_low_the_first() -> None:
    rows = list(range(2 * PAGE + 1))
    assert Part.of(rows, 9) == (3, 3, [2 * PAGE])
    assert Part.of(rows, -1) == (1, 3, rows[:PAGE])
    assert Part.of([], 1) == (1, 1, [])
