"""Matching of judgements in files with the translations of a grid, by system, line and text."""

from collections.abc import Iterable

from dragoman.errors import nearest
from dragoman.judgement.base import JudgementError
from dragoman.judgement.texts import GridTexts, Judged, PairTexts
from dragoman.rating import Protocol
from dragoman.store.judgement_records import JudgementCampaignRecord

PLAIN = str.maketrans("\t\r\n\0", "    ")
"""Characters that a table can't hold, and what stands for them: a space each, so that places in the text stay."""


class Matcher:
    """Finds the translations that judgements in a file are of."""

    def __init__(
        self,
        texts: GridTexts,
        *,
        pair: str | None = None,
        campaign: str | None = None,
        protocol: Protocol | None = None,
    ) -> None:
        """Take what the file itself may not say.

        Args:
            texts: the texts of the grid.
            pair: the pair that its judgements are of.
            campaign: the campaign that they are of, whose names its systems have.
            protocol: what raters were asked for.

        Raises:
            StoreError: there is no such campaign.
            JudgementError: the grid has no such pair.
        """
        self._grid, self._protocol = texts, protocol
        self._pair = None if pair is None else texts.pair(pair)
        self._campaigns: dict[str, tuple[JudgementCampaignRecord, PairTexts]] = {}
        self.campaign = None if campaign is None else self._campaign(campaign)[0].id
        self._known: set[str] | None = None
        self._others: dict[str, GridTexts] = {}
        self._lines: dict[tuple[str, str], dict[tuple[str, str], int]] = {}

    def knows(self, campaign: str) -> bool:
        """Whether this is a campaign of the store."""
        if self._known is None:
            written = self._grid.store.judgements.campaigns_of_grid(self._grid.grid)
            self._known = {each.id for each in written}
        return campaign in self._known

    def protocol(self, campaign: str | None, otherwise: Protocol) -> Protocol:
        """What raters were asked for: as named, else as in the campaign, else as the file's format has it."""
        name = campaign or self.campaign
        if self._protocol is not None:
            return self._protocol
        return otherwise if name is None else self._campaign(name)[0].protocol

    def judged(
        self,
        place: str,
        *,
        system: str,
        line: int | None,
        campaign: str | None = None,
        pair: str | None = None,
        test_set: str | None = None,
        source: str | None = None,
        targets: Iterable[str] | None = None,
    ) -> Judged:
        """The translation that an entry of a file is of.

        Args:
            place: where the entry stands, for errors.
            system: the system's name, or the one it has in the campaign.
            line: the test line from 1, where the file has it.
            campaign: id of the campaign, where the file has it.
            pair: the pair, where the file has it.
            test_set: the name of the test set, where the file has it.
            source: the source text, where the file has it.
            targets: the translation, where the file has it, in any of the ways that it may be written there.

        Raises:
            JudgementError: there is no such system or line, or it has another text.
        """
        name = campaign or self.campaign
        if name is not None:
            record, texts = self._campaign(name)
            system = self._unblinded(place, record, texts, system)
        else:
            texts = self._texts(place, pair, test_set)
        if system not in texts.cells:
            raise JudgementError(f"{place}: {texts.lacks(system)}")
        written = None if targets is None else list(targets)
        if line is None:
            line = self._line(texts, system, source, written or [])
            if line is None:
                raise JudgementError(
                    f"{place}: {system} has no such translation of such a sentence of {texts}: it is of another "
                    "text, test set or run."
                )
        if not 1 <= line <= len(texts.sources):
            raise JudgementError(f"{place}: there is no line {line}: the test set has {len(texts.sources)} of {texts}.")
        found = texts.at(system, line)
        if written is not None and found.text.translate(PLAIN) not in (each.translate(PLAIN) for each in written):
            raise JudgementError(
                f"{place}: the translation by {system} of line {line} of {texts} is '{_shown(found.text)}', and "
                f"the one judged is '{_shown(written[0])}': it is of another text, test set or run."
            )
        return found

    def _campaign(self, name: str) -> tuple[JudgementCampaignRecord, PairTexts]:
        if name not in self._campaigns:
            record = self._grid.store.judgements.campaign(name)
            self._campaigns[name] = record, self._grid.of_campaign(record)
        return self._campaigns[name]

    def _texts(self, place: str, pair: str | None, test_set: str | None) -> PairTexts:
        grid = self._on(place, test_set)
        if pair is None:
            return grid.of(self._pair or grid.pair(None))
        named = grid.pair(pair)
        if self._pair not in (None, named):
            raise JudgementError(f"{place} is of {named}, and --pair is {self._pair}: name the pair of the file.")
        return grid.of(named)

    def _on(self, place: str, test_set: str | None) -> GridTexts:
        """The texts of the test set that a file names; of a name that this grid has not, those of the one asked for."""
        own = self._grid
        if test_set is None or test_set == own.test_set or not own.test_sets:
            return own
        if own.is_asked and test_set not in own.test_sets:
            return own
        if own.is_asked:
            raise JudgementError(
                f"{place} is of the test set {test_set}, and --test-set is {own.test_set}: name the one of the file."
            )
        if test_set not in own.test_sets:
            raise JudgementError(
                f"{place} is of the test set '{test_set}', which grid '{own.grid}' has not: name the one that it is "
                f"there with --test-set; {nearest(test_set, own.test_sets)}"
            )
        return self._others.setdefault(test_set, GridTexts(own.store, own.grid, test_set))

    @staticmethod
    def _unblinded(place: str, record: JudgementCampaignRecord, texts: PairTexts, system: str) -> str:
        blinded = record.systems.get(system)
        if blinded is None:
            raise JudgementError(
                f"{place}: the campaign {record.id} has no system '{system}'; {nearest(system, record.systems)}"
            )
        found = texts.by_cell.get(blinded.cell)
        if found is None or texts.cells[found].hypotheses != blinded.hypotheses:
            raise JudgementError(
                f"{place}: {found or system} has been translated again since the campaign {record.id} was written, so "
                "that its judgements are of another text."
            )
        return found

    def _line(self, texts: PairTexts, system: str, source: str | None, targets: list[str]) -> int | None:
        key = (str(texts), system)
        if key not in self._lines:
            self._lines[key] = {}
            for number, both in enumerate(zip(texts.sources, texts.hypotheses[system], strict=True), 1):
                plain = (both[0].translate(PLAIN), both[1].translate(PLAIN))
                self._lines[key].setdefault(plain, number)
                self._lines[key].setdefault(("", plain[1]), number)
        plain_source = (source or "").translate(PLAIN)
        found = (self._lines[key].get((plain_source, target.translate(PLAIN))) for target in targets)
        return next((line for line in found if line is not None), None)


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
