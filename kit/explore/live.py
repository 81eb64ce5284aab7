"""The live view: the one mechanism behind every explorer.

Matplotlib draws the scene once; a small canvas draws what moves; kit's own numerics compute.
A view with one slider computes all its positions beforehand, and then needs no kernel to answer.

An explorer says what can be moved (`Slider`, `Choice`, `Text`, `Clock`), where it is drawn (`Stage`), and
gives one function from the values of the controls to what is to be shown (`Frame`).

Taught in: every notebook
"""

import base64
import io
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anywidget
import numpy as np
import traitlets
from IPython import get_ipython
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from kit.explore.overlay import Overlay, Picture, box_of

CACHE_LIMIT = 2_000_000  # bytes of precomputed frames that a notebook may carry
TINTS = ("#cfe5f2", "#fbe3b8", "#cdeee3", "#f3dbe8")  # of a piece's box, as in live.css: dark letters show on all
FAR = 1e5  # pixels: a diverging line is cut off this far outside its picture


@dataclass(frozen=True, kw_only=True)
class Control:
    """Something that can be moved to one of a row of values.

    Raises:
        ValueError: if there are fewer than two values, or `start` is not a position among them.
    """

    name: str
    label: str
    values: Sequence[Any]
    labels: Sequence[str]
    start: int = 0

    def __post_init__(self):
        if len(self.values) < 2 or len(self.values) != len(self.labels):
            raise ValueError(f"values must be two or more, each with a label, got {len(self.values)} for {self.name}")
        if not 0 <= self.start < len(self.values):
            raise ValueError(f"start must be a position from 0 to {len(self.values) - 1}, got {self.start}")


@dataclass(frozen=True, kw_only=True)
class Slider(Control):
    """A control whose values have an order; the handle moves over their positions.

    Args:
        play: whether a button stands beside it that moves the handle on by itself, to the end.
    """

    play: bool = False


class Choice(Control):
    """A control whose values are alternatives, all in sight."""


class Clock(Control):
    """A control that goes on by itself: the frames of something that takes its time, such as a training.

    The next frames are asked for when one has been drawn, two at a time, so that a slow way to the kernel
    does not halve their number. Moving any other control sets the clock back to its first position, and lets
    it run. It can be set back to any frame that has been, and not ahead.
    """


class Text(Control):
    """A control that takes any text typed into it, on one line; its values are examples to start from."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A figure that stands still, and its lines that move; axis limits must be fixed.

    The stages of one view have one size and one layout, so that nothing jumps between them.
    """

    figure: Figure
    lines: Sequence[Line2D]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What one setting of the controls shows: points for each line of a stage, and a sentence.

    Args:
        lines: a pair of x and y, in data units, for each line of the stage.
        sentence: what the picture shows, for all readers and above all for those who cannot see it.
        quest_met: whether this setting meets the view's quest.
        stage: which of the view's stages these lines belong to.
        pieces: short texts, each with a note, set side by side in coloured boxes below the picture.
        overlays: heat maps, pictures and words, drawn over the stage and under its lines.
    """

    lines: Sequence[tuple[Any, Any]]
    sentence: str
    quest_met: bool = False
    stage: int = 0
    pieces: Sequence[tuple[str, str]] = ()
    overlays: Sequence[Overlay] = ()


@dataclass(frozen=True, kw_only=True)
class Drag:
    """Let a drag inside one axes move two sliders: x from its left to its right, y from bottom to top."""

    axes: int
    x: str
    y: str


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Let a drag inside one axes draw a curve: the slider whose handle is nearest follows the pointer's height.

    Args:
        sliders: the lowest position of each stands at the bottom of the axes, the highest at the top.
        at: where the handle of each stands, in data units of the axes' x.
    """

    axes: int
    sliders: Sequence[str]
    at: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Click:
    """Let a click on one of several boxes of one axes move a control to the position of that box.

    Args:
        boxes: left, bottom, width and height of each, in data units of the axes.
    """

    axes: int
    control: str
    boxes: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True, kw_only=True)
class Handle:
    """A dot of the stage that can be taken hold of: moving it moves two sliders, whose values are even steps.

    Args:
        line: the number of the stage's line that is the dot.
        x, y: the sliders.
        scale: how far the dot moves, in data units of its axes, where a slider's value grows by 1.
    """

    line: int
    x: str
    y: str
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Grab:
    """Let a drag inside one axes take the nearest of several handles along."""

    axes: int
    handles: Sequence[Handle]


@dataclass
class _Projection:
    """A stage, laid out once: its picture as PNG, and the way from data to pixels."""

    stage: Stage
    background: bytes = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self):
        figure = self.stage.figure
        FigureCanvasAgg(figure)  # never pyplot: a slider's callback may run beside the cell's own thread
        figure.canvas.draw()
        # From here on nothing shifts. savefig puts back the engine that it found, and where there
        # was none at all, that of the reader's own style.
        figure.set_layout_engine(PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=True))
        for line in self.stage.lines:
            line.set_visible(False)
        self.background = self._png(dpi=2 * figure.dpi)  # sharp on screens of twice the density
        for line in self.stage.lines:
            line.set_visible(True)
            line.set_path_effects([patheffects.withStroke(linewidth=line.get_linewidth() + 2, foreground="white")])

    def describe(self) -> dict:
        pixels = self.stage.figure.dpi / 72
        return {
            "width": float(self.stage.figure.bbox.width),
            "height": float(self.stage.figure.bbox.height),
            "background": self.background,
            "lines": [
                {
                    "box": box_of(line.axes),
                    "color": to_hex(line.get_color()),
                    "width": 0 if line.get_linestyle() == "None" else line.get_linewidth() * pixels,
                    "dot": 0 if line.get_marker() in ("None", None, "") else line.get_markersize() * pixels / 2,
                }
                for line in self.stage.lines
            ],
        }

    def pack(self, frame: Frame) -> bytes:
        """Turn a frame's lines into pixels: for each its number of points, then x, y, x, y, ..."""
        if len(frame.lines) != len(self.stage.lines):
            raise ValueError(
                f"lines must be {len(self.stage.lines)}, one for each of the stage, got {len(frame.lines)}"
            )
        packed = []
        for i, (line, (x, y)) in enumerate(zip(self.stage.lines, frame.lines, strict=True)):
            points = np.column_stack([np.atleast_1d(x), np.atleast_1d(y)]).astype(float)
            if np.isnan(points).any():
                raise ValueError(
                    f"lines must hold no NaN, got one in line {i} at point {np.isnan(points).argmax() // 2}"
                )
            # an infinity would become NaN on its way to pixels
            pixels = cast(Axes, line.axes).transData.transform(points.clip(-1e30, 1e30))
            pixels[:, 1] = self.stage.figure.bbox.height - pixels[:, 1]
            packed += [[len(points)], pixels.clip(-FAR, FAR).ravel()]
        return np.concatenate(packed).astype("<f4").tobytes()

    def picture(self, frame: Frame) -> bytes:
        """Draw a frame as PNG by Matplotlib alone."""
        with self.lock:
            for line, (x, y) in zip(self.stage.lines, frame.lines, strict=True):
                line.set_data(np.atleast_1d(x), np.atleast_1d(y))
            boxes, depth = self._set(frame.pieces)
            boxes += [artist for overlay in frame.overlays for artist in overlay.draw(self.stage.figure)]
            png = self._png(dpi=self.stage.figure.dpi, below=depth)
            for box in boxes:
                box.remove()
            return png

    def _set(self, pieces: Sequence[tuple[str, str]]) -> tuple[list[Any], float]:
        """Set pieces in rows below the figure, as the page does; return them, and how far down they go in inches."""
        figure, boxes, x, y = self.stage.figure, [], 0.15, -0.15
        across, up = figure.get_size_inches()
        for i, (piece, note) in enumerate(pieces):
            width = 0.084 * max(len(piece), 0.8 * len(note)) + 0.1  # monospace: 0.6 of the font's 10 points a letter
            if x + width > across:
                x, y = 0.15, y - 0.45
            box = {"facecolor": TINTS[i % len(TINTS)], "edgecolor": "#888888", "pad": 2.5}
            boxes.append(figure.text(x / across, y / up, piece, family="monospace", va="top", bbox=box))
            boxes.append(figure.text(x / across, (y - 0.2) / up, note, size=7, va="top", color="#555555"))
            x += width
        return boxes, 0.4 - y if pieces else 0

    def _png(self, dpi: float, below: float = 0) -> bytes:
        buffer, figure = io.BytesIO(), self.stage.figure
        extent = Bbox.from_extents(0, -below, *figure.get_size_inches()) if below else None
        figure.savefig(buffer, format="png", dpi=dpi, bbox_inches=extent)
        return buffer.getvalue()


class LiveView(anywidget.AnyWidget):
    """A picture that follows its controls at once.

    Args:
        title: names the view for screen readers.
        controls: what can be moved. One slider alone is computed beforehand at all its positions.
        stages: the pictures; a frame says on which of them it is drawn.
        frame: the one function of the view, from the controls' values, by name, to a `Frame`.
        quest: a goal to reach, in words; `Frame.quest_met` lights it up.
        drag: what the pointer does inside the picture: it moves two sliders, draws a curve with many,
            chooses among boxes, or takes handles along.

    Raises:
        ValueError: if the precomputed frames are more than a notebook should carry, or a frame
            does not fit its stage.
    """

    # as text: anywidget watches a file that it is given, and the watch keeps every view alive for ever
    _esm = "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("overlay.js", "live.js"))
    _css = Path(__file__).with_name("live.css").read_text(encoding="utf-8")
    _ipython_display_ = None  # else ipywidgets 7 would bypass _repr_mimebundle_, and lose the picture

    scene = traitlets.Dict().tag(sync=True)
    cache = traitlets.Bytes(b"").tag(sync=True)
    request = traitlets.Dict()
    reply = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        title: str,
        controls: Sequence[Control],
        stages: Sequence[Stage],
        frame: Callable[..., Frame],
        quest: str = "",
        drag: Drag | Draw | Click | Grab | None = None,
    ):
        close_predecessor(title, self)
        self.controls, self.frame = tuple(controls), frame
        self._projections = [_Projection(stage) for stage in stages]
        self._lock = threading.Lock()
        start = [control.start for control in controls]
        precompute = len(controls) == 1 and isinstance(controls[0], Slider)
        frames, cache = self._precompute() if precompute else (None, b"")
        super().__init__(
            scene={
                "title": title,
                "quest": quest,
                "controls": [
                    {"kind": type(c).__name__.lower(), "label": c.label, "labels": list(c.labels)}
                    | ({"play": c.play} if isinstance(c, Slider) else {})
                    for c in controls
                ],
                "stages": [projection.describe() for projection in self._projections],
                "drag": self._describe_drag(drag),
                "frames": frames,
            },
            cache=cache,
            request={"positions": start, "sequence": 0},
            reply=self._answer({"positions": start, "sequence": 0}),
        )
        self.observe(lambda change: setattr(self, "reply", self._answer(change["new"])), "request")
        self.on_msg(lambda view, request, _: view.set_trait("request", request))

    def frame_at(self, positions: Sequence[int | str]) -> Frame:
        """Compute the frame for a position of each control, or for what was typed into it."""
        pairs = zip(self.controls, positions, strict=True)
        return self.frame(**{c.name: p if isinstance(p, str) else c.values[p] for c, p in pairs})

    def close(self) -> None:
        """Close the view and let go of all it holds; IPython's `Out` may keep the empty husk for hours."""
        if self.comm is not None:
            self.layout.close()
            super().close()
            self.scene, self.cache, self.reply = {}, b"", {}
            del self.frame, self._projections

    def _answer(self, request: dict) -> dict:
        """Compute what the front end asked for; an error becomes part of the answer, to be shown."""
        answer = {**request, "error": ""}
        try:
            with self._lock:  # JupyterLab runs callbacks on a thread of their own
                first, *then = [self._packed(positions) for positions in self._from(request)]
        except Exception:
            return answer | {"error": traceback.format_exc(limit=-2)}
        return answer | first | {"then": then}

    def _from(self, request: dict) -> list[list]:
        """List the positions that were asked for, and those after them that a running clock asks for beside."""
        asked = [request["positions"]]
        for i, control in enumerate(self.controls):
            if isinstance(control, Clock):
                now, last = asked[0][i], len(control.values) - 1
                later = range(now + 1, min(now + request.get("ahead", 0), last) + 1)
                asked += [[*asked[0][:i], at, *asked[0][i + 1 :]] for at in later]
        return asked

    def _packed(self, positions: Sequence[int | str]) -> dict:
        frame = self.frame_at(positions)
        numbers = self._projections[frame.stage].pack(frame)
        return {"positions": list(positions), "numbers": numbers} | self._describe(frame)

    def _describe(self, frame: Frame) -> dict:
        figure = self._projections[frame.stage].stage.figure
        return {
            "say": frame.sentence,
            "met": frame.quest_met,
            "stage": frame.stage,
            "pieces": [list(piece) for piece in frame.pieces],
            "overlays": [overlay.describe(figure) for overlay in frame.overlays],
        }

    def _precompute(self) -> tuple[list[dict], bytes]:
        frames, cache = [], b""
        for position in range(len(self.controls[0].values)):
            frame = self.frame_at([position])
            if any(isinstance(overlay, Picture) for overlay in frame.overlays):  # too heavy for every position
                raise ValueError("overlays must hold no picture where one slider is computed beforehand; add a control")
            frames.append(self._describe(frame) | {"start": len(cache) // 4})
            cache += self._projections[frame.stage].pack(frame)
            if len(cache) > CACHE_LIMIT:
                raise ValueError(
                    f"frames must fit {CACHE_LIMIT} bytes, got more by position {position}; use fewer values"
                )
        return frames, cache

    def _describe_drag(self, drag: Drag | Draw | Click | Grab | None) -> dict | None:
        if drag is None:
            return None
        names = [control.name for control in self.controls]
        projection = self._projections[0]
        axes = projection.stage.figure.axes[drag.axes]
        box = box_of(axes)
        if isinstance(drag, Click):
            corners = np.array([[(x, y + height), (x + width, y)] for x, y, width, height in drag.boxes])
            pixels = axes.transData.transform(corners.reshape(-1, 2)).reshape(-1, 4)
            pixels[:, 1::2] = projection.stage.figure.bbox.height - pixels[:, 1::2]
            return {"box": box, "boxes": pixels.tolist(), "control": names.index(drag.control)}
        if isinstance(drag, Grab):
            return {"box": box, "grabs": [self._describe_handle(handle, axes, box) for handle in drag.handles]}
        if isinstance(drag, Drag):
            return {"box": box, "x": names.index(drag.x), "y": names.index(drag.y)}
        across = axes.transData.transform([(x, 0) for x in drag.at])[:, 0]
        handles = zip(drag.sliders, across, strict=True)
        return {"box": box, "handles": [{"slider": names.index(name), "x": float(x)} for name, x in handles]}

    def _describe_handle(self, handle: Handle, axes: Any, box: Sequence[float]) -> dict:
        """Say which sliders a handle moves, and how many pixels it goes along either axis for a step of its slider."""
        names = [control.name for control in self.controls]
        described: dict[str, Any] = {"line": handle.line}
        ways = (("x", handle.x, axes.get_xlim(), box[2]), ("y", handle.y, axes.get_ylim()[::-1], box[3]))
        for axis, name, (low, high), pixels in ways:  # y grows downwards on the page
            values = self.controls[names.index(name)].values
            step = handle.scale * (values[-1] - values[0]) / (len(values) - 1)
            described |= {axis: names.index(name), f"{axis}Step": float(step * pixels / (high - low))}
        return described

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Add a picture and a sentence, which GitHub and other readers without a kernel show."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        frame = self.frame_at(self.request["positions"])
        picture = self._projections[frame.stage].picture(frame)
        return {**data, "image/png": base64.b64encode(picture).decode(), "text/plain": frame.sentence}, metadata


_shown: dict[tuple[str, str], LiveView] = {}


def close_predecessor(title: str, view: LiveView) -> None:
    """Close the view of this title that the same cell made before; re-running a cell leaves nothing behind."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    key = (parent.get("metadata", {}).get("cellId", ""), title)
    if key in _shown:
        _shown[key].close()
    _shown[key] = view
