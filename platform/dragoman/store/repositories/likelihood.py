"""Repository of likelihoods: how probable models find references after their prompts."""

from dragoman.store.alignment_records import LikelihoodRecord, Likely
from dragoman.store.repositories.measured_models import MeasuredModelRepository
from dragoman.store.schema import LikelihoodRow


class LikelihoodRepository(MeasuredModelRepository[Likely, LikelihoodRecord]):
    """Likelihoods by their identities; what is there stays as it is."""

    _row = LikelihoodRow
    _record = LikelihoodRecord
