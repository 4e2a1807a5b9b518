"""shmoo doctor --core: what a message about an end means."""
from testing import read_records, valid

MEANINGS = [
    ("Bus error (core dumped)", "sigbus"), ("exited with code 135", "sigbus"), ("status=7/BUS", "sigbus"),
    ("returncode -7", "sigbus"), ("[signal SIGBUS: bus error code=0x2 addr=0x7f]", "sigbus"), ("OOMKilled", "oom"),
    ("exit status 137", "oom"), ("Killed", "oom"), ("Segmentation fault", "segv"), ("No space left on device", "space"),
    ("Permission denied: '/dev/shm/x'", "denied"), ("OSError: [Errno 12] Cannot allocate memory", "memory"),
    ("No such file or directory", "missing"), ("EOWNERDEAD", "owner"), ("File size limit exceeded", "fsize"),
    ("zsh: killed     ./a.out", "oom"), ("Exited (137) 5 seconds ago", "oom"), ("web.service: Failed with result 'oom-kill'.", "oom"),
    ("[1]    12345 bus error (core dumped)  ./a.out", "sigbus"), ("npm ERR! errno 135", "sigbus"),
    ("Process finished with exit code 135 (interrupted by signal 7:SIGBUS)", "sigbus"), ("died with <Signals.SIGBUS: 7>", "sigbus"),
    ("OSError: [Errno 24] Too many open files", "files"), ("FileExistsError: [Errno 17] File exists: '/psm_x'", "exists"),
    ("ValueError: cannot mmap an empty file", "empty"), ("mmap: Invalid argument", "empty")]
NO_MEANING = ["exit status 1", "process 135 started", "all is well", "", "took 135 ms", "port 9000 code 9",
              "line 7: signal handler", "killed two birds", "Invalid argument"]


def test_a_message_is_explained_if_it_means_something(shmoo):
    """All of them at once: each look takes a while, and little CPU time."""
    looks = [(message, cause, shmoo.start("doctor", "--core", message, "--format", "jsonl"))
             for message, cause in MEANINGS + [(message, None) for message in NO_MEANING]]
    for message, cause, process in looks:
        done = shmoo.finish(process)
        found = [r["id"] for r in valid(read_records(done.stdout)) if r["type"] == "finding" and r["area"] == "message"]
        assert found == ([f"message-{cause}"] if cause else []), message
        assert done.returncode == 1 if cause else "no cause is known" in done.stderr, message
