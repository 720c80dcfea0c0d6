"""Requests of this app's pages, checked; nothing is saved here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from urllib.parse import parse_qsl, urlencode

from django import forms

from annotations.models import Criterion, Study
from juries.domain.verdicts import SeatKind, seat_kind
from juries.domain.welfare import alpha_of
from models_runner.domain.leaderboard import GRID
from models_runner.domain.reward import DEFAULT_METHOD, PLAIN, TRAINED_METHODS
from models_runner.selectors.jury_ratings import Share

LAST_STOP = 16.25
SEAT_PREFIX = "seat:"
MOST_SEATS = 60
MOST_CHANGES = 6

# The default first.
LEARNT = tuple(
    sorted(
        (name for name in TRAINED_METHODS if name not in PLAIN),
        key=lambda name: name != DEFAULT_METHOD,
    )
)


class TrainingForm(forms.Form):
    """Which criterion to learn, and how."""

    criterion = forms.ModelChoiceField(
        queryset=Criterion.objects.none(), empty_label=None, label="Criterion"
    )
    method = forms.ChoiceField(
        choices=[(name, name.replace("_", " ")) for name in LEARNT],
        initial=DEFAULT_METHOD,
        label="Method",
        help_text="hierarchical: what all jurors and each group share, and each juror's own way. "
        "independent: a model for each juror from her own ratings alone. "
        "population offset: what all jurors share, and each juror's distance from it. "
        "low rank: which of two responses a juror prefers, from her preferences and from her "
        "ratings on the criterion, taken in pairs. "
        "jury learning: one network that reads the texts; slow without a GPU. "
        "statement: how far a response follows from the opinion that a juror wrote herself.",
    )

    def __init__(self, *args: object, study: Study, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through untouched
        field = self.fields["criterion"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = study.criteria.all()


class AlphaField(forms.CharField):
    """One of the stored alphas; the slider's last stop, 16.25, is infinity."""

    def clean(self, value: object) -> float:
        """The alpha as a number."""
        text = str(super().clean(value)).strip()
        try:
            alpha = inf if text == f"{LAST_STOP}" else alpha_of(text)
        except ValueError:
            alpha = -1.0
        if alpha not in GRID:
            raise forms.ValidationError(
                f"α = {text} was not computed. Take 0 to 16 in steps of 0.25, or inf for ∞."
            )
        return alpha


class LeaderboardForm(forms.Form):
    """What a reader wants to see of a leaderboard."""

    criterion = forms.ChoiceField(label="Criterion")
    share = forms.ChoiceField(label="What counts")
    trait = forms.ChoiceField(label="Groups by", required=False)
    tau = forms.FloatField(
        label="τ, the utility below which a group is left behind", min_value=0, max_value=1
    )
    alpha = AlphaField(
        label="α, how much the worst-off count",
        widget=forms.NumberInput(attrs={"type": "range", "min": 0, "max": LAST_STOP, "step": 0.25}),
    )

    def __init__(
        self,
        *args: object,
        criteria: Sequence[Criterion],
        traits: Sequence[str],
        shares: Sequence[Share],
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through untouched
        for name, choices in (
            ("criterion", [(criterion.key, criterion.name) for criterion in criteria]),
            ("trait", [(trait, trait) for trait in traits]),
            ("share", [(share.value, share.label) for share in shares]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
        if not traits:
            del self.fields["trait"]


class VerdictsForm(forms.Form):
    """What juries are asked about; their seats stand in fields of their own (`read_seats`)."""

    criterion = forms.ChoiceField(label="Criterion")
    share = forms.ChoiceField(label="What counts")
    by = forms.MultipleChoiceField(
        label="Seats ask for", required=False, widget=forms.CheckboxSelectMultiple
    )
    threshold = forms.FloatField(label="Threshold, on the scale of the criterion")
    query = forms.ChoiceField(label="Queries", required=False)
    changes = forms.IntegerField(
        label="Look for a jury that says otherwise within so many changed seats",
        min_value=1,
        max_value=MOST_CHANGES,
    )
    response = forms.ChoiceField(label="Response", required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: object,
        criteria: Sequence[tuple[str, str]],
        features: Sequence[str],
        queries: Sequence[tuple[str, str]],
        responses: Sequence[str],
        scale: tuple[float, float],
        why_not_predicted: str,
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through untouched
        self.scale = scale
        shares = [Share.SAID] if why_not_predicted else list(Share)
        self.fields["share"].help_text = why_not_predicted
        for name, choices in (
            ("criterion", criteria),
            ("share", [(share.value, share.label) for share in shares]),
            ("by", [(feature, feature) for feature in features]),
            ("query", [("", "all queries"), *queries]),
            ("response", [("", "none"), *((own, own) for own in responses)]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices

    def clean_threshold(self) -> float:
        """On the scale."""
        low, high = self.scale
        threshold = float(self.cleaned_data["threshold"])
        if not low <= threshold <= high:
            raise forms.ValidationError(
                f"{threshold:g} is not on the scale, which runs from {low:g} to {high:g}."
            )
        return threshold


@dataclass(frozen=True)
class SeatsRead:
    """The fields of seats in a request.

    Attributes:
        seats: seats by kind; what can't be read counts as none.
        texts: what was written, by the field's name.
        problem: what can't be read, naming the seat; empty if all can.
    """

    seats: Mapping[SeatKind, int]
    texts: Mapping[str, str]
    problem: str


def seat_field(kind: SeatKind) -> str:
    """The name of the field that counts the seats of a kind."""
    return SEAT_PREFIX + urlencode(kind.traits)


def read_seats(data: Mapping[str, str]) -> SeatsRead:
    """The seats that a request names by `seat_field`."""
    seats: dict[SeatKind, int] = {}
    problems = []
    texts = {name: text for name, text in data.items() if name.startswith(SEAT_PREFIX)}
    for name, text in texts.items():
        told = name.removeprefix(SEAT_PREFIX)
        try:
            kind = seat_kind(dict(parse_qsl(told, strict_parsing=True) if told else ()))
        except ValueError:
            problems.append(f"The seat {told!r} can't be read. Write TRAIT=VALUE, joined by &.")
            continue
        number = text.strip() or "0"
        if not number.isdecimal():
            problems.append(
                f"{text!r} seats for {kind.label!r} is no number of seats. Write 0 to {MOST_SEATS}."
            )
        seats[kind] = int(number) if number.isdecimal() else 0
    if sum(seats.values()) > MOST_SEATS:
        problems.append(
            f"The jury has {sum(seats.values())} seats; at most {MOST_SEATS} can be tried here."
        )
    return SeatsRead(seats, texts, " ".join(problems))
