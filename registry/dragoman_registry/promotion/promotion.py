"""Promotion: the gate decides, one of any number of contenders moves the alias, and the trail says so.

The alias lives in MLflow's database and the trail in the results store's, and no transaction spans both. So the trail
first says that a move has begun, then the alias moves, then the trail says how it ended. A process that dies in
between leaves a beginning without an end, and where the alias stands tells the next command what came of it.
"""

from typing import Any

from pydantic import ValidationError

from dragoman.errors import DragomanError, nearest
from dragoman.identity import canonical_json
from dragoman.settings import settings
from dragoman.spec.grid import GridSpec
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_registry.audit.history import anchor, forgotten, mark_forced, standing
from dragoman_registry.audit.log import (
    Action,
    AuditEntry,
    AuditLog,
    AuditRecord,
    Outcome,
    is_alive,
    this_process,
    this_user,
    unfinished_moves,
)
from dragoman_registry.gate.report import GateReport
from dragoman_registry.promotion.gated_aliases import gated_aliases
from dragoman_registry.promotion.requests import UNSET, Decision, PromotionRequest
from dragoman_registry.registry_client.alias import compare_and_swap
from dragoman_registry.registry_client.versions import (
    RegisteredVersion,
    aliases_of,
    find_version,
    version_at,
    versions_of,
)


class PromotionError(DragomanError):
    """A promotion or rollback that can't be, with the reason."""


class ForbiddenError(PromotionError):
    """A promotion that the one who asks has no right to."""


class Promotions:
    """The aliases of one MLflow registry, moved on the evidence of one results store."""

    def __init__(self, store: Store, uri: str, actor: str | None = None, may_force: bool = False) -> None:
        """Take the results store, which holds the trail too, MLflow's registry URI, and who asks (this user).

        With `may_force` they may promote against the gate's verdict.
        """
        self.store = store
        self.uri = uri
        self.actor = actor or this_user()
        self._may_force = may_force
        self.log = AuditLog(store.database)

    def grid_of(self, version: RegisteredVersion) -> GridRecord:
        """The grid whose scores speak of a version.

        Raises:
            PromotionError: none does: the version is not of Dragoman's making, or its grid is another one now.
        """
        if version.grid is None or version.model is None:
            raise PromotionError(
                f"{version} was not registered by Dragoman, so there are no scores to judge it by: "
                "promote a version that a grid registered."
            )
        grid = self.store.grids.get(version.grid)
        try:
            spec = GridSpec.from_store(grid.spec)
        except ValidationError as error:
            raise PromotionError(
                f"The spec of '{grid.name}' can't be read by this version ({error.error_count()} mistakes), so "
                f"{version} can't be judged: run the grid again from a spec of this version."
            ) from error
        asked = (version.prompt, version.decoding) == (spec.prompts[0].id, spec.evaluation.decoding.id)
        if version.model not in grid.names or not asked:
            raise PromotionError(
                f"{version} belongs to the grid '{grid.name}' as it was before its spec changed: run the old spec "
                "under a name of its own, or promote a version of the grid as it is now."
            )
        return grid

    def ask(self, request: PromotionRequest) -> Decision:
        """Move an alias to a version if the policy lets it; a refusal is recorded too.

        Args:
            request: the version, the alias, the policy and what else is wanted; its `actor` is not looked at.

        Raises:
            PromotionError: there are no scores to judge it by, the alias was moved by someone else meanwhile, or MLflow
                has forgotten the version that it stood at.
            ForbiddenError: it is to be forced by someone who may not.
            UnderWayError: someone else is moving it now.
            PolicyError: there is no policy, or it can't be applied to the version's grid.
            ModelError: there is no such version.
        """
        from dragoman_registry.gate import evidence  # what only reads the aliases does without
        from dragoman_registry.gate.policy import check_version, policy_for

        if request.force and not request.reason.strip():
            raise PromotionError("A promotion by force needs a reason, which is recorded for ever: add --reason.")
        version = find_version(self.uri, request.name, request.version)
        grid = self.grid_of(version)
        policy = policy_for(grid, request.alias, request.policy, version.name, request.signatures)
        evidence.check_metrics(self.store, grid, policy)
        check_version(self.log, policy)
        self.mend(version.name)
        alias = policy.alias
        incumbent = version_at(self.uri, version.name, alias)
        lost = forgotten(self.log, self.uri, version.name, alias) if incumbent is None else None
        beside = incumbent if lost is None or request.force else self._found_again(lost, version)
        report = evidence.gate(self.store, grid, grid.names[version.model or ""], policy, beside)
        if incumbent == version and (report.passed or request.force):
            return Decision(report=report, record=None, sentence=f"{version} is the {alias} already. {report.reason}")
        is_forced = request.force and not report.passed
        said = f" Reason: {request.reason.strip()}" if request.reason.strip() else ""
        entry = self._entry(
            version,
            alias,
            incumbent.version if incumbent else None,
            f"{report.reason}{said}",
            action=Action.FORCED if is_forced else Action.PROMOTION,
            outcome=Outcome.BEGUN if report.passed or is_forced else Outcome.REFUSED,
            policy=report.policy,
            evidence=canonical_json(report),
        )
        self._check_replaced(entry, request.replacing)
        if not request.again and (known := self._decided(entry, lost)) is not None:
            told = f"{_told(known)}. {known.reason} `dragoman promote {version}` asks again."
            return Decision(report=report, record=known, sentence=told)
        if is_forced:
            return self._force(entry, report)
        if not report.passed:
            refusal = f"{version} is not promoted to {alias}: {report.reason}"
            return Decision(report=report, record=self._add(entry), sentence=refusal)
        record = self._move(entry)
        return Decision(report=report, record=record, sentence=f"{_moved(record)}. {report.reason}")

    def _check_replaced(self, entry: AuditEntry, replacing: str | None) -> None:
        """Refuse where the alias does not stand where the one who asks has seen it."""
        if replacing is None or replacing == (entry.from_version or UNSET):
            return
        sentence = (
            f"{entry.name}@{entry.alias} stands at version {entry.from_version or UNSET}, not at {replacing}: look at "
            "what it is now, and ask again if you still want to."
        )
        self._add(entry.model_copy(update={"outcome": Outcome.LOST, "reason": sentence}))
        raise PromotionError(sentence)

    def _force(self, entry: AuditEntry, report: GateReport) -> Decision:
        if not self._may_force:
            sentence = (
                f"{entry.actor} may not promote {entry.name}@{entry.to_version} by force: ask an administrator "
                "of MLflow, or, where nobody signs in, set DRAGOMAN_MAY_FORCE=true."
            )
            self._add(entry.model_copy(update={"outcome": Outcome.REFUSED, "reason": f"{sentence} {entry.reason}"}))
            raise ForbiddenError(sentence)
        record = self._move(entry)
        told = f"{_moved(record)}, by force and marked so for ever. {record.reason}"
        return Decision(report=report, record=record, sentence=told)

    def refuse(self, version: RegisteredVersion, alias: str, reason: str) -> AuditRecord:
        """Record that someone decided against a version, whatever the gate says; the alias stays where it is.

        Raises:
            PromotionError: the alias is not gated; to record it would make it so.
        """
        if alias not in (gated := gated_aliases(self.store, version.name)):
            raise PromotionError(
                f"No promotion of {version.name} is about an alias '{alias}', so there is nothing to refuse; "
                f"{nearest(alias, sorted(gated))}"
            )
        current = aliases_of(self.uri, version.name).get(alias)
        return self._add(self._entry(version, alias, current, reason, action=Action.PROMOTION, outcome=Outcome.REFUSED))

    def rollback(self, name: str, alias: str, reason: str) -> AuditRecord:
        """Move an alias back to the version that was promoted before.

        Raises:
            PromotionError: there is no promotion to take back, or the alias was moved by other means since.
            UnderWayError: someone else is moving it now.
            ModelError: there is no such model, or the version to go back to is gone.
        """
        self.mend(name)
        current = aliases_of(self.uri, name).get(alias)
        versions = standing(self.log.records(name, alias))
        if not versions or versions[-1] != current:
            recorded = (
                f"the last recorded move was to version {versions[-1]}" if versions else "no move of it is recorded"
            )
            where = f"stands at version {current}" if current else "is not set"
            raise PromotionError(
                f"{name}@{alias} {where} and {recorded}, so there is nothing to take back: promote a version instead."
            )
        if len(versions) < 2:
            raise PromotionError(f"Version {current} is the first {alias} of {name}: there is none to go back to.")
        version = find_version(self.uri, name, versions[-2])
        moves = [each for each in self.log.records(name, alias) if each.outcome is Outcome.DONE]
        was = next((each.model for each in reversed(moves) if each.to_version == version.version), version.model)
        if was != version.model:
            raise PromotionError(
                f"Version {version.version} of {name} is not the model that was its {alias}, as MLflow's registry was "
                "made anew since: promote the version that you want."
            )
        return self._move(self._entry(version, alias, current, reason, action=Action.ROLLBACK, outcome=Outcome.BEGUN))

    def mend(self, name: str) -> list[AuditRecord]:
        """Record the end of moves whose process died in the middle; returns what was added."""
        dead = [record for record in unfinished_moves(self.log.records(name)) if not is_alive(record)]
        return [self._settle(record, "its process ended in the middle") for record in dead]

    def _entry(
        self, version: RegisteredVersion, alias: str, current: str | None, reason: str, **said: Any
    ) -> AuditEntry:
        """What the trail is to say of an alias that stands at one version and is to move to another."""
        return AuditEntry(
            actor=self.actor,
            process=this_process(),
            name=version.name,
            alias=alias,
            from_version=current,
            to_version=version.version,
            model=version.model,
            reason=reason,
            **said,
        )

    def _found_again(self, lost: AuditRecord, version: RegisteredVersion) -> RegisteredVersion | None:
        """The version that an alias stood at which the registry has forgotten; None if it is the one put forward.

        Raises:
            PromotionError: it is not registered again yet, so that nothing can be held against it.
        """
        if lost.model == version.model:
            return None
        for each in versions_of(self.uri, version.name):
            if each.model is not None and each.model == lost.model:
                return each
        grids = [grid.name for grid in self.store.grids.all() if lost.model in grid.names]
        first = f"`dragoman resume {grids[-1]}` puts it back" if grids else "no grid of the store has it any more"
        raise PromotionError(
            f"{lost.name}@{lost.alias} stood at version {lost.to_version}, the model {lost.model}, which MLflow has "
            f"forgotten since: {first}. Until then {version} is promoted by force only."
        )

    def _decided(self, entry: AuditEntry, lost: AuditRecord | None) -> AuditRecord | None:
        """The record of the same decision: this version promoted under this policy, or refused on this evidence.

        A promotion that the registry has forgotten is to be done again.
        """
        for record in reversed(self.log.records(entry.name, entry.alias)):
            same = (entry.to_version, entry.model, entry.policy)
            if (record.to_version, record.model, record.policy) == same:
                promoted = record.outcome is Outcome.DONE and lost is None
                refused = record.outcome is entry.outcome is Outcome.REFUSED and record.evidence == entry.evidence
                if promoted or refused:
                    return record
        return None

    def _move(self, entry: AuditEntry) -> AuditRecord:
        begun = self.log.begin(entry)
        try:
            moved = compare_and_swap(self.uri, entry.name, entry.alias, entry.from_version, entry.to_version)
        except BaseException:
            self._settle(begun, "moving the alias failed")
            raise
        if moved:
            return self._end(begun, Outcome.DONE, entry.reason)
        now = aliases_of(self.uri, entry.name).get(entry.alias)
        sentence = (
            f"{entry.name}@{entry.alias} moved from version {entry.from_version or 'none'} to {now or 'none'} while "
            f"version {entry.to_version} was judged: look at what it is now, and ask again if you still want to."
        )
        self._end(begun, Outcome.LOST, sentence)
        raise PromotionError(sentence)

    def _settle(self, begun: AuditRecord, why: str) -> AuditRecord:
        if aliases_of(self.uri, begun.name).get(begun.alias) == begun.to_version:
            return self._end(
                begun, Outcome.DONE, f"{begun.reason} (Recorded afterwards: {why}, but the alias had moved.)"
            )
        return self._end(begun, Outcome.ABANDONED, f"{why[:1].upper()}{why[1:]}, and the alias had not moved.")

    def _add(self, entry: AuditEntry) -> AuditRecord:
        record = self.log.add(entry)
        self._attest(record)
        return record

    def _attest(self, record: AuditRecord) -> None:
        from dragoman_registry.audit.witness import attest

        anchor(self.uri, record)
        attest(self.log, settings())

    def _end(self, begun: AuditRecord, outcome: Outcome, reason: str) -> AuditRecord:
        record = self.log.end(begun, outcome, reason)
        self._attest(record)
        if record.action is Action.FORCED and outcome is Outcome.DONE:
            mark_forced(self.uri, record)
        return record


def _moved(record: AuditRecord) -> str:
    since = f", in place of version {record.from_version}" if record.from_version else ""
    return f"{record.name}@{record.to_version} is the {record.alias} now{since}"


def _told(record: AuditRecord) -> str:
    did = "promoted to" if record.outcome is Outcome.DONE else "refused as"
    when = f"{record.at:%Y-%m-%d %H:%M} UTC"
    return f"{record.name}@{record.to_version} was {did} {record.alias} on {when} under this policy"
