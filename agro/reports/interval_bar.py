"""A value with its interval as a bar in a row of a table."""

_WIDTH, _HEIGHT = 150, 16  # [px]


def interval_bar(value: float, low: float | None, high: float | None, highest: float) -> str:
    """The interval as a bar and the value as a mark in it, from nought to the highest of the table.

    value, low, high, highest  in one unit [t/ha]; low and high are None where no interval can be told
    returns  SVG text [-]; the figures stand beside it, so it is hidden from those who hear the page
    source   ours
    """
    scale = (_WIDTH - 8) / max(highest, 1e-9)
    middle = 4 + value * scale
    span = ""
    if low is not None and high is not None:
        span = f'<rect class="span" x="{4 + low * scale:.1f}" y="4" width="{max((high - low) * scale, 1):.1f}" height="8" rx="2"/>'  # fmt: skip  # noqa: E501
    axis = f'<line class="span-axis" x1="4" x2="{_WIDTH - 4}" y1="8" y2="8"/>'
    mark = f'<rect class="span-middle" x="{middle - 1.5:.1f}" y="1" width="3" height="14"/>'
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return f'<svg class="span-bar" aria-hidden="true" {view}>{axis}{span}{mark}</svg>'
