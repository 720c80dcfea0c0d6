"""Find a lottery over panels from two files, and draw from it; no database is needed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from juries.domain.candidates import InvalidCandidates
from juries.domain.draw_file import (
    as_text,
    bad_file_document,
    infeasible_document,
    lottery_document,
    refusal_document,
)
from juries.domain.lottery import DEFAULT_METHOD, SELECTION_METHODS, BrokenLottery, find_lottery
from juries.domain.panel_solver import SolverFailed
from juries.domain.pool_files import (
    InvalidPoolFile,
    as_profiles,
    as_quotas,
    parse_categories,
    parse_respondents,
)
from juries.domain.relaxation import InfeasibleQuotas
from juries.domain.search import LotteryProgress, OutOfTime
from juries.services.lotteries import engine_version

REFUSED = 2
"""Exit status where the files or the quotas don't allow a lottery."""

FAILED = 1
"""Exit status where a lottery may exist and none was found."""


class Command(BaseCommand):
    help = (
        "Find a lottery over the panels that meet the quotas of categories.csv among the people of "
        "respondents.csv, write it as JSON, and draw a panel with the seed. Needs no database. "
        "Ends with status 2 where the quotas can't be met or a file is wrong."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--categories", type=Path, required=True, help="categories.csv")
        parser.add_argument("--respondents", type=Path, required=True, help="respondents.csv")
        parser.add_argument("--size", type=int, required=True, help="members of a panel")
        parser.add_argument(
            "--objective",
            choices=tuple(SELECTION_METHODS),
            default=DEFAULT_METHOD,
            help=f"what makes chances fair; {DEFAULT_METHOD} unless given",
        )
        parser.add_argument("--seed", help="draws a panel; without it only the lottery is found")
        parser.add_argument(
            "--time-limit", type=float, help="seconds; then the best lottery so far is taken"
        )
        parser.add_argument("--out", type=Path, help="JSON file to write")
        parser.add_argument("--id-column", help="column of the ids; found by its name unless given")
        parser.add_argument("--household-limit", type=int, help="most members of one household")
        parser.add_argument(
            "--household-columns", help="columns that make a household, separated by commas"
        )
        parser.add_argument(
            "--must-sit", default="", help="ids separated by commas, or @FILE with one a line"
        )
        parser.add_argument(
            "--must-not-sit", default="", help="ids separated by commas, or @FILE with one a line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        told = {"objective": options["objective"], "engine": engine_version()}
        try:
            document = self._draw(options, told["engine"])
        except InvalidPoolFile as error:
            self._write(options["out"], bad_file_document(error=error, **told))
            for row in error.errors:
                self.stderr.write(f"{row.file}, row {row.row}: {row.message}")
            total = len(error.errors) + error.omitted
            raise CommandError(f"{total} error(s) in the file.", returncode=REFUSED) from error
        except InfeasibleQuotas as error:
            self._write(options["out"], infeasible_document(error=error, **told))
            raise CommandError(str(error), returncode=REFUSED) from error
        except (InvalidCandidates, BrokenLottery) as error:
            self._refuse(options["out"], "invalid_request", error, told, REFUSED)
        except (OutOfTime, SolverFailed) as error:
            self._refuse(options["out"], "no_lottery_found", error, told, FAILED)
        else:
            self._write(options["out"], document)
            self._say(document)

    def _draw(self, options: Mapping[str, Any], engine: str) -> dict[str, Any]:
        homes = options["household_columns"]
        categories = parse_categories(
            content=_read(options["categories"]), file=options["categories"].name
        )
        respondents = parse_respondents(
            content=_read(options["respondents"]),
            categories=categories,
            file=options["respondents"].name,
            id_column=options["id_column"],
            household_columns=None if homes is None else _listed(homes),
        )
        limit = options["household_limit"]
        if limit is not None and limit < 1:
            raise InvalidCandidates(f"The household limit is {limit}; it must be at least 1.")
        if limit is not None and not respondents.household_columns:
            raise InvalidCandidates(
                "There is a household limit and no household column; name it with"
                " --household-columns."
            )
        lottery = find_lottery(
            candidates=as_profiles(respondents),
            quotas=as_quotas(categories),
            size=options["size"],
            household_limit=limit,
            must_sit=_ids(options["must_sit"]),
            must_not_sit=_ids(options["must_not_sit"]),
            method=options["objective"],
            time_limit=options["time_limit"],
            on_progress=self._follow if options["verbosity"] > 1 else None,
        )
        return lottery_document(lottery=lottery, seed=options["seed"], engine=engine)

    def _follow(self, progress: LotteryProgress) -> None:
        self.stderr.write(
            f"{progress.stage}: {progress.panels} panels, smallest chance {progress.lower:.6f},"
            f" heading for {progress.upper:.6f}"
        )

    def _refuse(
        self,
        out: Path | None,
        kind: str,
        error: Exception,
        told: Mapping[str, str],
        status: int,
    ) -> None:
        self._write(out, refusal_document(kind=kind, message=str(error), **told))
        raise CommandError(str(error), returncode=status) from error

    def _write(self, out: Path | None, document: Mapping[str, Any]) -> None:
        if out is None:
            return
        try:
            out.write_text(as_text(document), encoding="utf-8", newline="\n")
        except OSError as problem:
            raise CommandError(f"{out} can't be written: {problem.strerror}.") from problem

    def _say(self, document: Mapping[str, Any]) -> None:
        proven = "proven optimal" if document["is_proven"] else "not proven optimal"
        self.stdout.write(
            f"{document['objective']}: {len(document['panels'])} panels in"
            f" {document['seconds']:.2f} s, smallest chance {document['smallest_chance']:.6f},"
            f" {proven}; digest {document['digest']}"
        )
        if document["drawn"] is not None:
            self.stdout.write(
                f"Panel {document['drawn']['panel']}: {', '.join(document['drawn']['candidates'])}"
            )


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _ids(text: str) -> list[str]:
    if text.startswith("@"):
        lines = _read(Path(text[1:])).decode("utf-8-sig", errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()]
    return _listed(text)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise CommandError(
            f"{path} can't be read: {problem.strerror}.", returncode=REFUSED
        ) from problem
