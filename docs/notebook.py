"""Run the notebooks of the documentation and keep their outputs: `python docs/notebook.py HOME`.

HOME is a Dragoman home in which `make demo` has finished. Needs the extra `docs`. What a run leaves behind that is no
output (times, numbers of runs, versions) is dropped, so that the same results make the same file.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent


def executed(path: Path, home: Path, folder: Path) -> Any:
    """A notebook with the outputs of a run.

    Args:
        path: the notebook.
        home: the Dragoman home that it reads.
        folder: the folder that it runs in, and writes its figures to.
    """
    notebook = nbformat.read(path, as_version=4)
    os.environ["DRAGOMAN_HOME"] = str(home.resolve())
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources, record_timing=False).execute()
    notebook = nbformat.from_dict(_without(notebook, str(home.resolve())))
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                output.pop("execution_count", None)
                if output.output_type == "execute_result":
                    output["execution_count"] = None
    return notebook


def _without(part: Any, path: str) -> Any:
    """A part of a notebook with a short name in place of the path of a home."""
    if isinstance(part, dict):
        return {key: _without(value, path) for key, value in part.items()}
    if isinstance(part, list):
        return [_without(value, path) for value in part]
    return part.replace(path, "HOME") if isinstance(part, str) else part


def main() -> None:
    """Run every notebook of this folder, and write it with its outputs."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        with TemporaryDirectory() as folder:
            nbformat.write(executed(path, Path(sys.argv[1]), Path(folder)), path)


if __name__ == "__main__":
    main()
