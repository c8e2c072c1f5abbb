"""Current aliases of all registered models, and changes to them that were not made by Dragoman."""

from collections.abc import Iterator, Mapping, Sequence

from dragoman.tables.table import Row
from dragoman_registry.audit.history import changed_versions, is_forced, unrecorded_moves
from dragoman_registry.audit.log import AuditRecord, Outcome
from dragoman_registry.promotion.gated_aliases import gated_aliases
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.registry_client.versions import RegisteredVersion, aliases_of, registered_names, versions_of


def standing_champions(promotions: Promotions) -> list[Row]:
    """A row for every alias that is set, after what died in the middle was mended; `forced` once is forced for ever."""
    return [row for name in registered_names(promotions.uri) for row in _of_model(promotions, name)]


def _of_model(promotions: Promotions, name: str) -> Iterator[Row]:
    promotions.mend(name)
    aliases, versions = aliases_of(promotions.uri, name), versions_of(promotions.uri, name)
    return alias_rows(name, aliases, versions, promotions.log.records(name))


def alias_rows(
    name: str, aliases: Mapping[str, str], versions: Sequence[RegisteredVersion], records: Sequence[AuditRecord]
) -> Iterator[Row]:
    """A row for every alias of a registered model that is set.

    Args:
        name: name of the model.
        aliases: the version each alias stands at.
        versions: its versions.
        records: its audit records, the oldest first.
    """
    known = {version.version: version for version in versions}
    for alias, number in sorted(aliases.items()):
        done = [record for record in records if record.alias == alias and record.outcome is Outcome.DONE]
        last = done[-1] if done and done[-1].to_version == number else None
        stands = known.get(number, RegisteredVersion(name=name, version=number))
        yield {
            "name": name,
            "alias": alias,
            "version": number,
            "model_name": stands.model_name,
            "grid": stands.grid,
            "model": stands.model,
            "since": last.at.isoformat() if last else None,
            "actor": last.actor if last else None,
            "forced": any(is_forced(record) and record.to_version == number for record in done),
        }


def done_without_dragoman(promotions: Promotions, name: str, alias: str | None = None) -> list[str]:
    """What happened to a model and its aliases that the trail does not tell of, as sentences."""
    found = unrecorded_moves(promotions.log, promotions.uri, name, gated_aliases(promotions.store, name))
    return [
        *(sentence for stray, sentence in found.items() if alias in (None, stray)),
        *changed_versions(promotions.log, promotions.uri, name),
    ]
