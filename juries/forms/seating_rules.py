"""What a coordinator says about who must, or must not, sit."""

from typing import Any

from django import forms

from juries.models import SeatingRule

LONGEST_LIST = 300_000


class SeatingRulesForm(forms.Form):
    """People, one a line, what holds for them, and why."""

    people = forms.CharField(
        label="People",
        required=False,
        max_length=LONGEST_LIST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )
    rule = forms.ChoiceField(
        label="Rule", choices=SeatingRule.Rule.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=500,
        help_text="For those who manage juries. It is never published, and erased when she"
        " withdraws.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, by_identity: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"].help_text = (
            "Ids of the pool, e-mail addresses or codes, one a line."
            if by_identity
            else "Codes, one a line."
        )

    def clean_people(self) -> list[str]:
        """The lines that hold something."""
        lines = str(self.cleaned_data["people"]).splitlines()
        return [line.strip() for line in lines if line.strip()]
