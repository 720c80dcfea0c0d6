"""What a researcher says in the steps of a draw in public."""

from django import forms

from juries.domain.beacon import LONGEST_VALUE
from juries.selectors.records import Randomness


class RecordForm(forms.Form):
    """The source of the public value, before the record is published."""

    source = forms.CharField(
        label="Who or what makes the public value",
        max_length=300,
        help_text="Something that nobody can steer and everybody can look up: “Swiss lotto of "
        "5 December 2026”, “drand round 4 512 000”, “ten dice rolled in the town hall”.",
    )
    source_date = forms.DateField(
        label="On which day",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Today or later. The value can't be entered before.",
    )
    spelling = forms.CharField(
        label="How the value will be written",
        max_length=300,
        required=False,
        help_text="Agree on it now, so that nobody can choose later: “the six numbers, smallest "
        "first”, “the dice in the order in which they were rolled”. Capitals, commas and spaces "
        "make no difference.",
    )
    with_quota_membership = forms.BooleanField(
        label="Publish which quotas each public id counts towards",
        required=False,
        help_text="Then anybody can check the quotas too. It shows the traits of each code to "
        "whoever knows whose code it is, and rare combinations can give a person away. Leave it "
        "off unless everybody in the pool has agreed.",
    )

    @property
    def randomness(self) -> Randomness:
        """The source as the service takes it."""
        return Randomness(
            source=self.cleaned_data["source"],
            date=self.cleaned_data["source_date"],
            spelling=self.cleaned_data["spelling"],
        )


class ValueForm(forms.Form):
    """The public value, once the world has made it."""

    value = forms.CharField(
        label="The public value",
        max_length=2 * LONGEST_VALUE,
        help_text="As the record says that it is written. It draws the panel at once, for good.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class VoidForm(forms.Form):
    """Why a record is taken out of force."""

    reason = forms.CharField(
        label="Why the record is void",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The public reads it. The record stays on the list.",
    )
