"""What a researcher asks of a draw and of a comparison."""

from typing import Any

from django import forms

from juries.domain.lottery import DEFAULT_METHOD
from juries.models import Draw
from juries.services.draws import DRAWABLE_METHODS


class DrawForm(forms.Form):
    """Objective, way of drawing, seed and time limit."""

    method = forms.ChoiceField(
        label="Objective",
        widget=forms.RadioSelect,
        help_text="What the chances are made to satisfy, within the quotas.",
    )
    mode = forms.ChoiceField(
        label="What picks the panel",
        choices=[
            (
                Draw.Mode.RECORD,
                "A public value: the lottery is published first, and anyone can check the draw",
            ),
            (Draw.Mode.SEED, "A seed, at once: for trials, pilots and demonstrations"),
        ],
        widget=forms.RadioSelect,
        initial=Draw.Mode.RECORD,
    )
    seed = forms.CharField(
        label="Seed",
        required=False,
        max_length=100,
        help_text="Only for a draw at once. The same pool, quotas and seed draw the same people. "
        "Empty: a random one.",
    )
    time_limit = forms.IntegerField(
        label="Time limit in seconds",
        min_value=5,
        max_value=24 * 3600,
        initial=600,
        help_text="When it is over, the best lottery found so far is used, and says so.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (name, f"{method.label}: {method.sentence}")
            for name, method in DRAWABLE_METHODS.items()
        ]
        field = self.fields["method"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices
            field.initial = DEFAULT_METHOD

    def clean(self) -> dict[str, Any]:
        """A seed has no place in a draw in public."""
        cleaned = super().clean() or {}
        if cleaned.get("mode") == Draw.Mode.RECORD and cleaned.get("seed"):
            self.add_error(
                "seed", "A draw in public has no seed. Leave it empty, or draw at once with it."
            )
        return cleaned


class ComparisonForm(forms.Form):
    """How long each method may look."""

    time_limit = forms.IntegerField(
        label="Time limit in seconds, for each",
        min_value=5,
        max_value=24 * 3600,
        initial=120,
    )
