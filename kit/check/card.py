"""Cards: how checks, claims and predictions look, in light themes, in dark themes and as plain text.

Taught in: every notebook
"""

from dataclasses import dataclass
from html import escape

GREEN, BLUE, ORANGE, RED, GREY = "#009e73", "#0072b2", "#e69f00", "#d55e00", "#8c8c8c"


@dataclass(frozen=True, kw_only=True, repr=False)
class Card:
    """A coloured edge, a heading and some lines; colour never says what the heading does not."""

    color: str
    heading: str
    lines: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join([self.heading, *(f"  {line}" for text in self.lines for line in text.splitlines())])

    def _repr_html_(self) -> str:
        body = "".join(f"<div style='white-space:pre-wrap'>{escape(line)}</div>" for line in self.lines)
        return (
            f"<div style='border-left:4px solid {self.color};padding:4px 12px;margin:4px 0;max-width:50rem;"
            f"line-height:1.5'><strong>{escape(self.heading)}</strong>{body}</div>"
        )
