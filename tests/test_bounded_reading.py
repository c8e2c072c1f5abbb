"""What others supply is read by `dragoman.reading` alone, and what people read is printed by `dragoman.terminal`.

Calls are read from the source. Beside each file that reads or prints by itself stands why it may.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("platform", "jobs", "registry", "ui_plugins")

READERS = {
    "json.load", "json.loads", "yaml.load", "yaml.safe_load", "tomllib.load", "tomllib.loads", "zipfile.ZipFile",
    "tarfile.open", "gzip.open", "gzip.decompress", "bz2.open", "bz2.decompress", "lzma.open", "lzma.decompress",
    "zlib.decompress", "zstd.decompress", "pickle.load", "pickle.loads", "torch.load", "pq.read_table",
    "pq.ParquetFile", "pyarrow.parquet.ParquetFile", "pyarrow.parquet.read_table", "shutil.unpack_archive",
}  # fmt: skip
"""Functions that read, parse or unpack without a bound, by the names they are called by."""
METHODS = {"read_text", "read_bytes"}
"""Methods of a path that read all of a file."""
OPENED = "opened to be read"
PRINTERS = {"typer.echo", "typer.secho", "click.echo", "print"}
"""Functions that print what they are given."""

READS = {
    "platform/dragoman/reading.py": "the bounds",
    "platform/dragoman/parquet.py": "the bounds, of Parquet",
    "platform/dragoman/spec/document.py": "its loader counts",
    "platform/dragoman/settings.py": "of bounded size; who writes it starts the program",
    "platform/dragoman/store/blobs.py": "small blobs by their own bound, and the cache of its own",
    "platform/dragoman/store/transfer/archive.py": "through ZipSource, or what it has written itself",
    "platform/dragoman/sharing/bundle/container.py": "headers of 512 bytes, and lines within the bounds",
    "platform/dragoman/corpora/kinds/huggingface.py": "the metadata of a file that `datasets` has read",
    "platform/dragoman/corpora/readers/digests.py": "a cache that it writes itself",
    "platform/dragoman/metrics/detectors/fasttext.py": "hashes a regular file, block by block",
    "platform/dragoman/metrics/errors/preambles.py": "comes with the package",
    "platform/dragoman/family.py": "comes with the package",
    "platform/dragoman/explanation/pretraining.py": "comes with the package",
    "platform/dragoman/cli/summaries.py": "comes with the package whose command it is",
    "platform/dragoman/analysis/human_agreement.py": "comes with the package",
    "platform/dragoman/analysis/citations.py": "comes with the package",
    "platform/dragoman/analysis/kept_tables.py": "a cache that it writes itself",
    "platform/dragoman/cli/init.py": "comes with the package",
    "platform/dragoman/identity.py": "a value that was in memory; hashes files that were looked at before",
    "platform/dragoman/corpora/readers/files.py": "hashes files that were looked at, and zips through ZipSource",
    "platform/dragoman/store/database/sqlite_file.py": "512 bytes of a regular file",
    "platform/dragoman/store/database/write_ahead_log.py": "4 MB of a regular file at a time",
    "platform/dragoman/operations/manifest.py": "hashes regular files, block by block",
    "jobs/dragoman_jobs/models/pretrained.py": "eight bytes",
    "platform/dragoman/planning/manifest.py": "a plan that it has written itself",
    "platform/dragoman/operations/checks/ray.py": "the answer of the cluster that jobs run on, and Ray's own token",
    "jobs/dragoman_jobs/engines/openai.py": "what the engine has prepared",
    "jobs/dragoman_jobs/engines/tokenization.py": "what the engine has prepared",
    "platform/dragoman/tracking/prepared_database.py": "a script that comes with the package",
    "registry/dragoman_registry/packaging/package.py": "a tag of MLflow's, whose length it bounds",
    "platform/dragoman/planning/tokenizer_coverage.py": "a tokenizer as the library that has read it writes it",
    "jobs/dragoman_jobs/engines/appended_lines.py": "ledgers and answers that Dragoman writes itself",
    "jobs/dragoman_jobs/engines/usage_log.py": "a ledger that it writes itself",
    "jobs/dragoman_jobs/judges/answer_store.py": "answers that it has written itself",
    "jobs/dragoman_jobs/evaluation/worker.py": "what the engine has prepared",
    "jobs/dragoman_jobs/cluster/ray_jobs_api.py": "Ray's own token",
    "jobs/dragoman_jobs/cluster/system_metrics.py": "a spool that it writes itself",
    "jobs/dragoman_jobs/prompts/template_trial.py": "what the parent process sends",
    "registry/dragoman_registry/packaging/served_model.py": "comes with the package that MLflow serves",
    "ui_plugins/dragoman_ui/auth/routes.py": "comes with the package",
    "platform/dragoman/tracking/mlflow_schema.py": "MLflow's own package",
    "ui_plugins/dragoman_ui/auth/csrf.py": "a key that it has written itself",
    "ui_plugins/dragoman_ui/responses/cache.py": "an answer that it has packed itself",
    "platform/dragoman/metrics/covered_languages.py": "comes with the package",
    "platform/dragoman/environments/environment.py": "comes with a package",
    "platform/dragoman/environments/out_of_memory.py": "the kernel's own counters",
    "platform/dragoman/environments/pipe_worker.py": "what the process that it started answers",
    "platform/dragoman/environments/workers/channel.py": "what the parent process sends",
    "platform/dragoman/environments/workers/checkpoints.py": "in a process of its own; of pickles tensors alone",
    "platform/dragoman/environments/workers/comet_worker.py": "in a process of its own; a checkpoint's parameters",
    "platform/dragoman/environments/workers/metricx_worker.py": "in a process of its own; a checkpoint's configuration",
}
"""Files that read by themselves, and why they may."""
PRINTS = {
    "platform/dragoman/terminal.py": "makes control characters visible",
    "platform/dragoman/cli/main.py": "makes them visible in the sentence",
    "jobs/dragoman_jobs/driver/entrypoint.py": "makes them visible in the sentence",
    "platform/dragoman/redaction/process.py": "tracebacks of what nobody foresaw, masked",
    "ui_plugins/dragoman_ui/cli.py": "its own address",
}
"""Files that print by themselves, and why they may."""


def calls(path: Path) -> Iterator[str]:
    """The calls of a file as they are written, without their arguments."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
            if _opens_to_read(node):
                yield OPENED


def _opens_to_read(call: ast.Call) -> bool:
    """Whether it is `open(path)` or `path.open("rb")`; methods of other objects take other arguments."""
    mode = call.args[-1].value if call.args and isinstance(call.args[-1], ast.Constant) else None
    return ast.unparse(call.func).rpartition(".")[2] == "open" and mode in ("r", "rb")


FILES = {
    str(path.relative_to(ROOT)): set(calls(path)) for package in PACKAGES for path in (ROOT / package).rglob("*.py")
}


def reads(called: set[str]) -> set[str]:
    """Those of some calls that read without a bound; `reading.read_bytes` has one."""
    methods = {each for each in called if each.rpartition(".")[2] in METHODS and each.partition(".")[0] != "reading"}
    return called & (READERS | {OPENED}) | (methods - METHODS)


def test_what_others_supply_is_read_within_bounds() -> None:
    assert {name: found for name, called in FILES.items() if (found := reads(called)) and name not in READS} == {}


def test_what_people_read_is_printed_by_the_terminal() -> None:
    assert {name for name, called in FILES.items() if called & PRINTERS} - PRINTS.keys() == set()


@pytest.mark.parametrize("name", [*READS, *PRINTS])
def test_no_exception_is_left_over(name: str) -> None:
    if name in READS and name != "platform/dragoman/reading.py":
        assert reads(FILES[name])
    if name in PRINTS:
        assert FILES[name] & PRINTERS


def test_calls_are_read() -> None:
    assert "json.loads" in FILES["platform/dragoman/reading.py"]
    assert reads({"path.read_text", "reading.read_bytes", "read_text"}) == {"path.read_text"}
