"""Telemetry of the libraries underneath, turned off in all that Dragoman runs, starts and serves."""

import os

OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
"""Variables of the environment that turn it off: MLflow's server passes them on to its pages. They are read when a
library is imported, so they are set before."""


def turn_off() -> None:
    """Turn it off for this process and those it starts; variables that are set already stay."""
    for name, value in OFF.items():
        os.environ.setdefault(name, value)
