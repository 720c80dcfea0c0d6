"""The open registration form: a pool's features as questions, with two traps for bots."""

from typing import Any

from django import forms

from juries.forms.traps import TrappedForm
from juries.models import Pool

SALT = "juries.registration.form"


class RegistrationForm(TrappedForm):
    """One question for each feature, the address, consent."""

    salt = SALT

    email = forms.EmailField(
        label="Your e-mail address",
        help_text="We write to you if you are drawn, and for nothing else.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    consent = forms.BooleanField(label="I agree to this and want to be in the pool")

    def __init__(self, *args: Any, pool: Pool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.features = list(pool.features.prefetch_related("values").order_by("position", "id"))
        for feature in self.features:
            self.fields[f"feature-{feature.pk}"] = forms.ChoiceField(
                label=feature.question or feature.name.capitalize(),
                choices=[(str(value.pk), value.value) for value in feature.values.all()],
                widget=forms.RadioSelect,
            )

    @property
    def questions(self) -> list[forms.BoundField]:
        """The features' fields in order."""
        return [self[f"feature-{feature.pk}"] for feature in self.features]

    def chosen(self) -> dict[int, int]:
        """Feature's id to value's id; after `is_valid`."""
        return {
            feature.pk: int(self.cleaned_data[f"feature-{feature.pk}"]) for feature in self.features
        }
