"""What a researcher does with seats."""

from typing import Any

from django import forms

from juries.models import Jury, Seat

ACTIONS = (
    ("show", "Show new links"),
    ("download", "Download new links"),
    ("mail", "Mail new links"),
    ("revoke", "Revoke links"),
    ("decline", "Mark as declined"),
    ("withdraw", "Withdraw and erase identity"),
    ("replace", "Draw replacements"),
)


class SeatsForm(forms.Form):
    """Ticked seats of one jury, and one action."""

    action = forms.ChoiceField(choices=ACTIONS)
    seats: forms.ModelMultipleChoiceField[Seat] = forms.ModelMultipleChoiceField(
        queryset=Seat.objects.none(), required=False
    )
    days = forms.IntegerField(label="Links work for (days)", min_value=1, max_value=366)
    seed = forms.CharField(label="Seed", required=False, max_length=100)

    confirm = forms.BooleanField(required=False)

    def __init__(self, *args: Any, jury: Jury, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["seats"]
        if isinstance(field, forms.ModelMultipleChoiceField):
            field.queryset = jury.seats.select_related("juror__candidate__contact", "jury")
        self.fields["days"].required = False

    def clean_days(self) -> int:
        """A month where nothing is given."""
        return self.cleaned_data["days"] or 30

    def clean(self) -> dict[str, Any]:
        """All but the replacement draw needs seats."""
        cleaned = super().clean() or {}
        if cleaned.get("action") != "replace" and not cleaned.get("seats"):
            self.add_error("seats", "Tick the seats that are meant.")
        if cleaned.get("action") == "withdraw" and not cleaned.get("confirm"):
            self.add_error("confirm", "Erasing can't be undone: tick that you know, and try again.")
        return cleaned
