"""How well a judge agrees with people: its report card as a figure and tables."""

from collections.abc import Mapping, Sequence

from annotations.domain.measured import Measured
from annotations.figures.svg import BLUE, INK, QUIET, SMALL, Chart, add_axes, new_figure
from annotations.ports import Table
from overton.domain.report_card import METRICS, ReliabilityBin, ReportCard
from overton.figures.drawn import Drawn

Cell = str | int | float | None
METRIC_NAMES = {
    "f1": "F1",
    "kappa": "Cohen’s κ",
    "auc": "area under the curve",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "brier": "Brier score",
    "ece": "calibration error",
}
METRIC_MEANS = {
    "f1": "of what it or people call expressed, how much both do; 1 is best",
    "kappa": "agreement beyond what chance would give; 1 is best, 0 is chance",
    "auc": "chance that it ranks an expressed pair above one that is not; 0.5 is chance",
    "accuracy": "share of pairs of which it says what people say",
    "precision": "of what it calls expressed, the share that people do",
    "recall": "of what people call expressed, the share that it does",
    "brier": "mean squared distance of its probability from what people say; 0 is best",
    "ece": "how far its probabilities are from people’s shares, on average; 0 is best",
}
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
INTERVAL = "95 % bootstrap over queries"


def reliability_chart(*, title: str, bins: Sequence[ReliabilityBin]) -> Chart:
    """What people say against what the judge says, bin by bin; the diagonal is perfect.

    A mark's area grows with its pairs, whose number stands beside it; the upright line is the
    Wilson interval of the share.
    """
    figure = new_figure(height=380)
    ax = add_axes(figure, left=84, right=260, top=16, bottom=56, grid="x")
    ax.grid(visible=True, axis="y")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    labels = [f"{100 * tick:.0f} %" for tick in TICKS]
    ax.set_xticks(TICKS, labels=labels)
    ax.set_yticks(TICKS, labels=labels)
    ax.tick_params(axis="y", labelsize=SMALL)
    ax.set_xlabel("the judge’s probability that a pair is expressed")
    ax.set_ylabel("share that people call expressed")
    ax.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
    ax.text(1.04, 1.0, "as often as it says", size=SMALL, color=QUIET, va="center")
    most = max((one.count for one in bins), default=1)
    for one in bins:
        share = one.observed
        if share.low is not None and share.high is not None:
            ax.plot(
                [one.predicted] * 2, [share.low, share.high], color=BLUE, linewidth=3, alpha=0.4,
                clip_on=False,
            )  # fmt: skip
        if share.value is not None:
            ax.plot(
                [one.predicted], [share.value], linestyle="none", marker="o", color=BLUE,
                markersize=5 + 9 * (one.count / most) ** 0.5, clip_on=False, zorder=4,
            )  # fmt: skip
            ax.annotate(
                str(one.count), (one.predicted, share.value), xytext=(9, -13),
                textcoords="offset points", size=SMALL, color=QUIET, annotation_clip=False,
            )  # fmt: skip
    parts = [
        f"{one.count} pairs at {100 * one.predicted:.0f} %: people call "
        f"{100 * one.observed.value:.0f} % expressed"
        for one in bins
        if one.observed.value is not None
    ]
    return Chart(figure, title, "; ".join(parts))


def reliability_figure(card: ReportCard) -> Drawn:
    """The reliability plot of a card that holds labelled pairs."""
    title = "Is the judge right as often as it says?"
    rows: list[tuple[Cell, ...]] = [
        (
            f"{one.low:.1f} to {one.high:.1f}",
            one.count,
            one.predicted,
            one.observed.value,
            one.observed.low,
            one.observed.high,
        )
        for one in card.reliability
    ]
    error = card.metrics["ece"]
    return Drawn.of(
        key="reliability",
        chart=reliability_chart(title=title, bins=card.reliability),
        caption="The number beside a mark is how many pairs stand in it. Probabilities are held "
        "out: none was learned from labels of its own query.",
        table=Table(
            columns=("probability", "pairs", "mean probability", "called expressed", "from", "to"),
            rows=tuple(rows),
            numeric=frozenset(range(1, 6)),
            caption="Pairs by the judge’s probability, and what people say of them",
        ),
        finding=""
        if error.value is None
        else f"On average its probability is {100 * error.value:.0f} percentage points from the "
        "share that people give.",
        n=f"{card.pairs:,} labelled pairs of {card.queries} queries",
        interval="95 % Wilson",
        is_predicted=True,
    )


def metrics_table(card: ReportCard) -> Table:
    """All metrics, of all pairs and of each part of them."""
    parts: list[tuple[str, str, Mapping[str, Measured]]] = [
        ("all", "all pairs", card.metrics),
        *(("length of the response", name, own) for name, own in card.by_length.items()),
        *(("kind of trap", name, own) for name, own in card.by_trap.items()),
    ]
    rows: list[tuple[Cell, ...]] = [
        (kind, name, METRIC_NAMES[metric], own[metric].value, own[metric].low, own[metric].high,
         own[metric].count, own[metric].reason)
        for kind, name, own in parts
        for metric in METRICS
    ]  # fmt: skip
    return Table(
        columns=("by", "part", "metric", "value", "from", "to", "pairs", "not computed"),
        rows=tuple(rows),
        numeric=frozenset({3, 4, 5, 6}),
        caption="Agreement of the judge with people, all pairs and part by part",
    )
