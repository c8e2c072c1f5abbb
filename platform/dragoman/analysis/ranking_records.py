"""What a ranking of systems has found: the systems, every two of them, and what each partition adds."""

from dragoman.analysis.units import Unit
from dragoman.store.records import Record


class RankedSystem(Record):
    """A system in a ranking."""

    rank: int
    """Its place by its mean."""
    cluster: int
    """Number of its cluster, from 1 for the best (`clusters`)."""
    system: str
    """Its name: the model's, or `MODEL:PROMPT`."""
    mean: float
    """Its mean score."""
    low: float
    """Lower end of the 95% interval of the mean."""
    high: float
    """Upper end of it."""
    wins: int
    """Systems that it is significantly better than."""
    losses: int
    """Systems that are significantly better than it."""
    best_rank: int
    """The best rank that it may have ..."""
    worst_rank: int
    """... and the worst."""
    seeds: tuple[str, ...]
    """Other systems of the ranking whose recipe is its own but for the seed."""


class SystemDifference(Record):
    """Two systems of a ranking."""

    better: str
    """The one with the better mean."""
    worse: str
    """The other."""
    ahead: float
    """By how much better the one is; an error rate is better by being lower."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of it."""
    p_value: float
    """Two-sided p-value of the difference."""
    p_is_floor: bool
    """Whether that is the smallest that the trials can give."""
    adjusted: float
    """The p-value adjusted after Holm for all pairs of systems."""
    significant: bool
    """Whether that is at most alpha."""
    error: float
    """Standard error of the difference."""
    detectable: float
    """The smallest true difference of two systems so alike that a test at alpha finds four times in five."""
    detectable_of_all: float
    """The same where the test is one of all of the ranking: adjusted for their number, which Holm asks for at most."""
    sentences: int | None
    """Sentences, or documents, that a test at alpha takes to find the observed difference four times in five; None for
    no difference."""
    agreement: float | None
    """Percent of decisions in which people agree with a difference of that size; None without a curve of the metric."""


class PartitionShare(Record):
    """What the pairs of a partition add to the difference between the first system and another."""

    system: str
    """The other system."""
    partitions_of: str
    """The system whose partitions these are: the other, or the first where all pairs are alike to the other."""
    partition: str
    """The partition."""
    pairs: int
    """Its pairs."""
    ahead: float
    """What they add to how much better the first system is; all partitions together come to the difference."""
    share: float | None
    """Their percentage of the difference; None where there is none."""


class QuotedMean(Record):
    """The mean of a quoted system over the pairs of a ranking, in which it has no place."""

    system: str
    """Its name."""
    source: str
    """Where its scores are from."""
    signature: str | None
    """What the source says of how they were computed."""
    done: int
    """Pairs it has a score of: k ..."""
    pairs: int
    """... of the n of the ranking."""
    mean: float | None
    """Its mean over them."""


class Ranking(Record):
    """Systems ranked on the pairs that all of them have."""

    metric: str
    """Name of the metric."""
    test_set: str | None = None
    """Name of the test set; None where the grid names none."""
    lines: str | None = None
    """The filter of the test lines that a slice is of; None is all."""
    over: str
    """The scope."""
    done: int
    """Pairs that all systems have: k ..."""
    pairs: int
    """... of n planned in the scope."""
    units: int
    """Sentences, or documents, that the means are of."""
    unit: Unit
    """What is dealt or drawn, as asked."""
    alpha: float
    """The level of significance."""
    samples: int
    """Trials of each test, at least."""
    seed: int
    """Seed of the deals."""
    micro: bool
    """Whether means weigh each pair by its segments."""
    signatures: tuple[str, ...]
    """Signatures of the scores."""
    systems: tuple[RankedSystem, ...]
    """The systems, the best first."""
    differences: tuple[SystemDifference, ...]
    """Every two of them, in that order."""
    shares: tuple[PartitionShare, ...]
    """What each partition adds to the difference between the first and each other system."""
    quoted: tuple[QuotedMean, ...] = ()
    """Systems whose scores are quoted, which are not ranked."""
    notes: tuple[str, ...]
    """What was left out, of what the numbers are, and what they don't say, as sentences."""

    @property
    def neighbours(self) -> list[SystemDifference]:
        """The difference of each system to the next."""
        places = {each.system: each.rank for each in self.systems}
        return [each for each in self.differences if places[each.worse] == places[each.better] + 1]
