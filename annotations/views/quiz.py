"""The comprehension quiz, after the instructions: asked, explained, asked again, and then on."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotations.forms.juror import QuizForm
from annotations.models import Participation
from annotations.selectors import work
from annotations.selectors.quiz import quiz_of
from annotations.selectors.work import Stage
from annotations.services.participation import StudyNotOpen
from annotations.services.quiz import answer_quiz
from annotations.views.juror import with_participation


@require_http_methods(["GET", "POST"])
@with_participation
def quiz(request: HttpRequest, participation: Participation) -> HttpResponse:
    """What she is asked about the instructions; what she has answered, with the explanation."""
    stage = work.stage_of(participation=participation)
    items = quiz_of(participation=participation)
    if not items or stage not in (Stage.QUIZ, Stage.WORK, Stage.FINISHED):
        return redirect("juror-way", participation.public_id)
    form = QuizForm(items, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            was_right = answer_quiz(
                participation=participation,
                answers=form.answers(),
                attempts=form.attempts(),
                now=timezone.now(),
            )
        except StudyNotOpen:
            return redirect("juror-way", participation.public_id)
        # What was wrong is explained before she goes on, also after the last try.
        here = "juror-way" if was_right else "juror-quiz"
        return redirect(here, participation.public_id)
    context = {
        "participation": participation,
        "study": participation.study,
        "form": form,
        "rows": form.rows(),
        "is_open": any(item.is_open for item in items),
        "onward": reverse("juror-way", args=[participation.public_id]),
        "instructions_url": reverse("juror-instructions", args=[participation.public_id]),
    }
    return render(
        request, "annotations/juror/quiz.html", context, status=422 if form.errors else 200
    )
