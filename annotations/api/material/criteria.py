"""Criteria: what is rated, and on which scale."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.forms import model_to_dict
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.material.shared import at, refuse_twice
from annotations.api.scope import StudyList, StudyView
from annotations.forms.study_parts import (
    CriterionForm,
)
from annotations.models import Criterion
from annotations.services.study_content import (
    remove_part,
    save_part,
)
from juries.api.bodies import Body, OneOf, Row, checked, require_valid
from juries.api.rights import signed_in


class CriterionRow(Row):
    """What is rated, and on which scale. Its bounds are declared, never observed."""

    key = serializers.CharField(help_text="Its name in data and filters, once in the study.")
    name = serializers.CharField(help_text="Its name for people.")
    question = serializers.CharField(help_text="As asked.")
    scale_kind = OneOf(Criterion.ScaleKind.choices, help_text="How the scale is shown.")
    low = serializers.FloatField(help_text="Lowest value of the scale.")
    high = serializers.FloatField(help_text="Highest value of the scale.")
    step = serializers.FloatField(help_text="Distance of two values.")
    low_label = serializers.CharField(help_text="Words at the low end.")
    high_label = serializers.CharField(help_text="Words at the high end.")
    labels = serializers.DictField(
        child=serializers.CharField(), help_text="Words at points of the scale, by point."
    )
    allows_cant_say = serializers.BooleanField(help_text="A juror may say that she can't say.")
    position = serializers.IntegerField(help_text="Its place in the order.")


class CriterionBody(Body):
    """A criterion that is wanted."""

    key = serializers.SlugField(max_length=60, help_text="Its name in data, once in the study.")
    name = serializers.CharField(max_length=120, help_text="Its name for people.")
    question = serializers.CharField(max_length=300, help_text="As asked.")
    scale_kind = OneOf(
        Criterion.ScaleKind.choices, required=False, help_text="How the scale is shown."
    )
    low = serializers.FloatField(required=False, help_text="Lowest value; 1 if left out.")
    high = serializers.FloatField(required=False, help_text="Highest value; 5 if left out.")
    step = serializers.FloatField(required=False, help_text="Distance of values; 1 if left out.")
    low_label = serializers.CharField(
        max_length=80, required=False, allow_blank=True, help_text="Words at the low end."
    )
    high_label = serializers.CharField(
        max_length=80, required=False, allow_blank=True, help_text="Words at the high end."
    )
    labels = serializers.DictField(
        child=serializers.CharField(max_length=80),
        required=False,
        help_text="Words at points of the scale, by point.",
    )
    allows_cant_say = serializers.BooleanField(
        required=False, help_text="A juror may say that she can't say; true if left out."
    )
    position = serializers.IntegerField(
        required=False, min_value=0, max_value=10_000, help_text="Its place in the order."
    )

    def validate_labels(self, labels: dict[str, str]) -> dict[str, str]:
        """Points are numbers, written as text."""
        for point in labels:
            try:
                float(point)
            except ValueError:
                raise serializers.ValidationError(
                    f"{point!r} is no number; labels stand at points of the scale."
                ) from None
        return labels


class CriterionList(StudyList[Criterion]):
    """Criteria."""

    serializer_class = CriterionRow
    queryset = Criterion.objects.all()

    def rows(self) -> QuerySet[Criterion]:
        """The study's criteria."""
        return self.study.criteria.all()

    @extend_schema(summary="List criteria")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What is rated, on which declared scales."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Add a criterion", request=CriterionBody, responses={201: CriterionRow})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Add what is to be rated, with the bounds of its scale."""
        given = checked(CriterionBody, request)
        refuse_twice(self.study.criteria.all(), noun="criterion", path=("key",), key=given["key"])
        criterion = Criterion(study=self.study)
        data = {**model_to_dict(criterion, fields=CriterionForm.Meta.fields), **given}
        form = CriterionForm(data, instance=criterion)
        require_valid(form)
        with at():
            save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(CriterionRow(form.instance).data, status=201)


class OneCriterion(StudyView[Criterion]):
    """One criterion."""

    serializer_class = CriterionRow
    queryset = Criterion.objects.all()

    def _load(self, key: str) -> Criterion:
        found = self.study.criteria.filter(key=key).first()
        if found is None:
            raise Http404(f"The study has no criterion {key!r}.")
        return found

    @extend_schema(summary="Read a criterion")
    def get(self, request: Request, study_id: UUID, criterion: str) -> Response:
        """What is rated, and on which scale."""
        return Response(CriterionRow(self._load(criterion)).data)

    @extend_schema(
        summary="Change a criterion",
        request=CriterionBody(partial=True),
        responses=CriterionRow,
    )
    def patch(self, request: Request, study_id: UUID, criterion: str) -> Response:
        """Change the fields that are sent. A scale on which jurors have rated stays as it is."""
        found = self._load(criterion)
        given = checked(CriterionBody, request, partial=True)
        if given.get("key", found.key) != found.key:
            refuse_twice(
                self.study.criteria.all(), noun="criterion", path=("key",), key=given["key"]
            )
        data = {**model_to_dict(found, fields=CriterionForm.Meta.fields), **given}
        form = CriterionForm(data, instance=found)
        require_valid(form)
        save_part(study=self.study, part=form.instance, actor=signed_in(request))
        return Response(CriterionRow(form.instance).data)

    @extend_schema(summary="Remove a criterion", responses={204: None})
    def delete(self, request: Request, study_id: UUID, criterion: str) -> Response:
        """Remove a criterion on which nobody has rated."""
        remove_part(study=self.study, part=self._load(criterion), actor=signed_in(request))
        return Response(status=204)
