"""Answers: written, accepted, merged, rejected, excluded; each decision with its reason."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.text import Truncator

from annotations.admin.access import VisibleStudiesFilter, acting_user, may
from annotations.models import Query, Study
from annotations.permissions import can_edit_study
from overton.admin.desk import DeskAdmin, ReadOnlyDesk
from overton.forms import AnswerForm, DecisionForm, MergeForm
from overton.models import Answer, Exclusion
from overton.services import answers as services

SHORT = 90


@admin.register(Answer)
class AnswerAdmin(DeskAdmin[Answer]):
    """The distinct positions on each query, and the views that jurors proposed."""

    form = AnswerForm
    list_display = ("words", "standing", "came_from", "verdicts")
    list_filter = ("state", "origin", ("query__study", VisibleStudiesFilter))
    search_fields = ("text", "external_id", "query__text")
    list_select_related = ("query__study", "merged_into", "exclusion")
    list_per_page = 50
    fields = ("query", "external_id", "text", "origin", "state", "merged_into", "decision_reason")
    actions = ("accept", "merge", "reject", "keep_out", "readmit")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Answer]:
        """Answers of the studies in which the user has a role, with how many judged them."""
        return (
            Answer.objects.filter(query__study__in=Study.objects.visible_to(acting_user(request)))
            .annotate(judged=Count("judgements", filter=Q(judgements__is_current=True)))
            .order_by("query__study", "query__ordinal", "pk")
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: Answer | None = None
    ) -> tuple[str, ...]:
        """State and reason are changed by the actions; where it belongs stays as it is."""
        decided = ("origin", "state", "merged_into", "decision_reason")
        return decided if obj is None else ("query", "external_id", *decided)

    def get_fields(self, request: HttpRequest, obj: Answer | None = None) -> tuple[str, ...]:
        """A new answer needs its query and its words alone."""
        return ("query", "external_id", "text") if obj is None else self.fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Queries of studies in which the user has a role."""
        if db_field.name == "query":
            studies = Study.objects.visible_to(acting_user(request))
            kwargs["queryset"] = Query.objects.filter(study__in=studies).select_related("study")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Answer, form: Any, change: bool) -> None:
        """Hand over to the service."""
        actor = acting_user(request)
        if change:
            services.reword_answer(answer=obj, text=form.cleaned_data["text"], actor=actor)
            return
        if not may(request, can_edit_study, obj.query.study):
            raise services.AnswerRefused("Only the study's owner and editors may add answers.")
        made = services.add_answer(
            query=obj.query, text=obj.text, external_id=obj.external_id, actor=actor
        )
        obj.pk = made.pk
        obj.__dict__.update(Answer.objects.get(pk=made.pk).__dict__)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What people have judged or labelled is rejected or merged, never deleted here."""
        allowed = super().has_delete_permission(request, obj)
        if not allowed or not isinstance(obj, Answer) or "answer" not in request.path:
            return allowed
        return not (
            obj.judgements.exists() or obj.expression_labels.exists() or obj.merged_answers.exists()
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No deleting in bulk."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    # --- Columns --------------------------------------------------------------------------------

    @admin.display(description="answer", ordering="text")
    def words(self, answer: Answer) -> str:
        """Its words, over those of its query."""
        return format_html(
            '{}<br><span class="quiet small">{}</span>',
            answer.text,
            Truncator(answer.query.text).chars(SHORT),
        )

    @admin.display(description="what became of it", ordering="state")
    def standing(self, answer: Answer) -> str:
        """Its state, with what it was merged into or why it is excluded."""
        state = answer.get_state_display()
        if answer.merged_into is not None:
            return f"merged into “{Truncator(answer.merged_into.text).chars(50)}”"
        exclusion: Exclusion | None = getattr(answer, "exclusion", None)
        return state if exclusion is None else f"{state}; excluded: {exclusion.reason}"

    @admin.display(description="from", ordering="origin")
    def came_from(self, answer: Answer) -> str:
        """Who wrote it, in a word."""
        return {"expert": "researchers", "juror": "a juror", "opinion": "a juror's own view"}.get(
            answer.origin, "import"
        )

    @admin.display(description="verdicts", ordering="judged")
    def verdicts(self, answer: Any) -> int:
        """How many jurors have judged it."""
        return int(answer.judged)

    # --- Decisions ------------------------------------------------------------------------------

    @admin.action(description="Accept: put to the jury")
    def accept(self, request: HttpRequest, queryset: QuerySet[Answer]) -> HttpResponse | None:
        """Put them to the jury, each as a position of its own."""
        return self._decide(
            request, queryset, DecisionForm, "accept", "Accept", "accepted",
            lambda answer, data, actor: services.accept_answer(
                answer=answer, reason=data["reason"], actor=actor
            ),
            needs_reason=False,
        )  # fmt: skip

    @admin.action(description="Reject: no distinct position")
    def reject(self, request: HttpRequest, queryset: QuerySet[Answer]) -> HttpResponse | None:
        """Take them from the jury; what was said of them is kept."""
        return self._decide(
            request, queryset, DecisionForm, "reject", "Reject", "rejected",
            lambda answer, data, actor: services.reject_answer(
                answer=answer, reason=data["reason"], actor=actor
            ),
        )  # fmt: skip

    @admin.action(description="Merge into another answer")
    def merge(self, request: HttpRequest, queryset: QuerySet[Answer]) -> HttpResponse | None:
        """Merge them into one answer of the same query."""
        if len(set(queryset.values_list("query_id", flat=True))) > 1:
            self.message_user(
                request, "Choose answers to one query; only those can be merged.", messages.ERROR
            )
            return None
        return self._decide(
            request, queryset, MergeForm, "merge", "Merge", "merged",
            lambda answer, data, actor: services.merge_answer(
                answer=answer, into=data["into"], reason=data["reason"], actor=actor
            ),
        )  # fmt: skip

    @admin.action(description="Exclude from the reasonable ones")
    def keep_out(self, request: HttpRequest, queryset: QuerySet[Answer]) -> HttpResponse | None:
        """Keep them out of the reasonable ones, whatever the jury says."""
        return self._decide(
            request, queryset, DecisionForm, "keep_out", "Exclude", "excluded",
            lambda answer, data, actor: services.exclude_answer(
                answer=answer, reason=data["reason"], actor=actor
            ),
        )  # fmt: skip

    @admin.action(description="Lift the exclusion")
    def readmit(self, request: HttpRequest, queryset: QuerySet[Answer]) -> None:
        """Leave the verdict to the jury and the rule again."""
        for answer in self._editable(request, queryset):
            services.readmit_answer(answer=answer, actor=acting_user(request))
            self.message_user(request, f"“{answer}” is no longer excluded.", messages.SUCCESS)

    def _editable(self, request: HttpRequest, queryset: QuerySet[Answer]) -> list[Answer]:
        """The chosen answers of studies that the user may edit; says which are left alone."""
        chosen = list(queryset.select_related("query__study"))
        allowed = [answer for answer in chosen if may(request, can_edit_study, answer.study)]
        if len(allowed) < len(chosen):
            self.message_user(
                request,
                f"{len(chosen) - len(allowed)} belong to studies that you may only view; they "
                "are left as they are.",
                messages.WARNING,
            )
        return allowed

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[Answer],
        form_class: type[DecisionForm],
        name: str,
        verb: str,
        done: str,
        decision: Callable[[Answer, dict[str, Any], Any], object],
        *,
        needs_reason: bool = True,
    ) -> HttpResponse | None:
        """Ask for the reason, then decide on each of the chosen answers; say what was refused."""
        chosen = self._editable(request, queryset)
        if not chosen:
            return None
        sent = request.POST if "apply" in request.POST else None
        form = form_class(sent, answers=chosen, needs_reason=needs_reason)
        if sent is None or not form.is_valid():
            return TemplateResponse(
                request,
                "admin/overton/decide.html",
                {
                    **self.admin_site.each_context(request),
                    "title": f"{verb} {len(chosen)} {'answer' if len(chosen) == 1 else 'answers'}",
                    "answers": chosen,
                    "form": form,
                    "name": name,
                    "verb": verb,
                    "opts": self.opts,
                },
                status=200 if sent is None else 400,
            )
        made = 0
        for answer in chosen:
            try:
                decision(answer, form.cleaned_data, acting_user(request))
                made += 1
            except services.AnswerRefused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
        if made:
            self.message_user(
                request, f"{made} {'was' if made == 1 else 'were'} {done}.", messages.SUCCESS
            )
        return None


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyDesk[Exclusion]):
    """Answers that are kept out from above; made and lifted on the list of answers."""

    list_display = ("answer_words", "reason", "excluded_by", "created_at")
    list_filter = (("answer__query__study", VisibleStudiesFilter),)
    list_select_related = ("answer__query__study", "excluded_by")
    search_fields = ("reason", "answer__text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Exclusion]:
        """Those of the studies in which the user has a role."""
        studies = Study.objects.visible_to(acting_user(request))
        return Exclusion.objects.filter(answer__query__study__in=studies)

    @admin.display(description="answer", ordering="answer__text")
    def answer_words(self, exclusion: Exclusion) -> str:
        """The answer's words, cut short."""
        return Truncator(exclusion.answer.text).chars(SHORT)
