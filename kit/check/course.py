"""The course: its notebooks, their questions, and how far this learner has come.

Taught in: every notebook
"""

import csv
from collections.abc import Mapping
from html import escape

from kit.check import (
    attention,
    bpe,
    class_losses,
    cnn,
    compression,
    deep_nets,
    descent,
    detection,
    distributed,
    finetuning,
    first_network,
    gpt,
    losses,
    metrics,
    models,
    models_at_work,
    optimizers,
    precision,
    recommenders,
    regularizers,
    rnn,
    scaling_laws,
    schedules,
    selection,
    serving,
    start,
    text_pipeline,
    trees,
)
from kit.check.exercise import CORRECT, Exercise
from kit.check.progress import events
from kit.files import data_file

EXERCISES: dict[str, tuple[Exercise, ...]] = {
    "00": start.EXERCISES,
    "01": descent.EXERCISES,
    "02": losses.EXERCISES,
    "03": class_losses.EXERCISES,
    "04": first_network.EXERCISES,
    "05": optimizers.EXERCISES,
    "06": schedules.EXERCISES,
    "07": regularizers.EXERCISES,
    "08": metrics.EXERCISES,
    "09": selection.EXERCISES,
    "10": trees.EXERCISES,
    "11": deep_nets.EXERCISES,
    "12": cnn.EXERCISES,
    "13": detection.EXERCISES,
    "14": rnn.EXERCISES,
    "15": text_pipeline.EXERCISES,
    "16": bpe.EXERCISES,
    "17": attention.EXERCISES,
    "18": gpt.EXERCISES,
    "19": models.EXERCISES,
    "20": models_at_work.EXERCISES,
    "21": finetuning.EXERCISES,
    "22": precision.EXERCISES,
    "23": scaling_laws.EXERCISES,
    "24": distributed.EXERCISES,
    "25": compression.EXERCISES,
    "26": serving.EXERCISES,
    "27": recommenders.EXERCISES,
}


def course() -> list[dict[str, str]]:
    """Read data/course.csv: number, file, title, question and claims of each notebook."""
    with data_file("course.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class CourseMap:
    """The notebooks in order, with what is done; shows itself as a table with links."""

    def __init__(self, seconds: Mapping[str, float] | None = None):
        solved = {(e["notebook"], e["name"]) for e in events("exercise") if e["outcome"] == CORRECT}
        settled = {e["claim"]: e["verdict"] for e in events("claim")}
        self._rows = []
        for row in course():
            exercises = EXERCISES[row["notebook"]]
            done = sum((row["notebook"], exercise.name) in solved for exercise in exercises)
            claims = ", ".join(f"{claim} {settled.get(claim, 'open')}" for claim in row["claims"].split())
            time = f"{seconds[row['notebook']] / 60:.1f}" if seconds else ""
            self._rows.append((row, f"{done} of {len(exercises)}", claims, time))

    def __repr__(self) -> str:
        return "\n".join(
            f"{row['notebook']}  {row['title']}: {row['question']} Exercises done: {done}. {claims}".rstrip()
            for row, done, claims, _ in self._rows
        )

    def _repr_html_(self) -> str:
        timed = any(time for *_, time in self._rows)
        heads = ["", "notebook", "the one question", "exercises done", "claims", *(["minutes here"] if timed else [])]
        cells = []
        for row, done, claims, time in self._rows:
            link = f"<a href='{row['file']}'>{escape(row['title'])}</a>"
            cells.append([row["notebook"], link, escape(row["question"]), done, escape(claims)])
            cells[-1] += [time] if timed else []
        style = "style='text-align:left'"
        head = "".join(f"<th {style}>{head}</th>" for head in heads)
        body = "".join("<tr>" + "".join(f"<td {style}>{cell}</td>" for cell in row) + "</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def course_map(seconds: Mapping[str, float] | None = None) -> CourseMap:
    """Map the course and this learner's place in it.

    Args:
        seconds: a forecast for each notebook, as `kit.machine.forecast` makes it; adds a column.

    Raises:
        ValueError: if a notebook has no forecast.
    """
    if seconds is not None and (missing := [row["notebook"] for row in course() if row["notebook"] not in seconds]):
        raise ValueError(f"seconds must hold every notebook, got none for {', '.join(missing)}")
    return CourseMap(seconds)
