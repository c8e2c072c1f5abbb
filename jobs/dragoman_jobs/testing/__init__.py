"""For tests of engines and of what runs on a cluster: an engine without a model, and a cluster without processes."""

from dragoman_jobs.testing.echo_engine import EchoEngine
from dragoman_jobs.testing.local_cluster import LocalCluster
from dragoman_jobs.testing.run import run_plan

__all__ = ["EchoEngine", "LocalCluster", "run_plan"]
