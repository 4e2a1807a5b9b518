"""The fixes of shmoo doctor: each can be pasted on the runtime it is for. Shell lines are given to a shell's parser, YAML to one of
YAML, C to a compiler; options of container engines and settings of systemd are ones that exist.
"""
import ast
import re
import shutil
import subprocess

import pytest
from sick import HEALTHY, diagnosed, records_of
from testing import one_line, read_records, valid

RUNTIMES = ("host", "docker", "podman", "kubernetes", "systemd")
COMMANDS = {"mount", "mkdir", "chmod", "sysctl", "shmoo", "echo", "tee", "kubectl", "docker", "podman", "systemctl", "printf", "ulimit",
            "umask", "taskset", "cat", "cpupower", "ps", "head", "vmstat", "uname", "journalctl", "loginctl", "nsenter", "grep",
            "prlimit"}
# Of docker-run(1), which podman-run(1) shares.
OPTIONS = {"--shm-size", "--tmpfs", "--memory", "--memory-swap", "--ulimit", "--cpuset-cpus", "--security-opt", "--ipc"}
TMPFS_WORDS = re.compile(r"(rw|exec|mode=\d{4}|size=\d+[gm]|nr_inodes=\d+k)$")
# Of systemd.exec(5) and systemd.resource-control(5).
SETTINGS = {"TemporaryFileSystem", "LimitFSIZE", "LimitAS", "LimitNOFILE", "LimitMEMLOCK", "UMask", "MemorySwapMax", "User",
            "MemoryMax", "AllowedCPUs", "CPUQuota", "RemoveIPC"}
PRELUDE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define LAYOUT_HASH 1
struct header { int layout; };
int try_it(int fd, const char *name, const void *zeros, size_t size, void *address, struct header *header);
int try_it(int fd, const char *name, const void *zeros, size_t size, void *address, struct header *header)
{
    struct stat st;
    struct flock lock = {0};
    pthread_mutex_t mutex;
    pthread_mutexattr_t attr;
    (void)fd, (void)name, (void)zeros, (void)size, (void)address, (void)header, (void)st, (void)lock, (void)mutex, (void)attr;
    FIX
    return 0;
}
"""


@pytest.fixture(name="advice")
def advice_fixture(shmoo):
    done = shmoo("doctor", "--explain", "*", "--format", "jsonl")
    assert done.returncode == 0 and done.stderr == ""
    return valid(read_records(done.stdout))


def fixes(advice, *runtimes):
    return sorted({(row["id"], runtime, text) for row in advice for runtime, text in row["fix"].items() if runtime in runtimes})


def kind_of(text):
    if text.startswith("spec:"):
        return "yaml"
    if text.rstrip().endswith("*/"):
        return "c"
    return "python" if text.startswith("SharedMemory(") else "shell"


def words_of(text):
    """The commands of a shell line, as lists of words, without remarks."""
    line = re.sub(r"\s+#.*", "", text)
    quoted = re.compile(r"'[^']*'")
    parts = re.split(r"&&|\|\||[|;]", quoted.sub(lambda m: m[0].replace("|", "\0").replace(";", "\1"), line))
    return [part.split()[part.split()[:1] == ["sudo"]:] for part in parts]


def test_every_trouble_has_a_fix_on_every_runtime(advice):
    assert len(advice) > 50
    for row in advice:
        assert bool(row["consequence"]) == bool(row["fix"]), row["id"]
        assert set(row["fix"]) in (set(), set(RUNTIMES)) and "{" not in re.sub(r"\{\{.*?\}\}|: ?\{.*\}|- \{.*\}|\[.*\]", "", " ".join(row["fix"].values())), row


def test_shell_lines_are_understood_by_a_shell(advice):
    checked = 0
    for name, runtime, text in fixes(advice, *RUNTIMES):
        if kind_of(text) != "shell":
            continue
        done = subprocess.run(["sh", "-n", "-c", text], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), (name, runtime, text)
        assert "\n" not in text, (name, text)
        for words in words_of(text):
            assert words and words[0] in COMMANDS, (name, runtime, words)
        checked += 1
    assert checked > 80


def test_options_of_engines_exist_and_go_to_the_right_engine(advice):
    for name, runtime, text in fixes(advice, "docker", "podman"):
        for words in words_of(text) if kind_of(text) == "shell" else []:
            if words[0] not in ("docker", "podman"):
                continue
            assert words[0] == runtime and words[1] in ("run", "update", "inspect"), (name, text)
            if words[1] == "inspect":
                continue
            for i, word in enumerate(words):
                if word.startswith("--"):
                    assert word.split("=")[0] in OPTIONS, (name, word)
                if words[i - 1] == "--tmpfs":
                    where, options = word.split(":")
                    assert where == "/dev/shm" and all(TMPFS_WORDS.match(option) for option in options.split(",")), (name, word)


def test_yaml_is_a_part_of_a_pod(advice):
    yaml = pytest.importorskip("yaml")
    pods = 0
    for name, _, text in fixes(advice, "kubernetes"):
        if kind_of(text) != "yaml":
            continue
        spec = yaml.safe_load(text)["spec"]
        pods += 1
        for container in spec["containers"]:
            assert container["name"] and set(container) <= {"name", "volumeMounts", "resources"}, (name, container)
            mounts = [mount["name"] for mount in container.get("volumeMounts", [])]
            assert all(mount in [volume["name"] for volume in spec["volumes"]] for mount in mounts), (name, text)
            assert mounts or set(container["resources"]) <= {"limits", "requests"}, (name, text)
        for volume in spec.get("volumes", []):
            assert volume["emptyDir"]["medium"] == "Memory" and re.match(r"\d+Gi$", volume["emptyDir"]["sizeLimit"])
    assert pods >= 8


def test_settings_of_services_exist(advice, tmp_path):
    lines = {}
    for name, _, text in fixes(advice, "systemd"):
        if "systemctl" not in text:
            continue
        found = re.search(r"printf '\[Service\]\\n(.*)\\n' \| (?:sudo )?tee '/etc/systemd/system/NAME\.service\.d'/([a-z-]+)\.conf &&", text)
        if found:
            assert found[2] == name and "%" not in found[1]
            lines[name] = found[1].split("\\n")
        else:
            lines[name] = re.findall(r"set-property 'NAME\.service' (\S+)", text)
        assert lines[name] and all(line.split("=")[0] in SETTINGS for line in lines[name]), (name, text)
    assert len(lines) >= 10
    if not shutil.which("systemd-analyze"):
        return
    unit = tmp_path / "shm-test.service"
    settings = "\n".join(line for each in lines.values() for line in each if not line.startswith("User="))
    unit.write_text(f"[Service]\nExecStart=/bin/true\n{settings}\n", encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert "Unknown key" not in done.stderr and "Failed to parse" not in done.stderr and "Invalid" not in done.stderr, done.stderr


def test_c_is_understood_by_a_compiler(advice, tmp_path):
    checked = 0
    for name, _, text in fixes(advice, "host"):
        if kind_of(text) != "c":
            continue
        source = tmp_path / "fix.c"
        source.write_text(PRELUDE.replace("FIX", text), encoding="utf-8")
        done = subprocess.run(["gcc", "-fsyntax-only", "-Wall", "-Wno-unused-result", "-Wno-maybe-uninitialized", "-Wno-uninitialized", "-Werror", source],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, (name, done.stderr)
        checked += 1
    assert checked >= 8


def test_python_is_understood_by_python(advice):
    texts = [text for _, _, text in fixes(advice, "host") if kind_of(text) == "python"]
    assert texts
    for text in texts:
        ast.parse(text)


@pytest.mark.parametrize("runtime, word", [("host", "mount -o remount"), ("docker", "docker run"), ("podman", "podman run"),
                                           ("kubernetes", "emptyDir"), ("systemd", "mount")])
def test_the_fix_is_for_the_runtime(shmoo, private_shm, runtime, word):
    place = private_shm("mount -t tmpfs -o mode=1777,size=64m tmpfs /dev/shm")
    assert word in diagnosed(shmoo, "--runtime", runtime, wrap=place.enter)["shm-size"]["fix"]


# A root that has what a program needs from the machine's, and no mark of a runtime; the commands that follow are inside it.
ROOT = ('mount -t tmpfs tmpfs /mnt && cd /mnt && for f in /*; do case $f in /mnt|/run|/var) ;; *) [ ! -d "$f" ] || '
        '{ mkdir ".$f" && mount --rbind "$f" ".$f"; } ;; esac; done')
IN_ROOT = ["env", "-u", "KUBERNETES_SERVICE_HOST", "-u", "container", "chroot", "/mnt"]


@pytest.mark.parametrize("marks, runtime, word", [
    ("mkdir -p run && touch .dockerenv", "docker", "docker run --shm-size"),
    ("mkdir -p run && touch run/.containerenv", "podman", "podman run --shm-size"),
    ("mkdir -p var/run/secrets/kubernetes.io", "kubernetes", "emptyDir")])
def test_a_runtime_is_known_by_the_marks_in_its_root(shmoo, private_shm, marks, runtime, word):
    place = private_shm(f"mount -t tmpfs -o mode=1777,size=64m tmpfs /dev/shm && {ROOT} && {marks}")
    inside = [*place.enter, *IN_ROOT]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no root of its own is to be had here")
    found = diagnosed(shmoo, wrap=inside)["shm-size"]
    assert found["runtime"] == runtime and word in found["fix"]


@pytest.mark.parametrize("files, yes", [
    ({"etc/web.service": "[Service]\nRemoveIPC=yes\n"}, True), ({"etc/web.service": "[Service]\nExecStart=/bin/true\n"}, False),
    ({"etc/web.service": "[Service]\nDynamicUser=yes\n"}, True),
    ({"etc/web.service": "RemoveIPC=yes\n", "etc/web.service.d/shm.conf": "[Service]\nRemoveIPC=no\n"}, False),
    ({"etc/other.service": "RemoveIPC=yes\n"}, False)])
def test_a_service_that_removes_its_objects_is_found(shmoo, private_shm, files, yes):
    """As a process of web.service: its cgroup says so, and the unit's files say the rest."""
    made = " && ".join(f"mkdir -p etc/systemd/system/{path[4:].rpartition('/')[0]} && printf '{text}' > etc/systemd/system/{path[4:]}"
                       for path, text in files.items())
    place = private_shm(f"{HEALTHY} && {ROOT} && mkdir run && mount -t tmpfs tmpfs etc/systemd && {made} "
                        "&& echo 0::/system.slice/web.service > group")
    inside = [*place.enter, *IN_ROOT, "sh", "-c", 'mount --bind /group /proc/$$/cgroup && exec "$@"', "sh"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no root of its own is to be had here")
    findings, facts = records_of(shmoo, wrap=inside)
    assert facts["objects-service"] == f"RemoveIPC={'yes' if yes else 'no'} in web.service" and ("objects-service" in findings) == yes
    if yes:
        assert "/etc/systemd/system/web.service.d" in findings["objects-service"]["fix"]


def test_root_and_others_get_a_line_that_works_for_them(shmoo, private_shm):
    place = private_shm("mount -t tmpfs -o mode=1777,size=64m tmpfs /dev/shm")
    mine = diagnosed(shmoo, "--runtime", "host", wrap=place.enter)["shm-size"]["fix"]
    other = subprocess.run([*place.enter, "setpriv", "--reuid", "65534", "true"], capture_output=True, check=False).returncode == 0
    if not other:
        pytest.skip("only root can become another user")
    theirs = diagnosed(shmoo, "--runtime", "host", wrap=[*place.enter, "setpriv", "--reuid", "65534", "--clear-groups"], cwd="/")
    assert mine.startswith("mount -o") and theirs["shm-size"]["fix"].startswith("sudo mount -o")


def test_one_row_is_explained_for_people(shmoo):
    done = shmoo("doctor", "--explain", "shm-size")
    assert done.returncode == 0 and all(runtime in done.stdout for runtime in RUNTIMES) and "--shm-size" in done.stdout
    assert "facts only" in shmoo("doctor", "--explain", "memory-numa").stdout
    done = shmoo("doctor", "--explain", "shm-sise")
    assert (done.returncode, done.stdout) == (2, "") and 'did you mean "shm-size"' in one_line(done.stderr)


def test_what_names_hold_does_not_reach_the_terminal(shmoo, private_shm):
    place = private_shm(HEALTHY)
    (place.folder / "evil\x1b[31m\u202e").write_bytes(b"x" * (60 << 20))
    human = shmoo("doctor", "-q", "--older", "0", wrap=place.enter)
    assert "objects-left" in human.stdout and "evil\\x1b[31m" in human.stdout and "\x1b" not in human.stdout and "\u202e" not in human.stdout
    assert "evil\x1b[31m\u202e" in diagnosed(shmoo, "--older", "0", wrap=place.enter)["objects-left"]["evidence"]
