"""Checks the report command: the page and the files it writes, its messages, its exit statuses, its speed."""

import html.parser
import json
import os
import re
import stat
import time

import pytest

import synthetic

EVIL = ("<script>alert(1)</script>", "it's \"q\" `touch pwned` $(touch pwned)", "a_b^c{x}@y%d%s\\n\\",
        "ünï ✓ 漢字", "turned\u202eback\x07")


class Page(html.parser.HTMLParser):
    """What a page would load, run or show."""

    def __init__(self, path):
        super().__init__()
        self.references, self.scripts, self.handlers, self.ids, self.tags = [], 0, [], [], []
        with open(path, encoding="utf-8") as file:
            self.source = file.read()
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.scripts += tag == "script"
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"):
                self.references.append(value)
            if name == "id":
                self.ids.append(value)
            if name.startswith("on"):
                self.handlers.append((tag, name))


@pytest.fixture
def page_of(folder_of, report):
    def make(**parameters):
        folder = folder_of(**parameters)
        status, out, err = report(folder)
        assert status == 0, err
        assert out == f"{folder}/report.html\n"
        return Page(out.strip())
    return make


def test_page_and_charts_are_written(folder_of, report):
    folder = folder_of()
    status, out, err = report(folder)
    assert (status, out, err) == (0, f"{folder}/report.html\n", "")
    assert sorted(os.listdir(folder)) == ["charts", "plan.ini", "report.html", "run.jsonl"]
    assert {"grid-1.svg", "throughput-1.svg", "latency-1.svg"} <= set(os.listdir(folder / "charts"))


def test_the_page_asks_nobody_for_anything(page_of):
    page = page_of(loads=("snapshot", "quit", "lifecycle"), repeats=1)
    assert page.references
    assert all(reference.startswith("#") or reference == "data:," for reference in page.references)
    assert not re.search(r"https?:|url\(|@import|\bimport\b", page.source)
    assert "default-src 'none'" in page.source
    assert page.scripts == 1 and not page.handlers
    assert not {"img", "iframe", "object", "embed", "video"} & set(page.tags)


def test_ids_are_unique_and_links_lead_somewhere(page_of):
    page = page_of(repeats=1, sizes=(8, 64))
    assert len(page.ids) == len(set(page.ids))
    assert {reference[1:] for reference in page.references if reference.startswith("#")} <= set(page.ids)


def test_evil_strings_stay_words(folder_of, report, tmp_path):
    folder = folder_of(loads=("<b>load</b>\nEOD",), syncs=EVIL, faults=("none", "st'op<i>"), populations=((2, 2),),
                       repeats=3, hostname="<img src=http://evil.example/x.png>", verdicts=((EVIL[0], "CORRUPT"),))
    status, out, err = report(folder)
    assert status == 0, err
    page = Page(out.strip())
    assert page.scripts == 1 and not {"img", "i"} & set(page.tags)
    assert not set("\u202e\x07") & set(page.source)
    assert page.source.count("<script>") == 1 and "&lt;script&gt;alert(1)&lt;/script&gt;" in page.source
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if "pwned" in name]


def test_the_story_is_in_order(page_of):
    page = page_of(verdicts=(("mutex", "CORRUPT"),))
    marks = ("<h1>12 of 48 trials came out unexpected", ">The shmoo grid<", '<h2 id="broke"', "--sync mutex",
             ">Throughput against population<", ">Latency, out to the tail<", 'id="trials"', "Example CPU 3000",
             ">plan.ini<", "Raw records")
    places = [page.source.index(mark) for mark in marks]
    assert places == sorted(places)


def test_artefacts_are_named(page_of):
    source = page_of().source
    assert "Closed loop" in source and "Hollow marks" in source and "One operation in 64 was timed" in source
    assert "one reading of the clock" in source and "21.5 ns" in source
    assert "clock of the latencies" in source and "TSC" in source and "steps of 10 ns" in source


def test_cpus_that_moved_are_told(folder_of, report):
    """What was pinned elsewhere is elsewhere; and twice as far is still next door."""
    def source(ways, pins=("scatter",)):
        def moved(record):
            if record["type"] in ("trial", "verdict"):
                record["pin"] = pins[record["trial"] % len(pins)]
            if record["type"] == "verdict":
                record["meter"]["line_ns"] = ways[record["trial"] % len(ways)]
        folder = folder_of(syncs=("mutex",), repeats=4)
        synthetic.change(folder, moved)
        status, _, err = report(folder)
        assert status == 0, err
        return (folder / "report.html").read_text()

    assert "100 ns in one trial and 480 ns in another" in source((100, 480, None))
    assert "cache line took" not in source((57, 107))
    assert "cache line took" not in source((100, 480), ("same-llc", "other-numa"))


def test_null_throughput_reads_not_available(page_of):
    source = page_of(syncs=("mutex",), unmeasured=("mutex",), populations=((1, 0),), repeats=1).source
    assert "Throughput is N/A" in source and ">N/A" in source


def test_unsupported_and_inconclusive_give_their_reasons(page_of):
    source = page_of(syncs=("mutex", "spin"), verdicts=(("mutex", "UNSUPPORTED"), ("spin", "INCONCLUSIVE"))).source
    assert "the C library has no robust mutex between processes" in source
    assert "3 hand-offs, and 100 are asked for" in source


def test_both_schemes_and_paper(page_of):
    source = page_of(repeats=1).source
    assert "prefers-color-scheme: dark" in source and "@media print" in source and "width=device-width" in source
    used = set(re.findall(r"var\((--[\w-]+)", source))
    declared = set(re.findall(r"(--[\w-]+):", source))
    assert used - {"--w", "--least", "--state"} <= declared


def test_a_truncated_run_is_reported_with_a_banner(folder_of, report):
    folder = folder_of(ending="cut")
    status, out, err = report(folder)
    assert status == 0 and out == f"{folder}/report.html\n"
    assert "ends in the middle" in err
    assert "This run is not whole" in Page(out.strip()).source


def test_reports_are_the_same_each_time(folder_of, report):
    folder = folder_of()
    report(folder)
    first = (folder / "report.html").read_bytes()
    report(folder)
    assert (folder / "report.html").read_bytes() == first


def test_old_charts_go_and_foreign_files_stay(folder_of, report):
    folder = folder_of(sizes=(8, 64))
    report(folder)
    (folder / "charts" / "mine.svg").write_text("<svg/>")
    synthetic.write(str(folder), synthetic.Recipe(sizes=(8,)))
    report(folder)
    names = set(os.listdir(folder / "charts"))
    assert "mine.svg" in names and "throughput-2.svg" not in names and "throughput-1.svg" in names


def test_out_puts_page_and_charts_elsewhere(folder_of, report, tmp_path):
    folder = folder_of()
    (tmp_path / "there").mkdir()
    out = tmp_path / "there" / "page.html"
    status, printed, _ = report(folder, "--out", out)
    assert (status, printed) == (0, f"{out}\n")
    assert sorted(os.listdir(tmp_path / "there")) == ["charts", "page.html"]
    assert not (folder / "report.html").exists()


def one_line(err):
    return err.startswith("shmoo report: ") and err.count("\n") == 1


def test_usage_errors(report, tmp_path, folder_of):
    for arguments, words in (((tmp_path / "absent",), "no such run"), ((tmp_path,), "holds no run.jsonl"),
                             ((folder_of(), "--out", tmp_path), "is a folder")):
        status, out, err = report(*arguments)
        assert (status, out) == (2, "") and one_line(err) and words in err


def test_bad_options(report):
    assert report()[0] == 2
    status, out, _ = report("--help")
    assert status == 0 and "--out" in out


@pytest.mark.parametrize("content, words", [
    ("", "holds no records"), ("gibberish\n", "line 1 is no JSON"),
    ('{"type":"run","schema":"shmoo/2"}\n', "shmoo/1 only"),
    ('{"type":"run","schema":"shmoo/1"}\n', "no verdict")])
def test_unusable_runs(report, tmp_path, content, words):
    (tmp_path / "run.jsonl").write_text(content)
    status, out, err = report(tmp_path)
    assert (status, out) == (2, "")
    assert words in err.splitlines()[-1] and err.splitlines()[-1].startswith("shmoo report: ")


def test_missing_gnuplot(report, folder_of, tmp_path):
    status, out, err = report(folder_of(), PATH=str(tmp_path))
    assert (status, out) == (3, "") and one_line(err) and "apt install gnuplot" in err


def test_a_folder_that_is_not_there(report, folder_of, tmp_path):
    status, _, err = report(folder_of(), "--out", tmp_path / "absent" / "page.html")
    assert status == 3 and one_line(err) and "no such folder" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(report, folder_of):
    folder = folder_of()
    os.chmod(folder, stat.S_IRUSR | stat.S_IXUSR)
    try:
        status, _, err = report(folder)
    finally:
        os.chmod(folder, stat.S_IRWXU)
    assert status == 3 and one_line(err) and "--out" in err


def test_charts_blocked_by_a_file(report, folder_of):
    folder = folder_of()
    (folder / "charts").write_text("in the way")
    status, _, err = report(folder)
    assert status == 3 and one_line(err) and "charts" in err


def test_a_thousand_trials_are_reported_fast(tmp_path, report):
    synthetic.write(str(tmp_path), synthetic.recipe_of(1000))
    begun = time.monotonic()
    status, _, err = report(tmp_path)
    assert status == 0, err
    assert time.monotonic() - begun < 20
    assert os.path.getsize(tmp_path / "report.html") < 4_000_000


def test_a_trial_of_two_thousand_workers(tmp_path, report):
    folder = tmp_path / "run"
    synthetic.write(str(folder), synthetic.Recipe(syncs=("mutex",), populations=((1000, 1000),), repeats=3))
    status, out, err = report(folder)
    assert status == 0, err
    assert "1000w1000r" in Page(out.strip()).source


def test_fields_of_unexpected_types_do_not_break_the_page(folder_of, report):
    folder = folder_of(syncs=("none",), populations=((2, 2),), repeats=1)
    path = folder / "run.jsonl"
    lines = []
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if record["type"] == "violation":
            record |= {"expected": "seven", "found": {"writer": None}, "bytes": 12, "offset": None, "worker": None,
                       "text": None}
        if record["type"] == "run":
            record |= {"clock": None, "command": "shmoo", "id": None}
        if record["type"] == "verdict":
            record |= {"meter": {"clock": 7, "stamp_ns": None, "step_ns": "ten"}}
        if record["type"] == "host":
            record = {"type": "host", "hostname": None, "cores": [1, 2], "shm": None}
        lines.append(json.dumps(record) + "\n")
    path.write_text("".join(lines))
    status, _, err = report(folder)
    assert status == 0, err
