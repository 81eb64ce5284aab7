"""Metrics: numbers that a server keeps about itself, in the text that Prometheus reads.

    # HELP requests_total Requests, by status.
    # TYPE requests_total counter
    requests_total{status="200"} 17

A counter only grows; who reads it twice knows the rate. A gauge is what is now. A histogram counts, for each of
some bounds, the observations up to it, and so keeps any number of them in a few numbers.

Source: Prometheus, "Exposition formats", text format 0.0.4.

Taught in: 26
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kit.arguments import function, instance, real, several, shown

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
Labels = tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class Metric:
    """A name, what it means, and how it is read.

    Raises:
        TypeError, ValueError: if a name is none that Prometheus takes, or a text is no text.
    """

    name: str
    meaning: str

    def __post_init__(self) -> None:
        """Refuse names that cannot be read back."""
        instance("name", self.name, str)
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name must be letters, digits and _, and begin with no digit, got {shown(self.name)}")
        instance("meaning", self.meaning, str)


@dataclass(kw_only=True)
class Counter(Metric):
    """What only grows, counted by its labels.

    >>> counter = Counter(name="requests_total", meaning="Requests.")
    >>> counter.add(status="200")
    >>> print(render([counter]), end="")
    # HELP requests_total Requests.
    # TYPE requests_total counter
    requests_total{status="200"} 1
    """

    counts: dict[Labels, float] = field(default_factory=dict)

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count on.

        Raises:
            TypeError, ValueError: if `amount` < 0.
        """
        key = tuple(sorted(labels.items()))
        self.counts[key] = self.counts.get(key, 0) + real("amount", amount, at_least=0)

    def samples(self) -> list[tuple[str, Labels, float]]:
        """Give each line: name, labels, number."""
        return [(self.name, labels, number) for labels, number in self.counts.items()]


@dataclass(kw_only=True)
class Gauge(Metric):
    """What is now: read where it is kept, at the moment of the question.

    Args:
        kind: "gauge", or "counter" where what is read elsewhere only grows.

    Raises:
        TypeError, ValueError: if `read` is no function, or as `Metric`.
    """

    read: Callable[[], float | Mapping[str, float]]
    label: str = ""
    kind: str = "gauge"

    def __post_init__(self) -> None:
        """Refuse what cannot be read."""
        super().__post_init__()
        function("read", self.read)

    def samples(self) -> list[tuple[str, Labels, float]]:
        """Give each line: name, labels, number."""
        found = self.read()
        if isinstance(found, Mapping):
            return [(self.name, ((self.label, key),), number) for key, number in sorted(found.items())]
        return [(self.name, (), found)]


@dataclass(kw_only=True)
class Histogram(Metric):
    """Observations, counted up to each of some bounds.

    Raises:
        TypeError, ValueError: if the bounds do not rise, or as `Metric`.
    """

    bounds: Sequence[float] = SECONDS
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        """Refuse bounds that do not rise."""
        super().__post_init__()
        several("bounds", self.bounds)
        bounds = [real("bounds", bound) for bound in self.bounds]
        if not bounds or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be one or more that rise, got {shown(bounds)}")
        self.counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one observation.

        Raises:
            TypeError, ValueError: if it is not a finite number.
        """
        value = real("value", value)
        place = next((i for i, bound in enumerate(self.bounds) if value <= bound), len(self.bounds))
        self.counts[place] += 1
        self.total += value

    def samples(self) -> list[tuple[str, Labels, float]]:
        """Give each line: name, labels, number; the buckets hold all up to their bound."""
        lines: list[tuple[str, Labels, float]] = []
        so_far = 0
        for bound, n in zip([*self.bounds, math.inf], self.counts, strict=True):
            so_far += n
            lines.append((f"{self.name}_bucket", (("le", _number(bound)),), so_far))
        return [*lines, (f"{self.name}_sum", (), self.total), (f"{self.name}_count", (), so_far)]


def render(metrics: Sequence[Counter | Gauge | Histogram]) -> str:
    """Write metrics as Prometheus reads them.

    Raises:
        TypeError: if one is not a metric.
    """
    several("metrics", metrics)
    lines = []
    for metric in metrics:
        if not isinstance(metric, Counter | Gauge | Histogram):
            raise TypeError(f"metrics must be counters, gauges or histograms, got {shown(metric)}")
        kind = metric.kind if isinstance(metric, Gauge) else type(metric).__name__.lower()
        meaning = metric.meaning.replace("\\", "\\\\").replace("\n", "\\n")
        lines += [f"# HELP {metric.name} {meaning}", f"# TYPE {metric.name} {kind}"]
        lines += [f"{name}{_labels(labels)} {_number(value)}" for name, labels, value in metric.samples()]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    pairs = [f'{key}="{"".join(escaped.get(letter, letter) for letter in value)}"' for key, value in labels]
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.0f}" if float(value).is_integer() else repr(float(value))
