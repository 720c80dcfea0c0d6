"""Held-out error of a method and its baselines, by what was known of the juror."""

from collections.abc import Mapping, Sequence

from annotations.figures.svg import DATA, MARKERS, QUIET, add_axes, new_figure, render_svg


def held_out_svg(
    *,
    title: str,
    counts: Sequence[int],
    errors: Mapping[str, Sequence[tuple[float, float, float] | None]],
    measure: str = "mean absolute error",
    said: str = "ratings",
) -> str:
    """The error (mean, low, high over seeds) by method, at each number of own ratings.

    `measure` names the error, `said` what it is that jurors have given.
    """
    figure = new_figure(height=320)
    ax = add_axes(figure, left=64, right=190, top=16, bottom=56, grid="y")
    for order, (method, points) in enumerate(errors.items()):
        colour, marker = DATA[order % len(DATA)], MARKERS[order % len(MARKERS)]
        shift = (order - (len(errors) - 1) / 2) * 0.06
        places = [place + shift for place, point in enumerate(points) if point is not None]
        found = [point for point in points if point is not None]
        ax.plot(places, [point[0] for point in found], color=colour, linewidth=1.2)
        for place, (mean, low, high) in zip(places, found, strict=True):
            ax.plot([place, place], [low, high], color=colour, linewidth=2.5)
            ax.plot(place, mean, marker=marker, color=colour, markersize=7, linestyle="none")
        ax.plot([], [], marker=marker, color=colour, label=method.replace("_", " "))
    ax.set_xticks(range(len(counts)), labels=[str(count) for count in counts])
    ax.set_xlabel(f"{said} of a new juror that the model has seen")
    ax.set_ylabel(measure, color=QUIET)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return render_svg(
        figure,
        title=title,
        description="; ".join(
            f"{method}: "
            + ", ".join(
                f"{point[0]:.2f} at {count}"
                for count, point in zip(counts, points, strict=True)
                if point is not None
            )
            for method, points in errors.items()
        ),
    )
