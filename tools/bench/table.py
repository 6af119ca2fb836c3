"""The table that is printed: a row for each thing measured, a column for each target."""

from collections.abc import Sequence

from bench.measures import Measure, Value

NO_FEATURE = "-"
"""A cell that is empty says that there was nothing to measure, as where nothing failed."""


def table(measures: Sequence[Measure], targets: Sequence[str]) -> str:
    """Lay measures out as a Markdown table, whose columns are padded to be read as text too."""
    found = {(each.scenario, each.metric, each.unit, each.target): each.value for each in measures}
    rows = dict.fromkeys((each.scenario, each.metric, each.unit) for each in measures)
    cells = [["scenario", "what", *targets]]
    for scenario, metric, unit in rows:
        keys = [(scenario, metric, unit, target) for target in targets]
        values = [cell(found[key]) if key in found else "" for key in keys]
        cells.append([scenario, f"{metric}, {unit}" if unit else metric, *values])
    widths = [max(len(row[index]) for row in cells) for index in range(len(cells[0]))]
    head, *body = [_line(row, widths) for row in cells]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([head, rule, *body]) + "\n"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return (
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
    )


def cell(value: Value) -> str:
    """Write a value with three digits that mean something, and no more."""
    if value is None:
        return NO_FEATURE
    if isinstance(value, str):
        return value.replace("|", "/")
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
