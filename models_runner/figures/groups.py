"""What each group gets: who gets least, who is left behind, which sources are dominated."""

from collections.abc import Sequence

import numpy as np

from annotations.figures.welfare import alpha_label
from annotations.ports import Figure, Table
from juries.domain.failure_modes import LeftBelow, left_below
from juries.domain.pareto import ParetoView, pareto_view
from juries.domain.welfare import GroupMeans, worst_of
from models_runner.figures.choice import Choice, known, names
from models_runner.figures.marks import marks_svg

UTILITY_AXIS = "utility: 0.01 the lowest rating, 1 the highest"


def groups_figure(choice: Choice) -> Figure:
    """What each group of the chosen feature gets from each source, the worst-off one marked."""
    groups = choice.groups
    assert groups is not None
    title = f"Which group gets least? By {groups.feature}"
    worst = worst_of(GroupMeans(groups.groups, groups.means))
    sources = choice.sources
    ringed = np.asarray(
        [[group == worst.groups[place] for place in range(len(sources))] for group in groups.groups]
    )
    left = left_behind(choice)
    return Figure(
        key="groups",
        title=title,
        svg=marks_svg(
            title=title,
            axis=UTILITY_AXIS,
            rows=[f"{g} ({n})" for g, n in zip(groups.groups, groups.jurors, strict=True)],
            sources=sources,
            values=groups.means,
            lower=groups.lower,
            upper=groups.upper,
            limits=(0.0, 1.0),
            ringed=ringed,
            threshold=choice.threshold,
            hollow=bool(choice.board.guessed),
        ),
        caption="A ring marks the group that gets least from a source; the dashed line is τ. A "
        "group of one juror has no interval.",
        finding=_left_sentence(choice, left),
        n=choice.n,
        interval="95 % bootstrap over the jurors of the group, "
        f"{choice.board.sweep.bootstraps:,} resamples",
        is_predicted=bool(choice.board.guessed),
        table=Table(
            columns=(
                groups.feature,
                "jurors",
                *(
                    f"{source}{part}"
                    for source in sources
                    for part in ("", " low", " high", " gets least")
                ),
            ),
            rows=tuple(
                (
                    group,
                    groups.jurors[row],
                    *(
                        cell
                        for place in range(len(sources))
                        for cell in (
                            *(
                                known(array[row, place])
                                for array in (groups.means, groups.lower, groups.upper)
                            ),
                            "yes" if ringed[row, place] else "",
                        )
                    ),
                )
                for row, group in enumerate(groups.groups)
            ),
            numeric=frozenset(
                column
                for column in range(1, 2 + 4 * len(sources))
                if (column - 1) % 4 or column < 2
            ),
            caption=title,
        ),
    )


def left_behind(choice: Choice) -> tuple[LeftBelow, ...]:
    """Groups that a winner leaves below the threshold though another source does not."""
    if choice.groups is None:
        return ()
    return left_below(
        GroupMeans(choice.groups.groups, choice.groups.means),
        responses=choice.sources,
        winners=choice.winners,
        threshold=choice.threshold,
    )


def pareto(choice: Choice) -> ParetoView | None:
    """Sources by the means of the chosen feature's groups, each an objective of its own."""
    if choice.groups is None:
        return None
    return pareto_view(choice.groups.means, responses=choice.sources)


def pareto_sentence(choice: Choice) -> str:
    """Which sources no other one dominates, group by group."""
    view = pareto(choice)
    if view is None or choice.groups is None or len(choice.sources) < 2:
        return ""
    by = f"when each group of {choice.groups.feature} is an aim of its own"
    dominated = [
        f"{name} is dominated by {names(others)}"
        for name, others in zip(view.responses, view.dominated_by, strict=True)
        if others
    ]
    if not dominated:
        return f"No source is dominated {by}: none is nowhere lower and somewhere higher."
    return f"{'; '.join(dominated)}, {by}: nowhere lower, somewhere higher."


def pareto_figure(choice: Choice) -> Figure:
    """Each source with what it gives every group; a ring where no other source dominates it."""
    groups = choice.groups
    assert groups is not None
    title = f"Which source is nowhere beaten? Each group of {groups.feature} as an aim of its own"
    dominated = dominated_by(choice)
    means = groups.means.T
    ringed = np.repeat([[not others] for others in dominated], means.shape[1], axis=1)
    return Figure(
        key="pareto",
        title=title,
        svg=marks_svg(
            title=title,
            axis=UTILITY_AXIS,
            rows=choice.sources,
            sources=groups.groups,
            values=means,
            lower=groups.lower.T,
            upper=groups.upper.T,
            limits=(0.0, 1.0),
            ringed=ringed,
            hollow=bool(choice.board.guessed),
        ),
        caption="Rings mark sources that no other dominates: none gives every group at least as "
        "much and some group more. The means are compared, not their intervals.",
        finding=pareto_sentence(choice),
        n=choice.n,
        interval="95 % bootstrap over the jurors of the group, "
        f"{choice.board.sweep.bootstraps:,} resamples",
        is_predicted=bool(choice.board.guessed),
        table=Table(
            columns=("source", *groups.groups, "dominated by"),
            rows=tuple(
                (source, *(known(mean) for mean in means[place]), dominated[place])
                for place, source in enumerate(choice.sources)
            ),
            numeric=frozenset(range(1, 1 + len(groups.groups))),
            caption=title,
        ),
    )


def dominated_by(choice: Choice) -> list[str]:
    """For each source those that dominate it, in words; empty where none does."""
    view = pareto(choice)
    if view is None:
        return [""] * len(choice.sources)
    return [", ".join(own) for own in view.dominated_by]


def _left_sentence(choice: Choice, left: Sequence[LeftBelow]) -> str:
    tau = f"τ = {choice.threshold:g}"
    if not left:
        return (
            f"At α = {alpha_label(choice.alpha)} {names(choice.winners)} "
            f"{'leave' if len(choice.winners) > 1 else 'leaves'} no group below {tau} that another "
            "source would not."
        )
    return " ".join(
        f"{own.winner}, which leads, leaves {own.group} at {own.mean:.2f}, below {tau}; "
        + ", ".join(f"{name} does not ({mean:.2f})" for name, mean in own.others)
        + "."
        for own in left
    )
