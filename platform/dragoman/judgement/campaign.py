"""Campaigns for raters: chosen documents dealt to raters, with systems under names that tell nothing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dragoman.identity import fingerprint
from dragoman.judgement.base import JudgementError, draw
from dragoman.judgement.selection import Choice
from dragoman.judgement.texts import Document, Judged, PairTexts
from dragoman.rating import Protocol
from dragoman.store.judgement_records import BlindedSystem, JudgementCampaignRecord


class Task(NamedTuple):
    """A document as one system translated it: what a rater judges in one go."""

    code: str
    """The system's name in the campaign."""
    document: Document
    """The document."""
    texts: tuple[Judged, ...]
    """Its lines."""


class Campaign(NamedTuple):
    """A campaign, whatever tool it is for."""

    record: JudgementCampaignRecord
    """Its id and its key, which stay in the store."""
    texts: PairTexts
    """The texts of its pair."""
    documents: tuple[Document, ...]
    """Its documents."""
    dealt: tuple[tuple[Document, ...], ...]
    """The documents of each rater."""
    seed: int
    """Seed of all that is shuffled."""

    def tasks(self, rater: int) -> list[Task]:
        """The tasks of a rater, by number from 0: every system's translation of each of the rater's documents."""
        found = [self.task(code, document) for document in self.dealt[rater] for code in self.record.systems]
        return sorted(found, key=lambda task: draw(self.seed, "task", rater, task.code, task.document.name))

    def task(self, code: str, document: Document) -> Task:
        """A document as one system translated it."""
        system = self.texts.by_cell[self.record.systems[code].cell]
        return Task(code, document, tuple(self.texts.at(system, line) for line in document.lines))

    @property
    def raters(self) -> list[str]:
        """The names of its raters."""
        return [f"rater{number}" for number in range(1, len(self.dealt) + 1)]

    def items(self) -> Iterator[tuple[str, Task]]:
        """Every task of every rater, with the rater's name."""
        for number, rater in enumerate(self.raters):
            for task in self.tasks(number):
                yield rater, task


def campaign(
    texts: PairTexts, systems: Sequence[str], choice: Choice, *, protocol: Protocol, raters: int, each: int, seed: int
) -> Campaign:
    """Make a campaign; the same arguments make the same.

    Args:
        texts: the texts of a pair.
        systems: the systems to judge.
        choice: the sentences.
        protocol: what raters are asked for.
        raters: how many raters there are.
        each: how many of them judge each document.
        seed: of all that is shuffled.

    Raises:
        JudgementError: there are fewer raters than are to judge a document, or fewer documents than raters.
    """
    if each > raters:
        raise JudgementError(f"{each} raters can't judge each document where there are {raters}: raise --raters.")
    if raters > each * len(choice.documents):
        raise JudgementError(
            f"{raters} raters are more than {len(choice.documents)} documents, each judged by {each}, have work for: "
            "lower --raters, or choose more with --items."
        )
    cells = [texts.cells[name] for name in systems]
    cells.sort(key=lambda cell: draw(seed, "system", cell.cell.id))
    codes = {
        f"system{number}": BlindedSystem(cell=cell.cell.id, hypotheses=str(cell.hypotheses))
        for number, cell in enumerate(cells, 1)
    }
    meaning = {
        "systems": codes, "lines": list(choice.lines), "protocol": protocol.value, "chosen_by": choice.chosen_by,
        "raters": raters, "each": each, "seed": seed,
    }  # fmt: skip
    digest = fingerprint("judgement", 1, meaning).rpartition("-")[2][:12]
    record = JudgementCampaignRecord(
        id=f"{texts.pair.source}-{texts.pair.target}-{digest}", protocol=protocol, chosen_by=choice.chosen_by,
        systems=codes, lines=choice.lines,
    )  # fmt: skip
    return Campaign(record, texts, choice.documents, _dealt(choice.documents, raters, each, seed), seed)


def _dealt(documents: Sequence[Document], raters: int, each: int, seed: int) -> tuple[tuple[Document, ...], ...]:
    """Deal documents to raters: of those with the fewest lines so far, to those who share the fewest documents."""
    hands: list[list[Document]] = [[] for _ in range(raters)]
    load = [0] * raters
    met = [[0] * raters for _ in range(raters)]
    for document in sorted(documents, key=lambda document: draw(seed, "document", document.name)):
        chosen: list[int] = []
        for _ in range(each):
            left = (rater for rater in range(raters) if rater not in chosen)
            chosen.append(
                min(
                    left,
                    key=lambda rater: (
                        load[rater],
                        sum(met[rater][other] for other in chosen),
                        draw(seed, "deal", document.name, rater),
                    ),
                )
            )
        for rater in chosen:
            hands[rater].append(document)
            load[rater] += len(document.lines)
            for other in chosen:
                met[rater][other] += other != rater
    return tuple(map(tuple, hands))
