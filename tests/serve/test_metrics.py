"""Metrics, read back by Prometheus' own client, and by the grammar of its text format."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kit.serve.metrics import Counter, Gauge, Histogram, render

NUMBER = r"(?:[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|\+Inf|-Inf|NaN)"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
GRAMMAR = re.compile(
    rf"# HELP {NAME} [^\n]*|# TYPE {NAME} (?:counter|gauge|histogram)|{NAME}(?:\{{{LABEL}(?:,{LABEL})*\}})? {NUMBER}"
)


def grammatical(text: str) -> bool:
    """Tell whether each line is one of the text format, and the last ends with a line end."""
    return text.endswith("\n") and all(GRAMMAR.fullmatch(line) for line in text[:-1].split("\n"))


def example():
    counter = Counter(name="asked_total", meaning='Of "all"\nkinds, \\ too.')
    counter.add(status="200", path="/")
    counter.add(2.5, path="/", status="200")
    counter.add(why='a "quoted"\nline \\')
    gauge = Gauge(name="waiting", meaning="In the queue.", read=lambda: 3)
    ends = Gauge(name="ends_total", meaning="Ends.", kind="counter", label="end", read=lambda: {"stop": 2, "late": 1})
    histogram = Histogram(name="seconds", meaning="Latency.", bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 3.0):
        histogram.observe(value)
    return [counter, gauge, ends, histogram]


def test_render_matches_prometheus_own_reader():
    text = render(example())
    assert grammatical(text)
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["asked_total", (("path", "/"), ("status", "200"))] == 3.5
    assert found["asked_total", (("why", 'a "quoted"\nline \\'),)] == 1
    assert found["waiting", ()] == 3
    assert found["ends_total", (("end", "late"),)] == 1
    buckets = {labels[0][1]: value for (name, labels), value in found.items() if name == "seconds_bucket"}
    assert buckets == {"0.1": 2, "1": 3, "+Inf": 4} or buckets == {"0.1": 2, "1.0": 3, "+Inf": 4}
    assert found["seconds_count", ()] == 4
    assert found["seconds_sum", ()] == pytest.approx(3.65)


def test_kinds_are_those_of_prometheus():
    kinds = {family.name: family.type for family in text_string_to_metric_families(render(example()))}
    assert kinds == {"asked": "counter", "waiting": "gauge", "ends": "counter", "seconds": "histogram"}


@pytest.mark.parametrize("text", ["", "x", "x 1", "x{a=1} 1\n", "# TYPE x summer\n", "1x 2\n", 'x{a="\n"} 1\n'])
def test_what_is_no_text_of_metrics_is_told_apart(text):
    assert not grammatical(text)


def test_a_counter_rejects_what_would_make_it_fall():
    with pytest.raises(ValueError, match="amount must be >= 0"):
        Counter(name="x", meaning="").add(-1)
