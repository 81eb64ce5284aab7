import io
import json
import math
import sys

import pytest
from torch.utils.tensorboard import SummaryWriter  # noqa: F401  # loaded here, so that no test waits for it

from kit.train.monitor import JsonLines, ProgressBar, TensorBoard, read_json_lines

RECORDS = [{"step": step, "loss": 1 / step, "lr": 0.1} for step in range(1, 6)]


def watch(monitor, records):
    for record in records:
        monitor(record)
    monitor.close()


def test_json_lines_are_whole_as_soon_as_they_are_written(tmp_path):
    log = JsonLines(tmp_path / "deep" / "log.jsonl")
    for n, record in enumerate(RECORDS, start=1):
        log(record)
        assert [json.loads(line) for line in log.path.read_text().splitlines()] == RECORDS[:n]
    log.close()


def test_a_resumed_log_holds_every_step_once(tmp_path):
    path = tmp_path / "log.jsonl"
    watch(JsonLines(path), RECORDS)
    with path.open("a") as file:
        file.write('{"step": 6, "lo')  # what a killed process leaves
    watch(JsonLines(path), RECORDS[2:4])
    assert read_json_lines(path) == RECORDS[:4]


def test_a_new_run_begins_the_log_anew(tmp_path):
    path = tmp_path / "log.jsonl"
    watch(JsonLines(path), RECORDS)
    watch(JsonLines(path), RECORDS[:1])
    assert read_json_lines(path) == RECORDS[:1]


def test_json_lines_hold_no_nan(tmp_path):
    path = tmp_path / "log.jsonl"
    watch(JsonLines(path), [{"step": 1, "loss": math.nan}, {"step": 2, "loss": -math.inf}, {"step": 3, "loss": 1.5}])
    assert [record["loss"] for record in read_json_lines(path)] == [None, None, 1.5]
    watch(JsonLines(path), [{"step": 3, "loss": 2.5}])
    assert [record["loss"] for record in read_json_lines(path)] == [None, None, 2.5]


def test_a_log_of_something_else_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text("moo\n")
    with pytest.raises(ValueError, match="path must hold a record"):
        read_json_lines(tmp_path / "log.jsonl")


def read_tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_tensorboard_reads_back_what_was_written(tmp_path):
    watch(TensorBoard(tmp_path), RECORDS)
    shown = read_tensorboard(tmp_path)
    assert shown.keys() == {"loss", "lr"}
    assert shown["loss"] == [(record["step"], pytest.approx(record["loss"])) for record in RECORDS]


def test_tensorboard_says_what_to_install_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
        TensorBoard(tmp_path)


def test_the_progress_bar_ends_at_the_last_step_with_its_loss():
    page = io.StringIO()
    watch(ProgressBar(5, file=page), RECORDS)
    last = page.getvalue().rstrip("\n").split("\r")[-1]
    assert "5/5" in last
    assert "100%" in last
    assert "loss=0.2" in last


def test_a_resumed_progress_bar_goes_on_where_it_stopped():
    page = io.StringIO()
    watch(ProgressBar(10, file=page), RECORDS[2:])
    drawn = page.getvalue().split("\r")
    assert "2/10" in drawn[1]
    assert "5/10" in drawn[-1]


@pytest.mark.parametrize(
    "content",
    [
        "a day's notes, without a line end",
        "notes\n",
        '{"text": "a"}\n',
        '{"step": 1}\n{"text": "a"}',
        "[1]\n",
        '{"st\n{"step": 1}\n',
    ],
)
def test_json_lines_leave_another_file_alone(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match="path must hold a record of JSON a line, each with a step"):
        JsonLines(path)
    assert path.read_text() == content


def test_json_lines_go_on_after_an_editor(tmp_path):
    """A mark of byte order, an empty line, and a last line that is whole without its end."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"step": 1, "loss": 3.0}\r\n\r\n{"step": 2, "loss": null}')
    log = JsonLines(path)
    log({"step": 3, "loss": 1.0})
    log.close()
    assert read_json_lines(path) == [{"step": 1, "loss": 3.0}, {"step": 2, "loss": None}, {"step": 3, "loss": 1.0}]
    path.write_text('{"step": 1, "loss": 3.0}\n{"step": 2, "lo')
    assert [record["step"] for record in read_json_lines(path)] == [1]
