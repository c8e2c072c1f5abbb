"""`dragoman claims`: answers claims about campaigns, each with its estimate and the cells behind it."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from dragoman.claims import ClaimsError, Verdict, read_claims
from dragoman.cli.arguments import open_snapshot
from dragoman.cli.campaign_arguments import TunedOption
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.cli.reports import DrawingOption, FigureOption, LogOption, reported
from dragoman.errors import first_line
from dragoman.reports.claims import claims_report
from dragoman.settings import settings


@grouped(Group.ANALYSES)
@printed
def claims(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML with claims.")],
    over: Annotated[
        str | None,
        typer.Option("--over", metavar="NAME", help="Ask of this campaign or grid, whatever the file says."),
    ] = None,
    model: TunedOption = None,
    check: Annotated[bool, typer.Option("--check", help="End with exit code 1 unless every claim holds.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Also keep the file in the home's folder, for the campaign's page.")
    ] = False,
    figure: FigureOption = None,
    drawing: DrawingOption = None,
    log: LogOption = False,
) -> Answer:
    """Answer the claims of a file: each holds, fails, or there are too few data to tell.

    A claim says which question is asked, over which campaign or grid, in which direction and at which level; the
    answer has the estimate, its interval, the p-value after Holm over the file's claims, of how many it is, and the
    hash of the scored cells behind it. The same claims on the same cells give the same bytes. Tables: claims, asked.

    Examples: dragoman claims examples/mfti-claims.yaml ·
    dragoman claims examples/mfti-claims.yaml --over number-of-pairs --model sampled ·
    dragoman claims claims.yaml --table claims --latex · dragoman claims claims.yaml --keep ·
    dragoman claims claims.yaml --check --json · dragoman claims claims.yaml --figure claims.pdf
    """
    found = read_claims(file)
    instead = ({"over": over} if over else {}) | ({"models": tuple(model)} if model else {})
    found = found.model_copy(update={"claims": tuple(claim.model_copy(update=instead) for claim in found.claims)})
    store = until_printed(open_snapshot())
    report = claims_report(store, found)
    answer = reported(store, report, figure=figure, drawing=drawing, log=log)
    if keep:
        kept = _keep(file, found.name)
        answer = answer._replace(sentence=" ".join(filter(None, [answer.sentence, f"The claims are kept in {kept}."])))
    is_refuted = any(row["verdict"] != Verdict.HOLDS for row in report.tables[0].rows)
    return answer._replace(code=int(check and is_refuted))


def _keep(file: Path, name: str) -> Path:
    """Copy a file of claims into the home, under the name it gives itself."""
    place = settings().home / "claims" / f"{name}.yaml"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.resolve() != place.resolve():
            shutil.copyfile(file, place)
    except OSError as error:
        raise ClaimsError(f"The claims can't be kept in '{place}': {first_line(error)}.") from error
    return place
