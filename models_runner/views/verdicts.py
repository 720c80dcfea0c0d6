"""A jury built by seats, and what sampled juries of those seats say. Nothing is stored."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotations.models import Criterion, Study
from annotations.permissions import can_edit_study
from annotations.ports import Figure, Table
from annotations.views.figure_files import figure_file, shown_figure, shown_table
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.domain.verdicts import InvalidJury, JurySpecification, SeatKind
from juries.tasks import enqueue_run
from models_runner.domain.jury_builder import in_proportion, kinds_present
from models_runner.figures.verdicts import (
    counterfactual_sentences,
    counterfactual_table,
    response_table,
    verdicts_figure,
)
from models_runner.forms import VerdictsForm, read_seats, seat_field
from models_runner.selectors.jury_ratings import (
    JuryUtilities,
    NothingPredicted,
    Share,
    usable_training,
    utilities_said_and_predicted,
)
from models_runner.selectors.verdicts import (
    SEED,
    Question,
    Told,
    TooMuch,
    of_query,
    question_digest,
    tell,
    verdict_runs,
)
from models_runner.services.verdicts import request_verdicts

USUAL_SEATS = 12
USUAL_CHANGES = 3
LONGEST_PATH = 300


class NotHere(Exception):
    """There is nothing to build a jury from; the message says why."""


class UnreadSeats(Exception):
    """A field of seats can't be read; the message names the seat."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What an address asks for.

    Attributes:
        form: bound, with its errors.
        query: its picked values, without seats.
        criterion: picked.
        data: ratings of the picked queries.
        traits: of each juror.
        kinds: rows of the builder: each kind of seat, and how many jurors may take it.
        seats: how many seats of each kind.
        texts: what was written of them, by the field's name.
        problem: why the seats can't be read; empty if they can.
    """

    form: VerdictsForm
    query: dict[str, Any]
    criterion: Criterion
    data: JuryUtilities
    traits: Sequence[Mapping[str, str]]
    kinds: Sequence[tuple[SeatKind, int]]
    seats: Mapping[SeatKind, int]
    texts: Mapping[str, str]
    problem: str

    @property
    def address(self) -> str:
        """The query string that shows the same."""
        seats = {seat_field(kind): number for kind, number in self.seats.items()}
        return urlencode({**self.query, **seats}, doseq=True)


@login_required
@require_safe
@vary_on_headers("HX-Target")
def verdicts(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The builder, and the verdicts of the jury that stands in it."""
    study = viewable_study(request, public_id)
    context: dict[str, Any] = {"study": study, "tab": "study-verdicts"}
    try:
        asked = _asked(request.GET, study)
    except NotHere as problem:
        context |= {"silence": str(problem), "criteria": list(study.criteria.all())}
        return render(request, "models_runner/verdicts/page.html", context)
    context |= _builder(asked) | _outcome(study, asked)
    context["can_edit"] = can_edit_study(signed_in(request), study)
    if request.headers.get("HX-Target") != "outcome":
        return render(request, "models_runner/verdicts/page.html", context)
    response = render(request, "models_runner/verdicts/outcome.html", context | {"is_part": True})
    response["HX-Replace-Url"] = f"?{asked.address}"
    return response


@login_required
@require_POST
def compute(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Have the verdicts found in the background that are too many for a page."""
    study = editable_study(request, public_id)
    try:
        asked = _asked(request.GET, study)
        question = _question(asked)
    except (NotHere, InvalidJury, UnreadSeats) as problem:
        messages.error(request, str(problem))
        return redirect("study-verdicts", public_id=study.public_id)
    path = reverse("study-verdicts", args=[study.public_id])
    address = f"{path}?{asked.address}"
    run, is_new = request_verdicts(
        question=question,
        requested_by=signed_in(request),
        page_path=address if len(address) <= LONGEST_PATH else path,
    )
    if is_new:
        enqueue_run(run=run)
    return redirect(address)


@login_required
@require_safe
def download(request: HttpRequest, public_id: uuid.UUID, figure: str, form: str) -> HttpResponse:
    """The verdicts of a jury as SVG, CSV or JSON."""
    study = viewable_study(request, public_id)
    try:
        asked = _asked(request.GET, study)
        if not asked.form.is_valid():
            raise NotHere("This address asks for what does not fit the study.")
        told = _tell(asked)
    except (NotHere, TooMuch, InvalidJury, UnreadSeats) as problem:
        raise Http404(str(problem)) from problem
    made = _sources_figure(asked, told) if figure == "sources" else None
    tables: dict[str, Table] = {
        "responses": response_table(told.responses, responses=asked.data.responses)
    }
    if told.turned is not None:
        tables["counterfactual"] = counterfactual_table(told.turned)
    return figure_file(
        study=study,
        run_id="",
        name=f"{study.slug}-verdicts-{figure}",
        form=form,
        figure=made,
        table=made.table if made else tables.get(figure),
    )


def _asked(asked: QueryDict, study: Study) -> Asked:
    """What an address asks for, with what it leaves out.

    Raises:
        NotHere: the study has no criterion, or nobody has rated by it.
    """
    criteria = list(study.criteria.all())
    if not criteria:
        raise NotHere("The study has no criterion yet, so there is nothing to ask a jury.")
    wanted = asked.get("criterion", "")
    criterion = next((own for own in criteria if own.key == wanted), criteria[0])
    data, why_not = _data(criterion, asked.get("share", ""))
    if not data.ratings.size:
        raise NotHere(f"{criterion.name}: nobody has rated it yet.")
    usual = _usual(criterion, data)
    # Boxes that are not ticked are not sent: only a bare address asks for the usual ones.
    by = asked.getlist("by") if "criterion" in asked else usual["by"]
    given = {name: asked.get(name) or default for name, default in usual.items()} | {"by": by}
    queries = list(dict.fromkeys(response.query_id for response in data.responses))
    form = _form(given, criteria, criterion, data, queries, why_not)
    if not form.is_valid():
        # The page says what was wrong, and shows what it says that it shows.
        given = {name: usual[name] if name in form.errors else own for name, own in given.items()}
    if given["query"]:
        data = of_query(data, queries[int(given["query"]) - 1])
    traits = [
        {feature: values[row] for feature, values in data.traits.items()}
        for row in range(len(data.juror_ids))
    ]
    read = read_seats({name: str(asked[name]) for name in asked})
    kinds = kinds_present(traits, features=given["by"])
    seats = read.seats if read.texts else in_proportion(kinds, seats=USUAL_SEATS)
    rows = dict(kinds)
    for kind, number in seats.items():
        if number and kind not in rows:
            rows[kind] = sum(kind.takes(own) for own in traits)
    return Asked(
        form=form,
        query=given,
        criterion=criterion,
        data=data,
        traits=traits,
        kinds=list(rows.items()),
        seats={kind: number for kind, number in seats.items() if kind in rows},
        texts=read.texts,
        problem=read.problem,
    )


def _usual(criterion: Criterion, data: JuryUtilities) -> dict[str, Any]:
    """What is meant where an address leaves it out."""
    return {
        "criterion": criterion.key,
        "share": Share.SAID.value,
        "by": list(data.traits)[:1],
        "threshold": f"{(criterion.low + criterion.high) / 2:g}",
        "query": "",
        "changes": str(USUAL_CHANGES),
        "response": "",
    }


def _form(
    given: dict[str, Any],
    criteria: Sequence[Criterion],
    criterion: Criterion,
    data: JuryUtilities,
    queries: Sequence[int],
    why_not: str,
) -> VerdictsForm:
    return VerdictsForm(
        given,
        criteria=[(own.key, own.name) for own in criteria],
        features=list(data.traits),
        queries=[
            (str(number), f"{number}: {_query_text(data, identifier)}")
            for number, identifier in enumerate(queries, start=1)
        ],
        responses=[response.public_id for response in data.responses],
        scale=(criterion.low, criterion.high),
        why_not_predicted=why_not,
    )


def _data(criterion: Criterion, share: str) -> tuple[JuryUtilities, str]:
    """What was said, with predictions if they are asked for; and why they can't be, if so."""
    try:
        usable_training(criterion=criterion)
    except NothingPredicted as problem:
        why_not = str(problem)
    else:
        why_not = ""
    counts = Share.BOTH if share == Share.BOTH and not why_not else Share.SAID
    return utilities_said_and_predicted(criterion=criterion, share=counts), why_not


def _query_text(data: JuryUtilities, query_id: int) -> str:
    text = next(own.query_text for own in data.responses if own.query_id == query_id)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _tell(asked: Asked) -> Told:
    """Draw the juries.

    Raises:
        InvalidJury: the seats can't be filled, or there are none.
        UnreadSeats: they can't be read.
        TooMuch: it would take too long.
    """
    return tell(_question(asked))


def _question(asked: Asked) -> Question:
    """What is asked of which jury. Raises UnreadSeats and InvalidJury."""
    if asked.problem:
        raise UnreadSeats(asked.problem)
    return Question(
        criterion=asked.criterion,
        share=asked.query["share"],
        data=asked.data,
        seats=JurySpecification(
            tuple((kind, number) for kind, number in asked.seats.items() if number)
        ),
        threshold=float(asked.query["threshold"]),
        query_id=asked.data.responses[0].query_id if asked.query["query"] else None,
        picked=_picked(asked),
        changes=int(asked.query["changes"]),
    )


def _picked(asked: Asked) -> int | None:
    """The place of the response that somebody asks about."""
    identifiers = [response.public_id for response in asked.data.responses]
    response = asked.query["response"]
    return identifiers.index(response) if response in identifiers else None


def _builder(asked: Asked) -> dict[str, Any]:
    """The form and its rows of seats."""
    return {
        "asked": asked,
        "rows": [
            {
                "label": kind.label,
                "field": seat_field(kind),
                "jurors": number,
                "written": asked.texts.get(seat_field(kind), asked.seats.get(kind, 0)),
                "marks": range(asked.seats.get(kind, 0)),
            }
            for kind, number in asked.kinds
        ],
        "size": sum(asked.seats.values()),
    }


def _outcome(study: Study, asked: Asked) -> dict[str, Any]:
    """What the juries say, or what is wrong with them."""
    try:
        told = _tell(asked)
    except TooMuch as problem:
        runs = verdict_runs(study=study, digest=question_digest(question=_question(asked)))
        newest = runs[0] if runs else None
        return {"problem": str(problem), "is_too_much": True, "run": newest}
    except (InvalidJury, UnreadSeats) as problem:
        return {"problem": str(problem)}
    picked = _picked(asked)
    context: dict[str, Any] = {
        "figure": shown_figure(
            study=study,
            figure=_sources_figure(asked, told),
            identifier="sources",
            run_id="",
            downloads=_downloads(study, asked, "sources", ("svg", "csv", "json")),
        ),
        "responses": _response_rows(asked, told),
        "response_downloads": _downloads(study, asked, "responses", ("csv", "json")),
        "threshold": float(asked.query["threshold"]),
    }
    if picked is None:
        return context
    context["picked"] = asked.data.responses[picked]
    context["picked_reason"] = told.responses.reasons[picked]
    if told.turned is not None:
        context |= {
            "turned": counterfactual_sentences(told.turned),
            "turned_table": shown_table(counterfactual_table(told.turned)),
            "turned_downloads": _downloads(study, asked, "counterfactual", ("csv", "json")),
        }
    return context


def _response_rows(asked: Asked, told: Told) -> list[dict[str, Any]]:
    """A row for each response, with the address that asks what would turn it."""
    found = told.responses
    return [
        {
            "response": response,
            "median": found.median[place],
            "low": found.lower[place],
            "high": found.upper[place],
            "percent": 100 * found.chance[place],
            "predicted": 100 * found.predicted[place],
            "reason": found.reasons[place],
            "query": replace(asked, query={**asked.query, "response": response.public_id}).address,
        }
        for place, response in enumerate(asked.data.responses)
    ]


def _sources_figure(asked: Asked, told: Told) -> Figure:
    return verdicts_figure(
        name=asked.criterion.name,
        scale=(asked.criterion.low, asked.criterion.high),
        threshold=float(asked.query["threshold"]),
        seats=sum(asked.seats.values()),
        jurors=len(asked.data.juror_ids),
        seed=SEED,
        found=told.sources,
    )


def _downloads(
    study: Study, asked: Asked, figure: str, forms: tuple[str, ...]
) -> list[dict[str, str]]:
    return [
        {
            "url": reverse("study-verdicts-download", args=[study.public_id, figure, form])
            + f"?{asked.address}",
            "label": form.upper(),
        }
        for form in forms
    ]
