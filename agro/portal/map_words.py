"""What the map's own buttons are called."""

from agro.reports.words import say


def map_words(language: str) -> dict[str, str]:
    """The words of the map's program by its own names for them."""
    return {
        "NavigationControl.ZoomIn": say("Zoom in", language),
        "NavigationControl.ZoomOut": say("Zoom out", language),
        "Map.Title": say("Map", language),
        "Popup.Close": say("Close", language),
        "ScaleControl.Meters": say("m", language),
        "ScaleControl.Kilometers": say("km", language),
        "CooperativeGesturesHandler.WindowsHelpText": say("Hold Ctrl to zoom the map", language),
        "CooperativeGesturesHandler.MacHelpText": say("Hold Ctrl to zoom the map", language),
        "CooperativeGesturesHandler.MobileHelpText": say("Move the map with two fingers", language),
    }
