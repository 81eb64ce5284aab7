"""Predictions: commit to a guess before the number is shown, and be scored after.

Taught in: every notebook
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from kit.arguments import one_of, real
from kit.check.card import BLUE, GREEN, GREY, RED, Card
from kit.check.progress import events, record


class Prediction:
    """A question with a few answers; shown, it lets the learner choose one and say how sure they are.

    Where widgets do not run, `commit` does the same in code.

    Args:
        borders: where the options stand for ranges of a number, in rising order: the numbers at which one
            ends and the next begins. A measured number then finds its option by itself.

    Raises:
        TypeError, ValueError: if there are fewer than two options, or `borders` are not rising numbers, one
            fewer than the options.
    """

    def __init__(self, *, notebook: str, question: str, options: Sequence[str], borders: Sequence[float] = ()):
        if len(options) < 2:
            raise ValueError(f"options must be two or more, got {len(options)}")
        rising = [real("borders", border) for border in borders]
        if rising and (len(rising) != len(options) - 1 or sorted(set(rising)) != rising):
            raise ValueError(f"borders must rise, one between each two options, got {borders} for {len(options)}")
        self.notebook, self.question, self.options, self.borders = notebook, question, tuple(options), tuple(rising)
        self.answer: str | None = None
        self.confidence = 0.0

    def commit(self, answer: str, *, confidence: float) -> None:
        """Fix the answer; the first commitment of a kernel stands.

        Args:
            confidence: the probability, above 0 and below 1, that the answer is right.

        Raises:
            ValueError: if `answer` is not an option, `confidence` is not a probability, or an
                answer was committed before.
        """
        if self.answer is not None:
            raise ValueError(f"answer must be committed once, got {answer!r} after {self.answer!r}")
        confidence = real("confidence", confidence, above=0, below=1)
        self.answer, self.confidence = one_of("answer", answer, self.options), confidence

    def reveal(self, measured: str | float) -> Card:
        """Show the guess beside what was measured, score it, and record the score.

        Args:
            measured: the option that was measured; or, where the options have borders, the number itself.

        The score is Brier's: (confidence - 1)² if right, confidence² if wrong; lower is better,
        and 0.25 is what saying "fifty-fifty" always earns.

        Raises:
            TypeError, ValueError: if `measured` is neither an option nor a finite number between borders.

        Source: Brier (1950), Monthly Weather Review 78, 1-3.
        """
        if self.borders and not isinstance(measured, str):
            measured = self.options[bisect_right(self.borders, real("measured", measured))]
        measured = one_of("measured", measured, self.options)
        if self.answer is None:
            lines = ("No prediction was committed. Guess before you look: it is how the number stays with you.",)
            return Card(color=GREY, heading=f"Measured: {measured}", lines=lines)
        right = self.answer == measured
        score = (self.confidence - right) ** 2
        about = {"notebook": self.notebook, "question": self.question}
        record({"kind": "prediction", **about, "confidence": self.confidence, "right": right})
        guess = f"You said: {self.answer}, {self.confidence:.0%} sure. Brier score {score:.2f} (0 is best)."
        return Card(color=GREEN if right else RED, heading=f"Measured: {measured}", lines=(guess,))

    def __repr__(self) -> str:
        return "\n".join([f"Predict: {self.question}", *(f"  - {option}" for option in self.options)])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self._form().model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}

    def _form(self) -> widgets.VBox:
        answers = widgets.RadioButtons(options=self.options, value=None, layout={"width": "auto"})
        sure = widgets.IntSlider(
            value=70, min=50, max=99, step=1, description="How sure? %", style={"description_width": "initial"}
        )
        button = widgets.Button(description="Commit", button_style="primary")
        note = widgets.HTML()

        def on_commit(_: widgets.Button) -> None:
            try:
                self.commit(str(answers.value), confidence=sure.value / 100)
            except ValueError:  # nothing chosen, or committed in code meanwhile
                note.value = f"Committed: {self.answer}." if self.answer else "Choose an answer first."
                return
            note.value = f"Committed: {self.answer}, {self.confidence:.0%} sure. The measurement comes below."
            answers.disabled = sure.disabled = button.disabled = True

        button.on_click(on_commit)
        question = widgets.HTML(f"<b>Predict:</b> {self.question}")
        return widgets.VBox([question, answers, widgets.HBox([sure, button]), note])


def calibration() -> Card:
    """Compare how sure the learner was with how often they were right, over all predictions so far."""
    made = events("prediction")
    if not made:
        return Card(color=BLUE, heading="No predictions yet")
    lines = []
    for low, high in ((0.0, 0.6), (0.6, 0.8), (0.8, 1.0)):
        group = [p for p in made if low < p["confidence"] <= high]
        if group:
            sure = sum(p["confidence"] for p in group) / len(group)
            right = sum(p["right"] for p in group)
            lines.append(f"{sure:.0%} sure on average: right {right} times of {len(group)}")
    score = sum((p["confidence"] - p["right"]) ** 2 for p in made) / len(made)
    return Card(color=BLUE, heading=f"{len(made)} predictions, mean Brier score {score:.2f}", lines=tuple(lines))
