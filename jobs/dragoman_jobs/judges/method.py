"""The interface of a judge's method: what it asks about a segment, and how it reads the answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, TypeVar

from dragoman.metrics.model_metric import SegmentScore, Triple
from dragoman_jobs.judges.chat_template import Chat

Read = TypeVar("Read")


class Questions(Protocol):
    """Asks until an answer can be read."""

    async def __call__(self, messages: Sequence[dict[str, str]], read: Callable[[str], Read | None]) -> Read | None:
        """What an answer says; None where none can be read.

        Args:
            messages: the turns of the chat.
            read: makes something of an answer; None where it can't.
        """


class Method(ABC):
    """How a judge judges."""

    version: ClassVar[int] = 1
    """Version of how answers are read, in the signature."""

    @property
    @abstractmethod
    def chats(self) -> tuple[Chat, ...]:
        """The templates of what is asked, in that order."""

    @property
    def signature(self) -> tuple[str, ...]:
        """Further fields of the signature."""
        return ()

    @abstractmethod
    async def judge(self, ask: Questions, triple: Triple) -> SegmentScore | None:
        """The judgement of one segment; None where no answer can be read."""
