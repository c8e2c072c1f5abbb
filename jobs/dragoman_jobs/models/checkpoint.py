"""A model checkpoint on disk: its folder, its adapter, and what identifies it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Checkpoint(BaseModel):
    """A model as it lies on disk or on the hub: base weights and, perhaps, an adapter to put on them."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Id of the model (`ModelIdentity.id`); names its conversions in the cache."""
    model: str
    """Folder in Hugging Face's layout, or a name on the hub."""
    revision: str | None = None
    """Commit on the hub."""
    adapter: Path | None = None
    """Folder of a peft adapter."""
    endpoint: str | None = None
    """Address of the endpoint that serves it, for the `openai` engine; by default the environment's."""
    key_variable: str | None = None
    """Variable of the environment that holds that endpoint's key."""
