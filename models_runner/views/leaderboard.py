"""A study's leaderboard: compute it, look at it at an alpha, take its figures away."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotations.figures.welfare import alpha_label
from annotations.models import Criterion, Study
from annotations.permissions import can_edit_study
from annotations.ports import Figure, Table
from annotations.views.figure_files import figure_file, shown_figure, shown_table
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.domain.crossings import ALPHAS
from juries.services.runs import worker_answers
from juries.tasks import enqueue_run
from models_runner.figures.choice import Choice
from models_runner.figures.groups import groups_figure, pareto_figure
from models_runner.figures.influence import influence_figure, influence_sentences, tipping_table
from models_runner.figures.leaderboard import ranking_figure, sweep_figure, tail_table
from models_runner.figures.rules import rules_figure
from models_runner.forms import LAST_STOP, AlphaField, LeaderboardForm
from models_runner.models import LeaderboardSnapshot
from models_runner.selectors.jury_ratings import Share
from models_runner.selectors.leaderboard import (
    StoredBoard,
    leaderboard_page,
    newest_snapshot,
    stored_board,
    stored_traits,
    why_not_predicted,
)
from models_runner.services.leaderboard import request_leaderboard

FORMS = ("svg", "csv", "json")


@dataclass(frozen=True)
class Looked:
    """What somebody looks at: the form, and the board that it picked.

    Attributes:
        form: bound, with its errors.
        query: the picked values as an address carries them.
        criterion: picked.
        alpha: picked.
        stored: the board, or why there is none; None where predictions can't be counted.
        why_not: why they can't.
        choice: for the figures; None without a board.
    """

    form: LeaderboardForm
    query: dict[str, str]
    criterion: Criterion
    alpha: float
    stored: StoredBoard | None
    why_not: str
    choice: Choice | None


@login_required
@require_safe
@vary_on_headers("HX-Target")
def leaderboard(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The newest leaderboard at an alpha; with none yet, the way to compute it."""
    study = viewable_study(request, public_id)
    page = leaderboard_page(study=study)
    looked = None if page.snapshot is None else _look(request.GET, study, page.snapshot)
    context: dict[str, Any] = {"study": study, "tab": "study-leaderboard", "page": page}
    if page.snapshot is not None and looked is not None:
        context |= _board_context(study, page.snapshot, looked)
    if request.headers.get("HX-Target") == "at-alpha" and looked is not None:
        context["is_part"] = True
        response = render(request, "models_runner/leaderboard/at_alpha.html", context)
        response["HX-Replace-Url"] = f"?{urlencode(looked.query)}"
        return response
    if page.snapshot is not None and looked is not None:
        context |= _whole_context(study, page.snapshot, looked)
    context["can_edit"] = can_edit_study(signed_in(request), study)
    context["worker_answers"] = worker_answers(now=timezone.now())
    return render(request, "models_runner/leaderboard/page.html", context)


@login_required
@require_POST
def compute(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Ask for the leaderboard to be computed anew."""
    study = editable_study(request, public_id)
    if leaderboard_page(study=study).pending is None:
        run = request_leaderboard(study=study, requested_by=signed_in(request))
        enqueue_run(run=run)
        messages.success(request, "The leaderboard is being computed; this page will show it.")
    return redirect("study-leaderboard", public_id=study.public_id)


@login_required
@require_safe
def download(request: HttpRequest, public_id: uuid.UUID, figure: str, form: str) -> HttpResponse:
    """A figure of the leaderboard as SVG, or its numbers as CSV or JSON."""
    study = viewable_study(request, public_id)
    snapshot = newest_snapshot(study=study)
    looked = None if snapshot is None else _look(request.GET, study, snapshot)
    if snapshot is None or looked is None or looked.choice is None:
        raise Http404("This leaderboard has not been computed.")
    if not looked.form.is_valid():
        raise Http404("This address asks for numbers that were not computed.")
    made, table = _made(looked.choice, figure)
    return figure_file(
        study=study,
        run_id=str(snapshot.run.public_id),
        name=f"{study.slug}-leaderboard-{looked.criterion.key}-{figure}",
        form=form,
        figure=made,
        table=table,
    )


def _look(asked: QueryDict, study: Study, snapshot: LeaderboardSnapshot) -> Looked | None:
    """What an address asks for, with what it leaves out; None if no criterion is left."""
    criteria = [own for own in study.criteria.all() if own.key in snapshot.content]
    if not criteria:
        return None
    traits = stored_traits(snapshot=snapshot)
    by_key = {criterion.key: criterion for criterion in criteria}
    unpredicted = why_not_predicted(snapshot=snapshot)
    shares = [share for share in Share if share == Share.SAID or len(unpredicted) < len(by_key)]
    usual = {
        "criterion": criteria[0].key,
        "share": Share.SAID.value,
        "trait": traits[0] if traits else "",
        "tau": "0.5",
        "alpha": "0",
    }
    given = {name: asked.get(name) or default for name, default in usual.items()}
    form = LeaderboardForm(given, criteria=criteria, traits=traits, shares=shares)
    if not form.is_valid():
        # The page says what was wrong, and shows what it says that it shows.
        given = {name: usual[name] if name in form.errors else own for name, own in given.items()}
    alpha = AlphaField().clean(given["alpha"])
    given["alpha"] = "inf" if alpha == inf else f"{alpha:g}"
    criterion = by_key[given["criterion"]]
    stored = stored_board(snapshot=snapshot, criterion=criterion.key, share=Share(given["share"]))
    return Looked(
        form=form,
        query=given,
        criterion=criterion,
        alpha=alpha,
        stored=stored,
        why_not=unpredicted.get(criterion.key, ""),
        choice=_choice(given, alpha, criterion, stored),
    )


def _choice(
    given: dict[str, str], alpha: float, criterion: Criterion, stored: StoredBoard | None
) -> Choice | None:
    if stored is None or stored.board is None:
        return None
    groups = {own.feature: own for own in stored.board.groups}
    return Choice(
        board=stored.board,
        name=criterion.name.lower(),
        alpha=alpha,
        threshold=float(given["tau"]),
        groups=groups.get(given["trait"]),
        jurors=stored.jurors,
        strata=next(iter(groups), ""),
    )


def _made(choice: Choice, key: str) -> tuple[Figure | None, Table | None]:
    """A figure by its key, or a table that stands without one."""
    made: dict[str, Callable[[Choice], Figure]] = {
        "ranking": ranking_figure,
        "sweep": sweep_figure,
        "rules": rules_figure,
        "groups": groups_figure,
        "pareto": pareto_figure,
        "influence": influence_figure,
    }
    tables: dict[str, Callable[[Choice], Table]] = {
        "worst-off": tail_table,
        "tipping": tipping_table,
    }
    if key in made and (key not in ("groups", "pareto") or choice.groups is not None):
        figure = made[key](choice)
        return figure, figure.table
    return None, tables[key](choice) if key in tables else None


def _board_context(study: Study, snapshot: LeaderboardSnapshot, looked: Looked) -> dict[str, Any]:
    """What changes with alpha."""
    context: dict[str, Any] = {"looked": looked, "alpha_label": alpha_label(looked.alpha)}
    if looked.choice is None:
        return context
    choice = looked.choice
    by_group = choice.groups is not None
    shown = ["ranking", *(["groups"] if by_group else [])]
    shown += ["pareto"] if by_group and len(choice.sources) > 1 else []
    return context | {
        "at_alpha": [_shown(study, snapshot, looked, choice, key) for key in shown],
        "influence": influence_sentences(choice),
        "influence_figure": _shown(study, snapshot, looked, choice, "influence"),
        "tipping_table": _shown_table(study, looked, choice, "tipping"),
        "tipping": tipping_table(choice).rows,
    }


def _whole_context(study: Study, snapshot: LeaderboardSnapshot, looked: Looked) -> dict[str, Any]:
    """What stands around it."""
    context: dict[str, Any] = {
        "stops": [
            {
                "label": alpha_label(alpha),
                "query": urlencode(
                    {**looked.query, "alpha": "inf" if alpha == inf else f"{alpha:g}"}
                ),
                "current": alpha == looked.alpha,
            }
            for alpha in ALPHAS
        ],
        "last_stop": LAST_STOP,
        "slider": LAST_STOP if looked.alpha == inf else looked.alpha,
        "unpredicted": why_not_predicted(snapshot=snapshot),
    }
    if looked.choice is None:
        return context
    return context | {
        "whole": [
            _shown(study, snapshot, looked, looked.choice, key) for key in ("sweep", "rules")
        ],
        "worst_off": _shown_table(study, looked, looked.choice, "worst-off"),
    }


def _shown(
    study: Study,
    snapshot: LeaderboardSnapshot,
    looked: Looked,
    choice: Choice,
    key: str,
) -> dict[str, object]:
    figure, _ = _made(choice, key)
    assert figure is not None
    return shown_figure(
        study=study,
        figure=figure,
        identifier=key,
        run_id=str(snapshot.run.public_id),
        downloads=_downloads(study, looked, key, FORMS),
    )


def _shown_table(study: Study, looked: Looked, choice: Choice, key: str) -> dict[str, object]:
    _, table = _made(choice, key)
    assert table is not None
    return {
        "table": shown_table(table),
        "caption": table.caption,
        "downloads": _downloads(study, looked, key, FORMS[1:]),
    }


def _downloads(
    study: Study, looked: Looked, key: str, forms: tuple[str, ...]
) -> list[dict[str, str]]:
    query = urlencode(looked.query)
    return [
        {
            "url": reverse("study-leaderboard-download", args=[study.public_id, key, form])
            + f"?{query}",
            "label": form.upper(),
        }
        for form in forms
    ]
