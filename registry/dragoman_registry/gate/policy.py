"""Find the promotion policy of a version: in its grid's spec, or in a file."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from dragoman.errors import SpecError
from dragoman.reading import ReadingError, read_text
from dragoman.spec.base import WRITTEN
from dragoman.spec.document import LIMIT, parsed
from dragoman.spec.loading import sentence
from dragoman.spec.promotion import Promotion
from dragoman.store.records import GridRecord
from dragoman_registry.audit.log import AuditLog, AuditRecord
from dragoman_registry.gate.evidence import PolicyError, policy_id
from dragoman_registry.gate.report import GateReport


def policy_for(
    grid: GridRecord,
    alias: str | None = None,
    given: Promotion | None = None,
    name: str | None = None,
    signatures: Mapping[str, str] | None = None,
) -> Promotion:
    """The policy that is given, or else the one in the grid's spec, as it applies to an alias.

    Args:
        grid: the grid that is judged.
        alias: the alias that is to move; by default the one the policy names.
        given: a policy, as `load_policy` reads one.
        name: the registered model it is about; by default whatever the policy says.
        signatures: by metric, texts of signatures that come before the policy's; that of `policy.metric` under "".

    Raises:
        PolicyError: there is none, or it is about another registered model.
        SpecError: it has no such alias.
    """
    own = grid.spec.get("promotion")
    if given is None and own is None:
        raise PolicyError(
            f"The spec of '{grid.name}' has no promotion policy: add `promotion` to it and run it again, "
            "or give a policy with --policy FILE."
        )
    policy = given or Promotion.model_validate(own)
    if name is not None and policy.model != name:
        raise PolicyError(f"The policy is about '{policy.model}', not about '{name}': give the one meant for '{name}'.")
    if signatures:
        wanted = {metric or policy.metric: text for metric, text in signatures.items()}
        policy = policy.model_copy(update={"signatures": policy.signatures | wanted})
    return policy.meant_for(alias or policy.alias)


def load_policy(file: Path, model: str) -> Promotion:
    """The policy in a YAML file, which has the keys of a spec's `promotion`.

    Args:
        file: the file.
        model: the registered model it is about, where the file does not say.

    Raises:
        PolicyError: it can't be read or is malformed.
    """
    try:
        text = read_text(file, LIMIT, encoding="utf-8-sig")
    except ReadingError as error:
        raise PolicyError(str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"The policy {file} can't be read ({error}): give a YAML file in UTF-8.") from error
    try:
        content = parsed(text, file)
    except SpecError as error:
        raise PolicyError(str(error)) from error
    if not isinstance(content, dict):
        raise PolicyError(f"{file} holds no policy: it has keys such as rules and coverage.")
    content = {"model": model, **content}
    try:
        return Promotion.model_validate(content, context=WRITTEN)
    except ValidationError as error:
        raise PolicyError(f"{file}: {sentence(error, content)}") from error


def check_version(log: AuditLog, policy: Promotion) -> None:
    """Refuse a policy whose name and version stood for other rules in an earlier decision on the same alias.

    Raises:
        PolicyError: they did.
    """
    if policy.policy is None or policy.version is None:
        return
    wanted = (policy.policy, policy.version)
    for record in log.records(policy.model, policy.alias):
        known = _recorded(record)
        if known is not None and (known.policy, known.version) == wanted and record.policy != policy_id(policy):
            raise PolicyError(
                f"The policy {policy.policy} version {policy.version} said something else on {record.at:%Y-%m-%d} "
                f"(audit record {record.sequence}, {record.policy}): give the changed one version {policy.version + 1}."
            )


def _recorded(record: AuditRecord) -> Promotion | None:
    """The policy that a decision rests on, where the record keeps it."""
    try:
        return GateReport.model_validate_json(record.evidence).held_to
    except ValidationError:
        return None
