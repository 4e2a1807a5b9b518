"""Tells hosts apart: which facts make two of them so unlike that their speeds cannot be compared, which only matter."""

import hashlib
import json

# (field, what it is called, whether speeds of hosts that differ in it have nothing to say about a change).
FACTS = (
    ("machine", "the machine's kind", True), ("cpu_model", "the CPU", True), ("cores", "the number of cores", True),
    ("threads", "the number of CPUs", True), ("numa_nodes", "the number of NUMA nodes", True),
    ("allowed_cpus", "the CPUs that it may use", True), ("virtual", "whether it is virtual", True),
    ("page_bytes", "the page size", True),
    ("hostname", "the host", False), ("kernel", "the kernel", False), ("os", "the system", False),
    ("libc", "the C library", False), ("compiler", "the compiler", False), ("clocksource", "the clock source", False),
    ("governor", "the frequency governor", False), ("memory_bytes", "the memory", False),
)
# Facts that change from run to run on one host.
PASSING = frozenset(("type", "load1", "compiler"))
SHORT_HASH = 6


def differences(a, b):
    """(words, value of a, value of b, whether it forbids a comparison) of the facts in which two host records differ."""
    return [(words, a.get(key), b.get(key), forbids) for key, words, forbids in FACTS
            if _known(a.get(key), b.get(key)) and a.get(key) != b.get(key)]


def _known(*values):
    """A fact that one of the two did not record says nothing."""
    return None not in values


def identity(host, by_name=True):
    """A short hash of what stays the same on a host from run to run; `by_name` also of its name."""
    lasting = {key: value for key, value in host.items() if key not in PASSING and (by_name or key != "hostname")}
    shm = lasting.pop("shm", None)
    if isinstance(shm, dict):
        lasting["shm"] = [shm.get("path"), shm.get("filesystem")]
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()[:SHORT_HASH]
