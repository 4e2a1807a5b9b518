"""Checks the documents against the program and the tree: links, names, numbers, and the commands that they show."""
import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "results/README.md", "results/FIGURES.md", "workloads/README.md", "workloads/plugin/README.md",
         "workloads/jobs/CRASH.md")
COMMANDS = ("run", "check", "doctor", "ls", "gc", "list", "report", "compare", "merge")
# in a command of a document: a file or a run of the reader's own
OWN = re.compile(r"\.so\b|my-plan\.ini|results/runs|--against|--env|PLAN|DIR")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def anchors(page):
    """The names that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def shown_commands(page):
    """The lines of code blocks that call shmoo, without prompt, folder and comment."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text_of(page), re.M | re.S):
        for line in block.splitlines():
            found = re.match(r"(?:\$ )?(?:\./)?(?:build/)?shmoo (\w+ .*)", line.split(" # ")[0].split("&&")[0].split(" > ")[0])
            if found and found.group(1).split()[0] in COMMANDS:
                yield found.group(1).strip()


def test_every_link_leads_somewhere():
    lost = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            name, _, anchor = target.partition("#")
            path = (ROOT / page).parent / name if name else ROOT / page
            if "://" not in target and (not path.exists() or anchor and anchor not in anchors(path)):
                lost.append((page, target))
    assert lost == []


def test_every_target_of_make_exists():
    rules = re.findall(r"^([a-z][a-z0-9 -]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    named = {target for page in PAGES for target in re.findall(r"(?:^|`)make ([a-z][a-z0-9-]*)", text_of(page), re.M)}
    assert len(named) > 10 and named - set(" ".join(rules).split()) == set()


def names(shmoo, kind):
    return [line.split()[0] for line in shmoo("list", kind).stdout.splitlines() if line.strip()]


def test_everything_that_there_is_to_run_is_named(shmoo):
    words = {page: set(re.findall(r"[A-Za-z_][\w-]*", text_of(page))) for page in ("README.md", "workloads/README.md")}
    words["workloads/README.md"] |= words["README.md"]  # the locks stand in one table only
    for kind in ("sync", "load", "fault", "job"):
        for page, known in words.items():
            assert [name for name in names(shmoo, kind) if name not in known and not name.startswith("busted-")] == [], (kind, page)


def test_the_numbers_of_rows_are_true(shmoo):
    readme = text_of("README.md")
    busted = sum(name.startswith("busted-") for name in names(shmoo, "sync"))
    assert f"{busted} `busted-*`" in readme
    assert f"`busted-*`, {busted} of them" in text_of("workloads/README.md")
    checks = names(shmoo, "check")
    assert f"{len(checks)} checks in" in readme
    assert ("Seventy of them" in readme) == (sum(name.startswith("persist/") for name in checks) == 70)
    mutants = re.search(r"^(\d+) mutants", text_of("workloads/check/MUTANTS.md"), re.M).group(1)
    assert f"in front of {mutants} mistakes" in readme


def test_every_option_that_is_shown_exists(shmoo):
    known = {option for command in COMMANDS for option in re.findall(r"--[a-z][\w-]*", shmoo(command, "--help").stdout)}
    for page in PAGES:
        shown = {word for line in shown_commands(page) for word in re.findall(r"(?<![\w-])--[a-z][\w-]*", line)}
        shown |= set(re.findall(r"`(--[a-z][\w-]*)", text_of(page)))
        assert shown - known == set(), page


def test_every_run_that_is_shown_can_be_planned(shmoo):
    runs = {line for page in PAGES for line in shown_commands(page)
            if line.startswith("run") and not OWN.search(line) and "--dry-run" not in line}
    assert len(runs) > 5
    for line in sorted(runs):
        done = shmoo(*shlex.split(line), "--dry-run")
        assert done.returncode == 0 and "shmoo run" in done.stdout, (line, done.stderr)
