"""How high sources are put: one dot per juror, the mean with its interval."""

from collections.abc import Mapping, Sequence

from annotations.domain.measured import Measured
from annotations.figures.svg import add_axes, dot_strip, new_figure, render_svg, wrapped

ROW = 64


def ranking_svg(
    *, title: str, by_source: Mapping[str, Sequence[float]], means: Mapping[str, Measured]
) -> str:
    """Each juror's mean Borda share for each source, sources from the highest mean down."""
    figure = new_figure(height=ROW * len(by_source) + 64)
    ax = add_axes(figure, left=180, right=24, top=8, bottom=52, grid="x")
    dot_strip(
        ax,
        by_source,
        limits=(0.0, 1.0),
        intervals={
            source: (own.value, own.low, own.high)
            for source, own in means.items()
            if own.value is not None and own.low is not None and own.high is not None
        },
    )
    ax.set_yticks(
        range(len(by_source)), labels=[wrapped(source, columns=24) for source in by_source]
    )
    ax.set_xlabel("Borda share: 0 below all the others, 1 above all of them")
    return render_svg(
        figure,
        title=title,
        description="; ".join(
            f"{source}: mean {own.value:.2f}" if own.value is not None else f"{source}: not ranked"
            for source, own in means.items()
        ),
    )
