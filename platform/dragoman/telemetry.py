"""Reports that the libraries underneath send to their makers: off in all that Dragoman runs, starts and serves."""

import os

OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
"""Variables of the environment that turn them off: MLflow's server tells its pages the same. They are read when a
library is imported, so they are set before."""


def turn_off() -> None:
    """Turn them off for this process and those it starts; what somebody has set himself stays."""
    for name, value in OFF.items():
        os.environ.setdefault(name, value)
