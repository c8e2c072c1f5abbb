"""A hook of MkDocs: files outside of `docs/` that the site shows or links to, and notebooks.

README.md is the first page, CONTRIBUTING.md and CHANGELOG.md are pages, and example specs are files of the site. Links
are rewritten accordingly; one to a source file or folder becomes its name, since the site holds no source. Notebooks of
`docs/` become pages with their outputs.
"""

import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Files at the root of the repository, and the pages they become."""

NOTEBOOK = ".ipynb"

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>(?!https?:)[^)#]+)(?P<anchor>#[^)]*)?\)")


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages and the example specs."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=linked((ROOT / name).read_text(), PurePosixPath())))
    for notebook in sorted((ROOT / "docs").glob(f"*{NOTEBOOK}")):
        text, figures = page_of(notebook)
        files.append(File.generated(config, f"{notebook.stem}.md", content=linked(text, PurePosixPath("docs"))))
        for name, svg in figures.items():
            files.append(File.generated(config, f"figures/{name}", content=svg))
    for spec in sorted((ROOT / "examples").glob("*.yaml")):
        files.append(File.generated(config, f"examples/{spec.name}", abs_src_path=str(spec)))
    return files


def on_page_markdown(markdown: str, page: "Page", **_: Any) -> str:
    """Rewrite the links of a page of `docs/` that lead out of it."""
    if page.file.src_uri in PAGES.values():
        return markdown
    return linked(markdown, PurePosixPath("docs", page.file.src_uri).parent)


def page_of(notebook: Path) -> tuple[str, dict[str, str]]:
    """A notebook as Markdown with its outputs, and its figures as SVG by the names of their files."""
    parts: list[str] = []
    figures: dict[str, str] = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/svg+xml" in data:
                name = f"{notebook.stem}-{len(figures) + 1}.svg"
                figures[name] = "".join(data["image/svg+xml"])
                title = "".join(data["text/plain"]).removeprefix("<Plot: ").removesuffix(">")
                parts.append(f"![{title}](figures/{name})")
            elif "text/html" in data:
                parts.append("".join(data["text/html"]))
            else:
                parts.append("```text\n" + "".join(output.get("text", data.get("text/plain", ""))).rstrip() + "\n```")
    return "\n\n".join(parts) + "\n", figures


def linked(markdown: str, folder: PurePosixPath) -> str:
    """Markdown of a file in a folder of the repository, its links rewritten for the site.

    Args:
        markdown: the text.
        folder: the folder of its file, relative to the root of the repository.
    """

    def rewritten(found: re.Match[str]) -> str:
        target = (ROOT / folder / found["target"]).resolve().relative_to(ROOT).as_posix()
        page = PAGES.get(target)
        if page is None and target.startswith("docs/"):
            page = re.sub(rf"{re.escape(NOTEBOOK)}$", ".md", target.removeprefix("docs/"))
        if page is None and target.startswith("examples/") and target.endswith(".yaml"):
            page = target
        if page is None:
            return found["text"]
        up = "../" * (len(folder.parts) - 1 if folder.parts[:1] == ("docs",) else 0)
        return f"{found['image']}[{found['text']}]({up}{page}{found['anchor'] or ''})"

    return _LINK.sub(rewritten, markdown)
