"""A figure as a page shows it, together with the chart that files are made of."""

from dataclasses import dataclass

from annotations.figures.svg import Chart
from annotations.ports import Figure, Table


@dataclass(frozen=True)
class Drawn:
    """A figure and its chart."""

    figure: Figure
    chart: Chart

    @classmethod
    def of(
        cls,
        *,
        key: str,
        chart: Chart,
        caption: str,
        table: Table,
        finding: str = "",
        n: str = "",
        interval: str = "",
        is_predicted: bool = False,
    ) -> "Drawn":
        """The figure of a chart; its title is the chart's."""
        return cls(
            figure=Figure(
                key=key,
                title=chart.title,
                svg=chart.svg(),
                caption=caption,
                table=table,
                finding=finding,
                n=n,
                interval=interval,
                is_predicted=is_predicted,
            ),
            chart=chart,
        )
