"""Layout: each axis shows in what is counted, what cannot be had says why, and no verdict depends on it."""
from testing import ENDLESS, records, verdicts, wait_for_workers


def trials(shmoo, *arguments):
    """Runs them; (trial record, verdict record, worker records) of each."""
    done = shmoo("run", *arguments, "--min-exposure", "0", "--count-syscalls", "0", "--quiet", "--out", "o")
    workers = records(shmoo.cwd / "o", "worker")
    found = [(trial, verdict, [worker for worker in workers if worker["trial"] == trial["trial"]])
             for trial, verdict in zip(records(shmoo.cwd / "o", "trial"), verdicts(shmoo.cwd / "o"), strict=True)]
    assert done.returncode == 0, done.stderr
    return found


def test_page_faults_are_where_the_first_touches_are(shmoo):
    pages = 2 * 1024 * 1024 // 4096
    found = trials(shmoo, "--load", "snapshot", "--sync", "mutex", "--size", "2MiB", "--writers", "1", "--ops", "20",
                   "--readers", "1", "--prefault", "none,fallocate,populate")
    assert [trial["prefault"] for trial, _, _ in found] == ["none", "fallocate", "populate"]
    for trial, verdict, workers in found:
        writer = workers[0]["minor_faults"]
        assert (writer < pages / 4) if trial["prefault"] == "populate" else (writer > pages * 3 / 4)
        assert verdict["page_faults"]["minor"] == sum(worker["minor_faults"] for worker in workers)
        assert ("reserve_ns" in verdict["lifecycle"]) == (trial["prefault"] == "fallocate")


def test_a_placement_that_the_machine_lacks_has_no_figures(shmoo):
    found = trials(shmoo, "--sync", "mutex", "--ops", "50", "--pin", "same-core,same-llc,other-numa,none")
    assert [trial["pin"] for trial, _, _ in found] == ["same-core", "same-llc", "other-numa", "none"]
    for trial, verdict, workers in found:
        if verdict["verdict"] == "UNSUPPORTED":
            assert f"--pin {trial['pin']}: " in verdict["reason"] and not workers
            assert (verdict["ops"], verdict["ops_per_s"], verdict["seconds"]) == (0, None, None)
        else:
            assert verdict["verdict"] == "CLEAN" and all(("cpus" in w) == (trial["pin"] != "none") for w in workers)


def test_workers_have_the_region_where_they_are_to(shmoo):
    found = trials(shmoo, "--sync", "mutex,semaphore", "--writers", "16", "--readers", "2", "--ops", "20", "--address", "same,different")
    for trial, verdict, workers in found:
        addresses = {worker["region_at"] for worker in workers}
        assert verdict["region_addresses"] == len(addresses) == (1 if trial["address"] == "same" else 18)
        assert verdict["verdict"] == "CLEAN"


def test_pages_are_what_the_kernel_says_they_are_or_there_are_no_figures(shmoo):
    found = trials(shmoo, "--load", "snapshot", "--sync", "mutex", "--size", "4MiB", "--ops", "5", "--pages", "base,thp,huge-2m",
                   "--prefault", "fallocate,populate", "--address", "different")
    assert len(found) == 6
    for trial, verdict, workers in found:
        if verdict["verdict"] == "UNSUPPORTED":
            assert trial["pages"] != "base" and "--pages" in verdict["reason"] and verdict["ops_per_s"] is None
            continue
        assert verdict["verdict"] == "CLEAN", verdict["reason"]
        for had in [worker["pages_had"] for worker in workers]:
            assert had["mapped_bytes"] > 0 and (had["huge_bytes"] == 0 if trial["pages"] == "base" else had["huge_bytes"] > 0)


def test_faults_on_the_object_need_one_with_a_name(shmoo):
    named, nameless = trials(shmoo, "--sync", "mutex", "--fault", "unlink", "--pages", "system,huge-2m", "--ops", "50")
    assert named[1]["verdict"] == "CLEAN", named[1]["reason"]
    assert (nameless[1]["verdict"], nameless[1]["ops_per_s"]) == ("UNSUPPORTED", None) and "this fault" in nameless[1]["reason"]


def test_cells_side_by_side_are_as_right_as_others_and_what_has_none_says_so(shmoo):
    found = trials(shmoo, "--load", "neighbours,cells,snapshot", "--sync", "mutex,ticket,semaphore,anderson", "--packing", "padded,packed",
                   "--writers", "1", "--readers", "1", "--ops", "300")
    for trial, verdict, _ in found:
        cells, fixed = trial["load"] != "snapshot", trial["sync"] != "anderson" or trial["packing"] == "padded"
        if cells and fixed:
            assert verdict["verdict"] in ("CLEAN", "INCONCLUSIVE"), (trial["replay"], verdict["reason"])
        else:
            assert (verdict["verdict"], verdict["ops_per_s"]) == ("UNSUPPORTED", None)
            assert ("size is fixed" if cells else "no cells that could lie side by side") in verdict["reason"]


def test_each_state_has_an_object_of_its_own_and_no_verdict_depends_on_it(shmoo):
    found = trials(shmoo, "--load", "cells,counter", "--sync", "mutex,busted-scribble", "--regions", "one,many", "--address",
                   "same", "--writers", "1", "--readers", "1", "--ops", "100")
    assert len(found) == 8
    for trial, verdict, workers in found:
        cells = 61 if trial["load"] == "cells" else 1
        assert verdict["region_objects"] == (1 + cells if trial["regions"] == "many" else 1)
        assert verdict["verdict"] in ("CLEAN", "INCONCLUSIVE") or trial["sync"] == "busted-scribble"
        assert verdict["verdict"] == "CORRUPT" or trial["sync"] != "busted-scribble"
        assert all(worker["map_ns"] > 0 for worker in workers)


def test_objects_of_states_are_there_while_it_runs_and_gone_afterwards(shmoo):
    process = shmoo.start("run", *ENDLESS, "--load", "cells", "--regions", "many")
    workers = wait_for_workers(process, 4)
    names = {f"shmoo.{process.pid}."}
    for worker in workers:
        maps = [line.split() for line in open(f"/proc/{worker}/maps", encoding="utf-8") if line.endswith(".state\n")]
        assert len({fields[4] for fields in maps}) == len({fields[5] for fields in maps}) == 61
        names |= {fields[5] for fields in maps}
    listed = shmoo("ls").stdout
    assert len(names) == 62 and all(name.removeprefix("/dev/shm/") in listed for name in names)
    process.terminate()
    shmoo.finish(process)
    assert not shmoo.objects()


def test_what_does_not_go_with_objects_of_their_own_says_why(shmoo):
    found = trials(shmoo, "--load", "neighbours,lifecycle", "--sync", "mutex", "--regions", "many", "--fault", "unlink,none", "--packing",
                   "packed,usual", "--duration", "10ms")
    reasons = [verdict["reason"] for _, verdict, _ in found if verdict["verdict"] == "UNSUPPORTED"]
    assert len(found) == 8 and len(reasons) == 7
    assert all(any(word in reason for reason in reasons) for word in ("region's one object", "objects of its own", "(--packing packed)"))


def test_whoever_writes_beside_a_packed_state_meets_a_guard_or_another_state(shmoo):
    found = trials(shmoo, "--load", "neighbours", "--sync", "busted-scribble", "--packing", "packed,padded", "--ops", "100")
    assert [verdict["verdict"] for _, verdict, _ in found] == ["CORRUPT", "CORRUPT"]
