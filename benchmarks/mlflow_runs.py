"""One question, mean BLEU by partition, to the store and to MLflow, on the same 2,000 evaluations."""

import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from campaign import METRICS, Campaign, fill
from sqlalchemy import text

from dragoman.analysis.aggregation import means_by_scope
from dragoman.analysis.pair_scores import read_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.store.store import Store

LANGUAGES = 46
"""Languages of a grid of about 2,000 pairs."""

OTHER_METRICS = 9
"""Logged with each run besides BLEU, chrF++ and off-target rate: losses, speeds and the like."""

ROUNDS = 9

OURS, OUR_SQL = "the store, through its API", "SQL on the store's tables"
SEARCH_RUNS, MLFLOW_SQL = "mlflow.search_runs and pandas", "SQL on MLflow's tables"


def side_by_side(folder: Path) -> None:
    """Write the same scores to both, ask both, and print the ratios."""
    store = Store.open(f"sqlite:///{folder}/small.db", "memory://small")
    fill(store, Campaign(LANGUAGES, 2))
    with store.database.reading() as connection:
        query = "SELECT source, target, partition, metric, value FROM grid_score WHERE model = 'm001' ORDER BY pair_id"
        rows = connection.execute(text(query)).all()
    runs: dict[tuple[str, str], dict[str, float]] = {}
    partitions = {}
    for source, target, partition, metric, value in rows:
        runs.setdefault((source, target), {})[metric.replace("+", "p")] = value
        partitions[source, target] = partition
    database = folder / "mlflow.db"
    began = time.perf_counter()
    experiment = log(f"sqlite:///{database}", runs, partitions)
    logging = time.perf_counter() - began
    print(f"mlflow: {len(runs):,} runs of {len(METRICS) + OTHER_METRICS} metrics, logged in {logging:.0f} s")

    answers: dict[str, Callable[[], dict[str, float]]] = {
        SEARCH_RUNS: lambda: by_search_runs(experiment),
        MLFLOW_SQL: lambda: by_sql(database),
        OUR_SQL: lambda: by_own_sql(store),
        OURS: lambda: by_store(store),
    }
    latency, found = {}, {}
    for name, answer in answers.items():
        taken = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found[name] = answer()
            taken.append(time.perf_counter() - began)
        latency[name] = statistics.median(taken)
    reference = found[OURS]
    for values in found.values():
        assert values.keys() == reference.keys()
        assert all(abs(value - reference[partition]) < 1e-6 for partition, value in values.items())
    for name, peer in ((OURS, SEARCH_RUNS), (OURS, MLFLOW_SQL), (OUR_SQL, MLFLOW_SQL)):
        print(
            f"  {latency[name] * 1000:8.2f} ms  {name}\n  {latency[peer] * 1000:8.2f} ms  {peer}: "
            f"{latency[peer] / latency[name]:.1f} times as long"
        )


def log(url: str, runs: dict[tuple[str, str], dict[str, float]], partitions: dict[tuple[str, str], str]) -> str:
    """Log a run for each pair, and return the experiment."""
    import mlflow
    from mlflow.entities import Metric, RunTag

    mlflow.set_tracking_uri(url)
    client = mlflow.MlflowClient()
    experiment: str = client.create_experiment("grid")
    for pair, metrics in runs.items():
        run = client.create_run(experiment)
        values = metrics | {f"other_{number}": float(number) for number in range(OTHER_METRICS)}
        tags = {"source": pair[0], "target": pair[1], "partition": partitions[pair]}
        client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, 0, 0) for name, value in values.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
    return experiment


def by_search_runs(experiment: str) -> dict[str, float]:
    """What MLflow's own client offers."""
    import mlflow

    frame = mlflow.search_runs([experiment], max_results=5_000)
    means: dict[str, float] = frame.groupby("tags.partition")["metrics.bleu"].mean().to_dict()
    return means


def by_sql(database: Path) -> dict[str, float]:
    """What someone who knows MLflow's tables can do."""
    query = """
        SELECT tags.value, avg(latest_metrics.value) FROM latest_metrics
        JOIN tags ON tags.run_uuid = latest_metrics.run_uuid AND tags.key = 'partition'
        WHERE latest_metrics.key = 'bleu' GROUP BY tags.value"""
    connection = sqlite3.connect(database)
    try:
        return dict(connection.execute(query).fetchall())
    finally:
        connection.close()


def by_own_sql(store: Store) -> dict[str, float]:
    """What someone who knows the store's tables can do."""
    query = """
        SELECT partition.name, avg(score.value) FROM score
        JOIN partition ON partition.id = score.partition_id
        JOIN model ON model.id = score.model_id AND model.name = 'm001'
        JOIN metric ON metric.id = score.metric_id AND metric.name = 'bleu'
        WHERE score.condition_id = 1 GROUP BY partition.name"""
    connection = sqlite3.connect(store.database.file or "")
    try:
        return dict(connection.execute(query).fetchall())
    finally:
        connection.close()


def by_store(store: Store) -> dict[str, float]:
    """What the store offers."""
    with store.database.reading() as connection:
        part = Slice.of(connection, ScoreQuestion("campaign", "bleu"), ["m001"])
        found = means_by_scope(read_columns(connection, part, model_id=part.models["m001"]))
    return {
        scope: each.mean for scope, each in found.items() if scope not in ("all", "unseen") and each.mean is not None
    }
