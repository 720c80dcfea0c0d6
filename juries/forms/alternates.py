"""What a researcher expects of jurors: how many drop out, and how sure she wants to be."""

from typing import Any

from django import forms

from juries.domain.dropout import DropoutRates, EstimatedRates
from juries.models import FeatureValue, Jury
from juries.services.alternates import Wanted

LEVELS = (("0.8", "80 %"), ("0.9", "90 %"), ("0.95", "95 %"), ("0.99", "99 %"))
DEFAULT_LEVEL = "0.9"


class AlternatesForm(forms.Form):
    """Rates in percent, the probability aimed at, and how many alternates to draw.

    Each value of the pool's features has an optional rate of its own. What was seen on past seats
    stands in the overall rate at first, and beside the others.
    """

    overall = forms.FloatField(
        label="Expected to drop out (%)",
        min_value=0,
        max_value=99,
        widget=forms.NumberInput(attrs={"step": "0.1"}),
    )
    level = forms.ChoiceField(
        label="Quotas can be met with a probability of", choices=LEVELS, initial=DEFAULT_LEVEL
    )
    number = forms.IntegerField(
        label="Alternates to draw",
        min_value=1,
        required=False,
        help_text="Empty: as many as turn out to be enough when sets are tried out.",
    )
    seed = forms.CharField(label="Seed (empty: a random one)", required=False, max_length=100)

    def __init__(
        self, *args: Any, jury: Jury, seen: EstimatedRates | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["overall"].help_text = _overall_seen(seen)
        if seen is not None:
            self.fields["overall"].initial = round(100 * seen.rates.overall, 1)
        self._traits: dict[str, tuple[str, str]] = {}
        values = FeatureValue.objects.filter(feature__pool=jury.pool_id).select_related("feature")
        for value in values.order_by("feature__position", "feature_id", "position", "id"):
            trait = (value.feature.name, value.value)
            rate = None if seen is None else seen.rates.by_value.get(trait)
            name = f"rate-{value.pk}"
            self._traits[name] = trait
            self.fields[name] = forms.FloatField(
                label=f"{value.feature.name}: {value.value} (%)",
                required=False,
                min_value=0,
                max_value=99,
                help_text="" if rate is None else f"seen: {100 * rate:.0f} %",
                widget=forms.NumberInput(attrs={"step": "0.1"}),
            )

    @property
    def by_value(self) -> list[forms.BoundField]:
        """The rates of single values."""
        return [self[name] for name in self._traits]

    @property
    def has_own_rates(self) -> bool:
        """Whether any value was given a rate of its own."""
        return any(self.data.get(name, "").strip() for name in self._traits)

    def wanted(self) -> Wanted:
        """The valid form as rates in [0, 1)."""
        return Wanted(
            rates=DropoutRates(
                self.cleaned_data["overall"] / 100,
                {
                    trait: self.cleaned_data[name] / 100
                    for name, trait in self._traits.items()
                    if self.cleaned_data.get(name) is not None
                },
            ),
            level=float(self.cleaned_data["level"]),
        )


def _overall_seen(seen: EstimatedRates | None) -> str:
    if seen is None:
        return "No seat of this pool has been accepted or given up yet, so there is no estimate."
    return (
        f"{seen.given_up} of {seen.seats} seats of this pool's juries were given up:"
        f" {100 * seen.given_up / seen.seats:.0f} %"
        f" (95 % interval {100 * seen.low:.0f} to {100 * seen.high:.0f} %)."
    )
