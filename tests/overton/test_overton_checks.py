"""What is said on checks enters no window, no coverage, no training."""

from collections.abc import Callable

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotations.models import Rating, Study
from annotations.services.study_content import repeat_query
from juries.models import Juror, User
from models_runner.selectors.training import training_data
from overton.models import Answer, ExpressionLabel, Judgement
from overton.sections import CoverageSection, WindowSection
from overton.selectors.labelling import pairs_in_order
from overton.selectors.windows import study_windows, window_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(study: Study, jurors: list[Juror], make_answers: Callable[..., list[Answer]]) -> Study:
    """Answers of the first query, judged, labelled and rated by four."""
    query = study.queries.get(ordinal=0)
    speak(jurors, make_answers(query), rating=4)
    return study


def speak(jurors: list[Juror], answers: list[Answer], *, rating: float) -> None:
    now = timezone.now()
    for place, juror in enumerate(jurors):
        for number, answer in enumerate(answers):
            verdict = "reasonable" if (place + number) % 2 else "unreasonable"
            Judgement.objects.create(
                juror=juror, answer=answer, verdict=verdict, holds=False, created_at=now
            )
            for response in answer.query.responses.all():
                ExpressionLabel.objects.create(
                    juror=juror, response=response, answer=answer, label="expresses", created_at=now
                )
        for response in answers[0].query.responses.all():
            for criterion in answers[0].query.study.criteria.all():
                Rating.objects.create(
                    juror=juror, response=response, criterion=criterion, value=rating,
                    created_at=now,
                )  # fmt: skip


def test_checks_change_nothing_that_is_computed(
    said: Study,
    jurors: list[Juror],
    make_answers: Callable[..., list[Answer]],
    researcher: User,
) -> None:
    criterion = said.criteria.get(key="helpful")
    copy = repeat_query(query=said.queries.get(ordinal=0), actor=None)

    def computed() -> list[object]:
        windows = study_windows(study=said)
        return [
            [row.query for row in window_list(study=said)],
            windows.table.verdicts.tolist(),
            len(windows.windows),
            WindowSection().build(study=said),
            CoverageSection().build(study=said),
            pairs_in_order(study=said, researcher=researcher),
            training_data(criterion=criterion).digest,
        ]

    before = computed()
    speak(jurors[:2], make_answers(copy), rating=1)
    assert computed() == before
    assert Judgement.objects.filter(answer__query=copy).exists()
    matrix = training_data(criterion=criterion).matrix
    assert matrix.values.shape == (4, 4)
    assert np.nanmin(matrix.values) == 4


def test_a_check_has_no_window_page(client: Client, said: Study, researcher: User) -> None:
    client.force_login(researcher)
    copy = repeat_query(query=said.queries.get(ordinal=0), actor=None)
    url = reverse("study-window", args=[said.public_id, copy.public_id])
    assert client.get(url).status_code == 404
