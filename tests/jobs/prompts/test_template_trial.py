"""Chat templates are programs: one that does not end, or fills the memory, is a sentence."""

import pytest

from dragoman.errors import ModelError
from dragoman.settings import settings
from dragoman_jobs.prompts.template_trial import require_bounded

LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}{{ i }}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    "template",
    [LOOPS, f"{{% generation %}}{LOOPS}{{% endgeneration %}}", "{{ 'x' * 10000000000 }}", "{{ 'x' * 2000000 }}"],
)
def test_a_template_without_an_end_is_a_sentence(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_LIMIT_TEMPLATE_SECONDS", "1")
    settings.cache_clear()
    with pytest.raises(ModelError, match="The chat template of a model takes more than 1 seconds") as caught:
        require_bounded(template, {}, "a model")
    assert "limit_template_seconds" in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{% for turn in messages %}{{ bos_token }}{{ turn.role }}: {{ turn.content | tojson }}{% endfor %}",
        "{% generation %}{{ messages[0].content }}{% endgeneration %}{{ strftime_now('%Y') }}",
        "{{ raise_exception('no system') }}",  # told when it is asked for a prompt
        "{% if",
    ],
)
def test_others_are_not(template: str) -> None:
    require_bounded(template, {"bos_token": "<s>", "tools": None}, "a model")
