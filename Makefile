# Builds build/shmoo, tests it, installs it.
#
#   make                    the program
#   make check              unit tests (libcheck) and command-line tests (pytest) of the program in BUILD
#   make install            PREFIX and DESTDIR are honoured
#   make demo | smoke       the main job, or the CI gate, on what is built
#   make detect             how soon hunts find everything that is broken on purpose: table, chart, status 1 if one was missed
#   make alarms [TIME=1h]   hunts through everything that is right, for so long: status 1 if anything is found
#   make wolf               how often `run --against` cries wolf, and how often it finds a build that is 10 % slower
#   make bench             what the meter itself costs, the bandwidth of verification, and rings beside bare loops, with their bounds
#   make layers             the layer check
#   make fuzz [RUNS=N]      the fuzz targets, N executions each, after their corpora
#   make soak [TIME=1h]     everything in turn, watching for what grows
#   make scenes [TRIES=N]   what is wedged and what is only slow, N times each, and how long it took to tell
#   make torture [COUNT=N]  kills the harness N times, and looks for what it leaves
#   make race [COUNT=N]     N objects are removed while processes keep opening them: none that is held may lose its name
#   make crowd              how long ls, gc and doctor take with 5,000 processes and 20,000 objects
#   make growth             what plans of 10 to 10,000 trials and crews of 2 to 5,000 processes cost, and how that grows
#   make coverage           workloads/check/COVERAGE.md, from the rows of the checks
#   make check-musl         the checks against another C library: static, without a library besides
#   make check-aarch64      the checks as a program of another processor, under qemu-user
#   make mutants [TABLE=1]  runs the checks in front of one mistake after the other; TABLE=1 writes workloads/check/MUTANTS.md
#
# Variables: CC=gcc|clang  BUILD=folder  WERROR=1  SANITIZE=address,undefined  CFLAGS  LDFLAGS
#            V=1 shows whole commands

ifeq ($(origin CC),default)
CC = gcc
endif
BUILD ?= build
PREFIX ?= /usr/local
DATADIR = $(PREFIX)/share/shmoo
PYTHON = /usr/bin/python3

CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wformat=2 \
           -Wundef -Wvla
# a row that no list names would be lost without a word; only clang can tell
ifneq (,$(findstring clang,$(CC)))
WARNINGS += -Wmissing-variable-declarations
endif
ifdef WERROR
WARNINGS += -Werror
endif
ifdef SANITIZE
# shift and alignment as the CPU has them; every finding ends the process
# gcc 12 marks the ends of scopes also where code is inlined into a function that is not to be sanitized, and takes no mark back there:
# later frames look poisoned. clang goes on looking for uses after a scope.
SANITIZER = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -DSANITIZED=1 \
	$(if $(findstring clang,$(CC)),,-fno-sanitize-address-use-after-scope)
endif

# one short line a command, unless V=1
quiet = $(if $(V),,@printf '%-4s %s\n' $(1) $@;)

PACKAGES = inih hwloc jansson libseccomp
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null || echo -linih -lhwloc -ljansson -lseccomp)

ALL_CFLAGS = -std=gnu11 $(WARNINGS) -Iharness -I. $(PACKAGE_CFLAGS) -DSHMOO_DATADIR='"$(DATADIR)"' $(SANITIZER) $(CFLAGS)
ALL_LIBS = $(PACKAGE_LIBS) -lm -lpthread

# what is in workloads/plugin/ is built by hand, one file at a time, as its README says
SOURCES := $(filter-out %_test.c %_fuzz.c %_bench.c %/main_check.c workloads/plugin/%,$(wildcard harness/*.c harness/*/*.c workloads/*.c workloads/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
PARTS := $(filter-out $(BUILD)/obj/harness/main.o,$(OBJECTS))
# shmoo-check: the checks, and what starts and prints them; the C library is all that they need
CHECK_SOURCES := harness/main_check.c $(filter-out %_test.c %_fuzz.c %_bench.c,$(wildcard harness/base/*.c workloads/check/*.c)) \
                 $(addprefix harness/,$(addsuffix .c,contract/check contract/check_process contract/check_cgroup contract/check_place \
                 run/check_limits run/check_run run/check_sweep run/check_system run/process run/interrupt report/checks report/checks_human report/checks_ci \
                 report/checks_coverage report/escape report/terminal cmd/check cmd/command_line cmd/outdir))
CHECK_OBJECTS := $(CHECK_SOURCES:%.c=$(BUILD)/obj/%.o)
TEST_SOURCES := $(wildcard harness/*/*_test.c workloads/*/*_test.c)
TESTS := $(TEST_SOURCES:%.c=$(BUILD)/test/%)
BENCHES := $(patsubst %.c,$(BUILD)/bench/%,$(wildcard harness/*/*_bench.c workloads/*/*_bench.c))
FUZZERS := $(patsubst %.c,$(BUILD)/fuzz/%,$(wildcard harness/*/*_fuzz.c))

# the header for plugins, to be found as <shmoo/plugin.h>
PLUGIN_HEADER = $(BUILD)/include/shmoo/plugin.h

all: $(BUILD)/shmoo $(PLUGIN_HEADER)

$(PLUGIN_HEADER): harness/contract/plugin.h
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/shmoo: $(OBJECTS)
	$(call quiet,LINK)$(CC) $(SANITIZER) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/shmoo-check: $(CHECK_OBJECTS)
	$(call quiet,LINK)$(CC) $(SANITIZER) $(LDFLAGS) -o $@ $^ -lm -lpthread

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/test/%: $(BUILD)/obj/%.o $(PARTS)
	@mkdir -p $(@D)
	$(call quiet,LINK)$(CC) $(SANITIZER) $(LDFLAGS) -o $@ $^ $(ALL_LIBS) $$(pkg-config --libs check)

$(BUILD)/bench/%: $(BUILD)/obj/%.o $(PARTS)
	@mkdir -p $(@D)
	$(call quiet,LINK)$(CC) $(SANITIZER) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

# linked with libFuzzer's main(): clang, and the objects compiled for it; ci/fuzz does
$(BUILD)/fuzz/%: $(BUILD)/obj/%.o $(PARTS)
	@mkdir -p $(@D)
	$(call quiet,LINK)$(CC) -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

fuzzers: $(FUZZERS)

tests: $(TESTS)

# pytest that keeps notes of what has failed in $(BUILD)/pytest/NAME, so that ci/steady repeats just that
pytest_anew = rm -rf $(BUILD)/pytest/$(1) && ci/steady $(PYTHON) -B -m pytest -q --last-failed -o cache_dir=$(abspath $(BUILD))/pytest/$(1)

# without the analysis' tests, which run no C of ours
check-built: export SHMOO = $(abspath $(BUILD)/shmoo)
check-built: export MUTANTS = $(abspath $(BUILD)/mutants.so)
check-built: all $(TESTS) $(BUILD)/mutants.so $(BUILD)/shmoo-check
	@failed=; \
	for test in $(TESTS); do echo "== $$test"; CK_VERBOSITY=normal ci/steady $$test || failed="$$failed $$test"; done; \
	{ $(call pytest_anew,built) harness workloads; } || failed="$$failed pytest:harness,workloads"; \
	[ -z "$$failed" ] || { echo "check: failed:$$failed"; exit 1; }

check-analysis: all
	@$(call pytest_anew,analysis) analysis

# the second also when the first has failed
check:
	@status=0; $(MAKE) check-built || status=$$?; $(MAKE) check-analysis || status=$$?; exit $$status

demo: $(BUILD)/shmoo
	$(BUILD)/shmoo run tradeoffs; status=$$?; $(BUILD)/shmoo report results/latest; exit $$status

smoke: $(BUILD)/shmoo
	$(BUILD)/shmoo run smoke

# primitives that nothing built in resembles, built as a user builds his own
ZOO_OF = $(patsubst workloads/plugin/zoo/%.c,$(BUILD)/zoo/%.so,$(wildcard workloads/plugin/zoo/$(1)_*.c))
ZOO_RIGHT := $(call ZOO_OF,right)
ZOO_WRONG := $(call ZOO_OF,wrong)

$(BUILD)/zoo/%.so: workloads/plugin/zoo/%.c workloads/plugin/zoo/zoo.h $(PLUGIN_HEADER)
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) -O2 -Wall -Wextra $(if $(WERROR),-Werror) -shared -fPIC -I$(BUILD)/include -o $@ $<

zoo: $(ZOO_RIGHT) $(ZOO_WRONG)

detect: $(BUILD)/shmoo $(ZOO_WRONG)
	@status=0; $(BUILD)/shmoo run detect --sync 'none,busted-*,wrong-*' $(ZOO_WRONG:%=--plugin %) \
	    || status=$$?; [ $$status -le 1 ] || exit $$status; \
	$(BUILD)/shmoo report results/latest && $(PYTHON) -B analysis/detection.py results/latest

alarms: $(BUILD)/shmoo $(ZOO_RIGHT)
	SHMOO=$(abspath $(BUILD)/shmoo) ci/alarms --time $(or $(TIME),1h) $(ZOO_RIGHT)

# figures, each with its spread and the bound beside it; on a machine with nothing else to do
bench: $(BENCHES)
	@$(PYTHON) -B analysis/bench.py $(BENCHES)

fuzz:
	ci/fuzz $(RUNS)

soak:
	ci/soak $(TIME)

scenes: $(BUILD)/test/harness/run/scenes_test
	SCENE_TRIES=$(or $(TRIES),20) $<

torture: $(BUILD)/shmoo
	SHMOO=$(abspath $(BUILD)/shmoo) ci/torture $(COUNT)

race: COUNT ?= 10000
race: $(BUILD)/test/harness/run/leftover_race_test
	SHMOO_RACE_REMOVALS=$(COUNT) CK_TIMEOUT_MULTIPLIER=1000 $<

wolf: $(BUILD)/shmoo
	SHMOO=$(abspath $(BUILD)/shmoo) ci/wolf

growth: $(BUILD)/shmoo
	SHMOO=$(abspath $(BUILD)/shmoo) ci/growth

crowd: $(BUILD)/shmoo
	SHMOO=$(abspath $(BUILD)/shmoo) ci/crowd

layers:
	ci/layers

coverage: $(BUILD)/shmoo
	$(BUILD)/shmoo check --coverage >workloads/check/COVERAGE.md

# loaded in front of the C library: never sanitized, and no part of the program
$(BUILD)/mutants.so: $(wildcard workloads/check/mutants/*.[ch])
	@mkdir -p $(@D)
	$(call quiet,LINK)$(CC) -std=gnu11 $(WARNINGS) -O1 -g -fPIC -shared -I. -o $@ $(filter %.c,$^) -ldl -lpthread

check-musl check-aarch64: check-%:
	ci/elsewhere $*

mutants: $(BUILD)/shmoo $(BUILD)/mutants.so
	SHMOO=$(abspath $(BUILD)/shmoo) MUTANTS=$(abspath $(BUILD)/mutants.so) ci/mutants $(if $(TABLE),--table workloads/check/MUTANTS.md)

install: $(BUILD)/shmoo
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/shmoo
	install -d $(DESTDIR)$(DATADIR)/analysis $(DESTDIR)$(DATADIR)/jobs $(DESTDIR)$(DATADIR)/plugin
	install -m 644 harness/contract/plugin.h $(DESTDIR)$(PREFIX)/include/shmoo/plugin.h
	install -m 644 workloads/plugin/README.md workloads/plugin/*.c $(DESTDIR)$(DATADIR)/plugin/
	install -m 755 $(BUILD)/shmoo $(DESTDIR)$(PREFIX)/bin/shmoo
	install -m 644 workloads/jobs/*.ini $(DESTDIR)$(DATADIR)/jobs/
	install -m 644 $(filter-out analysis/test_%.py analysis/conftest.py analysis/fuzz_%.py analysis/synthetic.py,$(wildcard analysis/*.py analysis/*.j2)) \
	    $(DESTDIR)$(DATADIR)/analysis/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/shmoo $(DESTDIR)$(PREFIX)/include/shmoo/plugin.h
	-rmdir $(DESTDIR)$(PREFIX)/include/shmoo 2>/dev/null
	rm -rf $(DESTDIR)$(DATADIR)

clean:
	rm -rf $(BUILD)

-include $(sort $(OBJECTS:.o=.d) $(CHECK_OBJECTS:.o=.d)) $(BENCHES:$(BUILD)/bench/%=$(BUILD)/obj/%.d) $(TEST_SOURCES:%.c=$(BUILD)/obj/%.d) $(FUZZERS:$(BUILD)/fuzz/%=$(BUILD)/obj/%.d)

.PHONY: all tests fuzzers check check-built check-analysis bench demo smoke detect zoo alarms fuzz soak scenes torture wolf race crowd growth layers coverage mutants check-musl check-aarch64 install uninstall clean
.SECONDARY:
