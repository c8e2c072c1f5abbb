"""Where things are kept: one settings object, from the environment (`DRAGOMAN_*`) or defaults."""

from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The places and addresses Dragoman works with; every field can be set as `DRAGOMAN_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_", frozen=True)

    home: Path = Path(".dragoman")
    """Folder of everything kept on this machine: the embedded store, MLflow's, models, caches."""
    store: str = ""
    """SQLAlchemy URL of the results store; by default an SQLite file in `home`."""
    blobs: str = ""
    """fsspec URL of the folder that holds hypotheses and test sets; by default in `home`."""
    mlflow: str = ""
    """MLflow's tracking and registry URI; by default an SQLite file in `home`."""
    workers: int = Field(default=0, ge=0)
    """Evaluation actors of the embedded Ray; 0 is one for each core."""

    @property
    def store_url(self) -> str:
        """The results store in force."""
        return self.store or f"sqlite:///{self.home.resolve()}/store.db"

    @property
    def blobs_url(self) -> str:
        """The blob storage in force."""
        return self.blobs or f"file://{self.home.resolve()}/blobs"

    @property
    def mlflow_url(self) -> str:
        """The MLflow tracking and registry URI in force."""
        return self.mlflow or f"sqlite:///{self.home.resolve()}/mlflow.db"

    @property
    def models_dir(self) -> Path:
        """Finetuned checkpoints and adapters, one folder for each model id."""
        return self.home.resolve() / "models"

    @property
    def cache_dir(self) -> Path:
        """What can be made again: merged and converted models."""
        return self.home.resolve() / "cache"


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
