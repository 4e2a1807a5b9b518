"""Progress and colour: live on a terminal, plain lines elsewhere, and nothing of either in data."""
import os
import pty
import re
import termios

import pytest
from testing import QUICK

ESCAPE = "\x1b"


def read_all(descriptor):
    """What a terminal shows until its last writer has gone."""
    text = b""
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # EIO is how Linux tells the end
            part = b""
        if not part:
            return text.decode()
        text += part


def on_terminal(shmoo, *arguments, streams=("stdout", "stderr"), wrap=(), **environment):
    """Runs a quick run with these streams on a terminal: (what the terminal shows, what a pipe got, exit status)."""
    ours, theirs = pty.openpty()
    variables = {"TERM": "xterm", **environment}
    process = shmoo.start("run", *QUICK, "--sync", "mutex,busted-scribble", *arguments, environment=variables,
                          wrap=wrap,
                          **{stream: theirs for stream in streams})
    os.close(theirs)
    shown = read_all(ours)
    os.close(ours)
    done = shmoo.finish(process)
    return shown, done.stdout or done.stderr, done.returncode


def final_screen(text):
    """What stays on the lines of a terminal after carriage returns and clearings."""
    return [re.split("\r" + re.escape(ESCAPE) + r"\[K", line.rstrip("\r"))[-1] for line in text.split("\n")]


def test_on_a_terminal_one_live_line_comes_and_goes(shmoo):
    shown, _, status = on_terminal(shmoo, NO_COLOR="1")
    assert status == 0
    assert "trial 1/2" in shown and "trial 2/2" in shown and "ETA" in shown and "\r" + ESCAPE + "[K" in shown
    assert not [line for line in final_screen(shown) if "ETA" in line]
    assert [line for line in final_screen(shown) if " CLEAN " in line] and [line for line in final_screen(shown)
                                                                            if " CORRUPT " in line]


@pytest.mark.parametrize("wrap", [["env", "TERM=dumb"], ["env", "-u", "TERM"], ["env", "TERM="]],
                         ids=["dumb", "unset", "empty"])
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(shmoo, wrap):
    shown, _, status = on_terminal(shmoo, wrap=wrap, NO_COLOR="1")
    assert status == 0 and ESCAPE not in shown and "CLEAN" in shown


def test_colour_is_for_terminals(shmoo):
    shown, _, _ = on_terminal(shmoo, "--quiet")
    assert re.search(re.escape(ESCAPE) + r"\[32m", shown)
    assert ESCAPE not in shmoo.quick("--out", "o", environment={"TERM": "xterm"}).stdout


def test_no_color_is_respected(shmoo):
    assert ESCAPE not in on_terminal(shmoo, "--quiet", NO_COLOR="1")[0]
    assert ESCAPE in on_terminal(shmoo, "--quiet", NO_COLOR="")[0]


def test_an_unexpected_verdict_looks_different(shmoo):
    shown, _, status = on_terminal(shmoo, "--quiet", "--expect", "CLEAN")
    assert status == 1
    assert re.search(re.escape(ESCAPE) + r"\[31mCORRUPT", shown) and re.search(re.escape(ESCAPE) + r"\[32mCLEAN", shown)


@pytest.mark.parametrize("form", ["jsonl", "tap", "junit", "csv", "human"])
def test_progress_on_a_terminal_leaves_piped_data_alone(shmoo, form):
    shown, out, status = on_terminal(shmoo, "--format", form, streams=("stderr",))
    assert status == 0 and "ETA" in shown
    assert ESCAPE not in out and "ETA" not in out and "\r" not in out.replace("\r\n", "\n")


def test_data_on_a_terminal_with_messages_elsewhere_is_data_alone(shmoo):
    shown, err, _ = on_terminal(shmoo, "--format", "csv", streams=("stdout",))
    assert ESCAPE not in shown and "shmoo: " not in shown
    assert len(shown.rstrip().split("\n")) == 3
    assert err.count("ETA") == 2


def test_without_a_terminal_each_trial_has_its_line(shmoo):
    done = shmoo.quick("--repeat", "3", "--format", "csv", "--out", "o")
    lines = [line for line in done.stderr.splitlines() if "ETA" in line]
    assert [re.search(r"trial (\d/3)", line)[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all("CLEAN" in line for line in lines)


def test_quiet_shows_no_progress(shmoo):
    shown, _, _ = on_terminal(shmoo, "--quiet", streams=("stderr",))
    assert shown == ""


def test_a_narrow_terminal_is_not_overrun(shmoo):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (25, 40))
    process = shmoo.start("run", *QUICK, "--load", "snapshot", "--sync", "semaphore-named",
                          environment={"TERM": "xterm"}, stderr=theirs)
    os.close(theirs)
    shown = read_all(ours)
    os.close(ours)
    shmoo.finish(process)
    live = [part for part in re.split(r"\r|\n", shown.replace(ESCAPE + "[K", "")) if part.startswith("trial ")]
    assert live and all(len(part) < 40 for part in live)
