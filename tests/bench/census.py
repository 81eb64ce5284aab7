"""What is alive in this kernel; runs inside the notebook that is measured."""

import gc

import matplotlib.pyplot as plt
import psutil
from ipywidgets.widgets import widget
from matplotlib.figure import Figure


def census() -> dict[str, int]:
    """Count bytes, figures and widgets, after all garbage is gone."""
    gc.collect()
    return {
        "bytes": psutil.Process().memory_info().rss,
        "figures": sum(isinstance(each, Figure) for each in gc.get_objects()),
        "open in pyplot": len(plt.get_fignums()),
        "widgets": len(widget._instances),
    }
