"""MLflow's prompt registry: every prompt that models are asked with, a version of its name there.

MLflow's `register_prompt` also notes the experiment that the process is in, which it looks up at the process-wide
address and makes where an environment variable names one. The two calls beneath it do without.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from dragoman.spec.prompt import FIELDS, Prompt
from dragoman.tracking.logged_models import PROMPT_TAG

LINKED_TAG = "mlflow.linkedPrompts"
"""Tag of a run or a logged model with the prompts it was asked with."""

_PREFIX = "dragoman."
"""What the names begin with: prompts and registered models share one list of names."""

_ALIEN = re.compile(r"[^A-Za-z0-9_.-]")
"""What a name may not have."""

_IS_THERE = "RESOURCE_ALREADY_EXISTS"


class PromptVersion(NamedTuple):
    """A version of a prompt in the registry."""

    name: str
    """Its name."""
    version: str
    """Its number."""


def linked(versions: Iterable[PromptVersion]) -> dict[str, str]:
    """The tag that links a run or a logged model to prompts; none where it was asked with none."""
    found = [version._asdict() for version in versions]
    return {LINKED_TAG: json.dumps(found)} if found else {}


class PromptRegistry:
    """The prompts of one registry; every method can be called again and changes nothing then."""

    def __init__(self, client: Any, experiment: str) -> None:
        """Find nothing yet.

        Args:
            client: an `MlflowClient`.
            experiment: id of the experiment whose page lists the prompts.
        """
        self._client, self._experiment = client, experiment
        self._known: dict[str, PromptVersion] = {}

    def version_of(self, prompt: Prompt) -> PromptVersion:
        """The version of a prompt, which is registered if it is not yet."""
        if prompt.id not in self._known:
            name = _PREFIX + _ALIEN.sub("-", prompt.label)
            self._known[prompt.id] = self._found(name, prompt) or self._registered(name, prompt)
        return self._known[prompt.id]

    def _found(self, name: str, prompt: Prompt) -> PromptVersion | None:
        from mlflow.exceptions import MlflowException
        from mlflow.prompt.constants import PROMPT_EXPERIMENT_IDS_TAG_KEY

        try:
            self._client.create_prompt(name)
        except MlflowException as error:
            if error.error_code != _IS_THERE:
                raise
        shown = self._client.get_prompt(name).tags.get(PROMPT_EXPERIMENT_IDS_TAG_KEY, "")
        experiments = [each for each in shown.split(",") if each]
        if self._experiment not in experiments:
            among = f",{','.join([*experiments, self._experiment])},"
            self._client.set_prompt_tag(name, PROMPT_EXPERIMENT_IDS_TAG_KEY, among)
        versions, token = [], None
        while True:
            page = self._client.search_prompt_versions(name, page_token=token)
            versions += page
            if not (token := page.token):
                break
        same = [each.version for each in versions if each.tags.get(PROMPT_TAG) == prompt.id]
        return PromptVersion(name, str(min(same))) if same else None

    def _registered(self, name: str, prompt: Prompt) -> PromptVersion:
        tags = {PROMPT_TAG: prompt.id}
        made = self._client.create_prompt_version(name, template_of(prompt), description=prompt.shown, tags=tags)
        return PromptVersion(name, str(made.version))


def template_of(prompt: Prompt) -> str | list[dict[str, str]]:
    """The template in MLflow's form, `{{source}}`; of a chat what is said, turn by turn, without its examples."""
    text = prompt.asking.format(**{field: f"{{{{{field}}}}}" for field in FIELDS})
    if prompt.chat is None:
        return text
    system = [{"role": "system", "content": prompt.chat.system}] if prompt.chat.system else []
    return [*system, {"role": "user", "content": text}]
