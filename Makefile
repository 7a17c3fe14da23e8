# Holdfast: one non-recursive Makefile. `make help` lists the targets.
#
# Variants are whole builds in their own folder:
#   make SAN=address,undefined   -> build-address-undefined   (ASan + UBSan)
#   make CC=clang B=build-clang

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

SAN  ?=
comma := ,
B    ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
CC   := $(if $(filter default,$(origin CC)),gcc,$(CC))
AR   ?= ar
JOBS ?= $(shell nproc)
WERROR ?= $(if $(CI),-Werror)

WARN     := -Wall -Wextra -Wconversion -Wshadow -Wswitch-enum -Wstrict-prototypes \
            -Wmissing-prototypes -Wundef -Wvla
CPPFLAGS += -I. -D_GNU_SOURCE -DHOLDFAST_VERSION='"$(VERSION)"'
VERSION  := 0.1.0
OPT      ?= $(if $(SAN),-O1 -fno-omit-frame-pointer,-O2)
CFLAGS   += -std=c11 -g $(OPT) $(WARN) $(WERROR) -fstack-protector-strong -pthread \
            $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=undefined)
LDFLAGS  += -pthread $(if $(SAN),-fsanitize=$(SAN))

ifneq ($(shell pkg-config --exists libisal 2>/dev/null && echo yes),)
CPPFLAGS   += -DHAVE_ISAL
ISAL_LIBS  := $(shell pkg-config --libs libisal)
endif
ifneq ($(shell pkg-config --exists liburing 2>/dev/null && echo yes),)
CPPFLAGS   += -DHAVE_LIBURING
URING_LIBS := $(shell pkg-config --libs liburing)
endif
CHECK_LIBS   = $(shell pkg-config --libs check)
ISCSI_LIBS   = $(shell pkg-config --libs libiscsi)
JANSSON_LIBS = $(shell pkg-config --libs jansson)
CONFIG_LIBS  = $(shell pkg-config --libs libconfig)
CRYPTO_LIBS  = $(shell pkg-config --libs libcrypto)

# ---- libraries: one a folder; the libev server apart from the sans-IO protocol -------------------
SERVER_SRC    := $(wildcard transport/server*.c)
PR_ENGINE_SRC := $(wildcard pr_engine/*.c)
TARGET_SRC    := $(wildcard target/*.c)
TRANSPORT_SRC := $(filter-out $(SERVER_SRC),$(wildcard transport/*.c))
CONFIG_SRC    := $(wildcard config/*.c)
DAEMON_SRC    := $(wildcard tools/holdfastd/*.c)
# What several programs share.
COMMON_SRC    := $(wildcard tools/common/*.c)
CLI_SRC       := $(wildcard tools/holdfast/*.c)
LUA_LIBS     = $(shell pkg-config --libs lua5.4)
LAB_SRC       := $(wildcard tools/lab/*.c)
LAB_TOOL_SRC  := $(wildcard tools/holdfast-lab/*.c)
DOCS_SRC      := $(wildcard tools/docs/*.c)
CHECK_SRC     := $(wildcard tools/check/*.c)

objs = $(patsubst %.c,$(B)/%.o,$(1))

LIB_PR_ENGINE := $(B)/libpr_engine.a
LIB_TARGET    := $(B)/libtarget.a
LIB_TRANSPORT := $(B)/libtransport.a
LIB_SERVER    := $(B)/libserver.a
LIB_CONFIG    := $(B)/libconfig_file.a
LIB_LAB       := $(B)/liblab.a
LIB_CHECK     := $(B)/libcheck_initiator.a
LIBS          := $(LIB_TRANSPORT) $(LIB_TARGET) $(LIB_PR_ENGINE)

$(LIB_PR_ENGINE): $(call objs,$(PR_ENGINE_SRC))
$(LIB_TARGET):    $(call objs,$(TARGET_SRC))
$(LIB_TRANSPORT): $(call objs,$(TRANSPORT_SRC))
$(LIB_SERVER):    $(call objs,$(SERVER_SRC))
$(LIB_CONFIG):    $(call objs,$(CONFIG_SRC))
$(LIB_CHECK):     $(call objs,$(CHECK_SRC))
$(LIB_LAB):       $(call objs,$(LAB_SRC)) $(B)/made/report_assets.o

# The report's page is made of files, which are built in; its scripts become one.
REPORT_PAGE    := $(addprefix tools/lab/report/report.,html css)
REPORT_SCRIPTS := $(patsubst %,tools/lab/report/%.js,data place view lane draw panels input)
$(B)/made/report.js: $(REPORT_SCRIPTS)
	@mkdir -p $(@D)
	$(Q)cat $^ >$@
$(B)/made/report_assets.c: tools/lab/report/embed $(REPORT_PAGE) $(B)/made/report.js
	$(Q)$^ >$@
$(B)/made/%.o: $(B)/made/%.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib%.a:
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

Q := $(if $(V),,@)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- programs ---------------------------------------------------------------------------------
PROGRAMS := $(B)/holdfastd $(B)/holdfast

DAEMON_PARTS := $(call objs,$(DAEMON_SRC)) $(LIB_SERVER) $(LIBS) $(LIB_CONFIG)
DAEMON_LIBS   = -lev $(CONFIG_LIBS) $(JANSSON_LIBS) $(ISAL_LIBS) $(CRYPTO_LIBS) \
                $(URING_LIBS)
$(B)/holdfastd: $(DAEMON_PARTS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(B)/holdfast: $(call objs,$(CLI_SRC) $(COMMON_SRC)) $(LIB_CHECK) $(LIB_TRANSPORT) $(LIB_PR_ENGINE) $(LIB_CONFIG)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(JANSSON_LIBS) $(ISAL_LIBS) $(CRYPTO_LIBS)

# The lab needs an initiator, which building and running the target does not.
LAB_PROGRAM := $(B)/holdfast-lab
$(call objs,$(LAB_TOOL_SRC)): CPPFLAGS += $(shell pkg-config --cflags lua5.4)
$(B)/tools/holdfast-lab/scenario_prelude.o: $(wildcard tools/holdfast-lab/*.lua)
$(LAB_PROGRAM): $(call objs,$(LAB_TOOL_SRC) $(COMMON_SRC)) $(LIB_LAB) $(LIB_PR_ENGINE)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(ISCSI_LIBS) $(LUA_LIBS) $(JANSSON_LIBS) $(ISAL_LIBS)

# What the lab loads into a target whose power it is to cut. It has no sanitizers of its own: those of
# the target are there already.
POWER_SHIM := $(B)/holdfast-power.so
$(POWER_SHIM): tools/power/shim.c tools/power/record.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -fsanitize=% -fno-sanitize-recover=%,$(CFLAGS)) -fPIC -shared -o $@ $< -ldl

# Prints pages of docs/ from the tables.
DOCS_PROGRAM := $(B)/docs
$(DOCS_PROGRAM): $(call objs,$(DOCS_SRC)) $(LIBS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(ISAL_LIBS) $(CRYPTO_LIBS) $(URING_LIBS)

.PHONY: docs
docs: $(DOCS_PROGRAM)
	@for page in commands.md keys.md; do $(DOCS_PROGRAM) $$page >docs/$$page || exit 1; done

.PHONY: all
all: $(PROGRAMS) $(LAB_PROGRAM) $(POWER_SHIM)

# ---- tests ------------------------------------------------------------------------------------
# A test is one program: tests/KIND/.../test_NAME.c, linked with everything it could need, plus the
# helpers of its folder (all other .c files there) and of tests/support.
UNIT_SRC        := $(wildcard tests/unit/*/test_*.c)
PROPERTY_SRC    := $(wildcard tests/property/test_*.c)
CRASH_SRC       := $(wildcard tests/crash/test_*.c)
INTEGRATION_SRC := $(wildcard tests/integration/test_*.c)
SUPPORT_SRC     := $(wildcard tests/support/*.c)

test_bins = $(patsubst %.c,$(B)/%,$(1))
UNIT_BIN        := $(call test_bins,$(UNIT_SRC))
PROPERTY_BIN    := $(call test_bins,$(PROPERTY_SRC))
CRASH_BIN       := $(call test_bins,$(CRASH_SRC))
INTEGRATION_BIN := $(call test_bins,$(INTEGRATION_SRC))

LIB_SUPPORT := $(B)/libsupport.a
$(LIB_SUPPORT): $(call objs,$(SUPPORT_SRC))

# In a static pattern rule make would put the stem in place of a "%" written out.
folder_helpers = $(filter-out $(dir $(1))test_%,$(wildcard $(dir $(1))*.c))

# The programs of tests/unit/failure get the libraries with these calls renamed to fail_NAME, which
# are the test's own and fail when they are told to.
FAILABLE     := malloc calloc realloc strdup free fopen eventfd pthread_create open openat \
                mkdirat fsync fdatasync flock fstat fstatat pread pwrite ftruncate renameat linkat \
                unlinkat socket setsockopt bind listen getsockname accept4 \
                io_uring_queue_init_params io_uring_register_eventfd io_uring_submit
FAILURE_BIN  := $(filter $(B)/tests/unit/failure/%,$(UNIT_BIN))
FAILURE_LIBS := $(patsubst $(B)/%,$(B)/failure/%,$(LIB_SERVER) $(LIBS) $(LIB_CONFIG))
$(B)/failure/%.a: $(B)/%.a
	@mkdir -p $(@D)
	$(Q)objcopy $(foreach call,$(FAILABLE),--redefine-sym $(call)=fail_$(call)) \
		--weaken-symbol=spare_give $< $@

.SECONDEXPANSION:
$(FAILURE_BIN): $(B)/%: $(B)/%.o \
		$$(call objs,$$(call folder_helpers,$$*)) $(LIB_SUPPORT) $(FAILURE_LIBS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_SUPPORT) $(FAILURE_LIBS) -lev \
		$(CHECK_LIBS) $(CONFIG_LIBS) $(JANSSON_LIBS) $(ISAL_LIBS) $(CRYPTO_LIBS) $(URING_LIBS)

$(filter-out $(FAILURE_BIN),$(UNIT_BIN)) $(PROPERTY_BIN) $(CRASH_BIN): $(B)/%: $(B)/%.o \
		$$(call objs,$$(call folder_helpers,$$*)) \
		$(LIB_SUPPORT) $(LIB_LAB) $(LIB_CHECK) $(LIBS) $(LIB_CONFIG)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_SUPPORT) $(LIB_LAB) $(LIB_CHECK) $(LIBS) \
		$(LIB_CONFIG) \
		$(CHECK_LIBS) $(CONFIG_LIBS) $(JANSSON_LIBS) $(ISAL_LIBS) $(CRYPTO_LIBS) $(URING_LIBS)

$(INTEGRATION_BIN): $(B)/%: $(B)/%.o \
		$$(call objs,$$(call folder_helpers,$$*)) \
		$(LIB_SUPPORT) $(LIB_PR_ENGINE)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_SUPPORT) $(LIB_PR_ENGINE) \
		$(CHECK_LIBS) $(ISCSI_LIBS) $(JANSSON_LIBS) $(ISAL_LIBS)

$(B)/tests/integration/test_power: $(POWER_SHIM)

# Initiators that `holdfast check-initiator` is run against.
CHECKED_BIN := $(B)/tests/initiators/libiscsi
export HOLDFAST_CHECKED = $(abspath $(CHECKED_BIN))
$(CHECKED_BIN): %: %.o
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(ISCSI_LIBS)

# What tests/bench/instructions.sh counts instructions of.
BENCH_STREAM := $(B)/tests/bench/stream
export HOLDFAST_STREAM = $(abspath $(BENCH_STREAM))
export HOLDFAST_STREAM_BUILD = $(shell $(CC) --version 2>/dev/null | head -n 1) $(OPT)
TESTS    := $(UNIT_BIN) $(PROPERTY_BIN) $(CRASH_BIN) $(INTEGRATION_BIN)
SCRIPTS  := $(wildcard tests/integration/test_*.sh) tests/scenarios-listed.sh tests/layering.sh \
            tests/docs.sh tests/linux/short.sh tests/conformance/short.sh tests/initiators/short.sh tests/bench/instructions.sh \
            tests/mutants/short.sh tests/lab/judged.sh

.PHONY: tests
tests: $(TESTS) $(PROGRAMS) $(CHECKED_BIN) $(BENCH_STREAM) $(DOCS_PROGRAM)

# The tests find the programs they start through these two variables.
export HOLDFASTD = $(abspath $(B)/holdfastd)
export HOLDFAST  = $(abspath $(B)/holdfast)
export HOLDFAST_LAB = $(abspath $(B)/holdfast-lab)
export HOLDFAST_DOCS = $(abspath $(B)/docs)
export LINUX_LOGS = $(B)/linux-logs
# How tests/mutants/run builds a daemon of the same kind.
export HOLDFAST_MAKE = make CC=$(CC) SAN=$(SAN) B=$(B)

# ---- fuzzing ----------------------------------------------------------------------------------
# Each tests/fuzz/fuzz_NAME.c is a libFuzzer target with seeds in tests/fuzz/corpus/NAME.
FUZZ_B       ?= build-fuzz
FUZZ_SECONDS ?= 30
FUZZ_SRC     := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN     := $(patsubst %.c,$(FUZZ_B)/%,$(FUZZ_SRC))
FUZZ_LIB_SRC := $(PR_ENGINE_SRC) $(TARGET_SRC) $(TRANSPORT_SRC) $(CONFIG_SRC) $(LAB_SRC) \
                $(filter-out tests/support/suite.c,$(SUPPORT_SRC))
FUZZ_CFLAGS   = -std=c11 -g -O1 -fno-omit-frame-pointer -pthread $(WARN) $(WERROR) \
                -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(FUZZ_B)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(FUZZ_B)/libfuzz.a: $(patsubst %.c,$(FUZZ_B)/%.o,$(FUZZ_LIB_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(FUZZ_BIN): %: %.o $(FUZZ_B)/libfuzz.a
	$(Q)clang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(CONFIG_LIBS) $(CHECK_LIBS) $(ISAL_LIBS) \
		$(CRYPTO_LIBS) $(URING_LIBS) $(JANSSON_LIBS)
-include $(shell find $(FUZZ_B) -name '*.d' 2>/dev/null)

.PHONY: fuzz
fuzz: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(FUZZ_BIN)
	@tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_B) $(FUZZ_BIN)

# ---- the two commands ---------------------------------------------------------------------------
.PHONY: run check
run: deps-run
	@$(MAKE) --no-print-directory -q $(PROGRAMS) 2>/dev/null || \
		echo 'Building; the first time this takes a minute.'
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS)
	@tools/run-target

check: deps linux-image
	@$(MAKE) --no-print-directory -j$(JOBS) all tests man
	@tests/run -j $(JOBS) -l $(B)/logs $(TESTS) $(SCRIPTS)

# The README's two commands install what is missing.
.PHONY: deps deps-run
deps:
	@tools/install-deps
deps-run:
	@tools/install-deps --run

# ---- longer and narrower checks -----------------------------------------------------------------
.PHONY: check-unit check-asan check-threads check-loops check-kill check-hostile check-conformance check-wire \
        check-valgrind demo
check-unit: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(UNIT_BIN)
	@tests/run -j $(JOBS) -l $(B)/logs $(UNIT_BIN)

# The same tests under ASan and UBSan.
check-asan: deps
	@$(MAKE) --no-print-directory check SAN=address,undefined

# What several threads do, under TSan: the executor, letters between loops, and the daemon at work:
# with its disk and journal, and with several event loops. `thread-suite` is every integration test.
# (test_state_dir limits sizes of files, which TSan does not survive; test_options starts nothing;
# test_power looks at a start.)
THREAD_TESTS := $(addprefix $(B)/tests/,unit/target/test_executor unit/target/test_write_atomic \
                unit/target/test_backing_file unit/target/test_mailbox integration/test_disk \
                integration/test_reservations integration/test_erase integration/test_kill \
                integration/test_threads integration/test_shared_blocks)
LOOP_TESTS   := $(addprefix $(B)/tests/integration/test_,disk reservations lun portals auth)
LOOP_SUITE   := $(filter-out %/test_options %/test_state_dir %/test_power, \
                $(call test_bins,$(wildcard tests/integration/test_*.c)))
REMOTE_TESTS := $(addprefix $(B)/tests/unit/target/test_,fence inquiry lun_mask mode opcodes orwrite \
                pr_in read_write reservation spc_buffer spc_diagnostic spc_identifying spc_log unmap \
                verify write_atomic write_same lease)
.PHONY: thread-tests thread-suite
thread-tests:
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS) $(THREAD_TESTS) $(LOOP_TESTS) $(REMOTE_TESTS)
	@TSAN_OPTIONS=halt_on_error=1 HOLDFAST_KILLS=30 \
		tests/run -j $(JOBS) -l $(B)/logs $(THREAD_TESTS)
	@HOLDFAST_REMOTE=1 tests/run -j $(JOBS) -l $(B)/logs-remote $(REMOTE_TESTS)
	@for n in 2 4; do HOLDFAST_THREADS=$$n TSAN_OPTIONS=halt_on_error=1 \
		tests/run -j $(JOBS) -l $(B)/logs-$$n $(LOOP_TESTS) || exit 1; done
thread-suite:
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS) $(B)/holdfast-lab $(LOOP_SUITE)
	@for n in 2 4; do HOLDFAST_THREADS=$$n TSAN_OPTIONS=halt_on_error=1 HOLDFAST_KILLS=30 \
		tests/run -j $(JOBS) -l $(B)/logs-$$n $(LOOP_SUITE) || exit 1; done
	@TSAN_OPTIONS=halt_on_error=1 tests/lab/stress --seconds 40 --keep $(B)/stress
check-threads: deps
	@$(MAKE) --no-print-directory thread-tests SAN=thread
# Every integration test with 2 and 4 loops, and the lab's stress.
check-loops: deps
	@$(MAKE) --no-print-directory thread-suite SAN=thread

# Longer forms of tests that `make check` runs short.
check-kill: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all $(B)/tests/integration/test_kill
	@HOLDFAST_KILLS=$${HOLDFAST_KILLS:-5000} $(B)/tests/integration/test_kill
check-hostile: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all $(B)/tests/integration/test_hostile
	@HOLDFAST_SILENT=$${HOLDFAST_SILENT:-10000} $(B)/tests/integration/test_hostile

# The whole public suite against every kind of LUN; see tests/conformance/run. With a sanitizer:
# make check-conformance SAN=address,undefined (or SAN=thread).
check-conformance: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS)
	@tests/conformance/run -j $(JOBS) -l $(B)/conformance

# tshark judges what the daemon sends in such a run. Skips with the reason where it may not capture.
check-wire: deps
	@tools/install-deps --wire
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS)
	@tests/conformance/wire.sh $(B)/wire

# A part of the suite, with the daemon under valgrind's memcheck.
VALGRIND_PART := 'Prin*' 'Prout*' 'Reserve6.*' 'iSCSI*' 'Inquiry.*' 'ModeSense6.*' 'Unmap.*' \
                 'ExtendedCopy.*' 'ReceiveCopyResults.*' 'WriteAtomic16.*' 'ReportSupportedOpcodes.*' \
                 'ReadCapacity*' 'GetLBAStatus.*' 'Prefetch*' 'OrWrite.Simple' 'Sanitize.Overwrite'
check-valgrind: deps
	@tools/install-deps --valgrind
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS)
	@HOLDFASTD_PLAIN=$(HOLDFASTD) HOLDFASTD=tests/conformance/valgrind \
		tests/conformance/run -j 1 -k thin-512 -l $(B)/conformance-valgrind $(VALGRIND_PART)

# Wrong targets: the daemon with a fault built in, each of which the lab has to find and name; see
# tests/mutants/README.md. MUTANT is a folder with changed files of ours, which come before the
# libraries that have the right ones.
.PHONY: check-mutants mutant stress check-tgt
check-mutants: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/mutants/run -j $(JOBS) $(ARGS)
mutant:
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -w $(LDFLAGS) -o $(MUTANT)/holdfastd $(MUTANT)/*.c \
		$(DAEMON_PARTS) $(DAEMON_LIBS)

# The stress with kill -9 every few seconds, judged piece by piece; tests/lab/stress --help.
STRESS_SECONDS ?= 600
stress: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/lab/stress --seconds $(STRESS_SECONDS) --keep $(B)/stress $(ARGS)

# How long does the judge take for a million events of 32 initiators? tests/lab/bench --help.
.PHONY: bench-judge
bench-judge: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/lab/bench $(ARGS)

# Another target in the lab: does it still break what docs/tgt.md says? Skips where it is not there.
check-tgt: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tests/tgt/run $(ARGS)

# Benchmarks print figures and ratios; nothing fails on them. tests/bench/run says what it can be
# asked for; HOLDFAST_BENCH=long measures longer, HOLDFAST_BENCH_ARGS goes to it.
BENCH_SRC   := $(wildcard tests/bench/bench_*.c)
BENCH_BIN   := $(call test_bins,$(BENCH_SRC))
BENCH_LOAD  := $(B)/tests/bench/load/load
BENCH_FLOOR := $(B)/tests/bench/floor
BENCH_TOOLS := $(BENCH_LOAD) $(BENCH_FLOOR)
$(BENCH_STREAM): $(BENCH_STREAM).o $(LIB_SUPPORT) $(LIBS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(JANSSON_LIBS) $(CHECK_LIBS) $(ISAL_LIBS) $(CRYPTO_LIBS) $(URING_LIBS)
$(BENCH_BIN): $(B)/%: $(B)/%.o $(LIB_SUPPORT) $(LIB_LAB) $(LIBS)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(JANSSON_LIBS) $(CHECK_LIBS) $(ISAL_LIBS) $(CRYPTO_LIBS) $(URING_LIBS)
$(BENCH_LOAD): $(call objs,$(wildcard tests/bench/load/*.c)) $(LIB_PR_ENGINE)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(ISAL_LIBS)
$(BENCH_FLOOR): $(B)/tests/bench/floor.o
	$(Q)$(CC) $(LDFLAGS) -o $@ $^
# Did a command become dearer? In instructions, which noise does not touch; make check runs it, too.
.PHONY: bench check-instructions
check-instructions: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(BENCH_STREAM)
	@tests/bench/instructions.sh $(ARGS)
bench: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(BENCH_BIN) $(BENCH_TOOLS) $(PROGRAMS)
	@for bench in $(BENCH_BIN); do $$bench || exit 1; done
	@tests/bench/run --programs $(B) $(HOLDFAST_BENCH_ARGS)

# Debian's kernel in QEMU as the initiator; see tests/linux/README.md.
LINUX_B         := build/linux
LINUX_SCENARIOS := $(wildcard tests/linux/scenarios/*.sh)
# What the guests run of ours, linked statically.
LINUX_PROGRAMS  := $(basename $(notdir $(wildcard tests/linux/programs/*.c)))

.PHONY: check-linux check-linux-short linux-image
linux-image:
	@tools/install-deps --linux
	@mkdir -p $(LINUX_B)
	@tests/linux/build-image $(LINUX_B)
	@mkdir -p $(LINUX_B)/programs
	@for program in $(LINUX_PROGRAMS); do \
		$(CC) -static -std=c11 -D_GNU_SOURCE -O2 -pthread $(WARN) $(WERROR) \
			-o $(LINUX_B)/programs/$$program tests/linux/programs/$$program.c || exit 1; \
	done

check-linux: linux-image
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS)
	@tests/linux/run -i $(LINUX_B) -l $(LINUX_B)/logs $(LINUX_SCENARIOS)
check-linux-short: linux-image
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS)
	@tests/linux/short.sh

# A scenario of the lab, to be watched; ARGS='--pace 1000' for those who read slowly.
# The active checks: each is passed by an initiator that behaves and failed by one that errs in its way;
# then the whole catalogue against libiscsi, with a report in $(B)/check-initiator.
.PHONY: check-initiators check-libiscsi
check-initiators: deps check-libiscsi
	@tests/initiators/prove --jobs $(CHECK_JOBS)
CHECK_JOBS ?= $(shell expr 4 \* $(JOBS))
check-libiscsi:
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS) $(CHECKED_BIN)
	@mkdir -p $(B)/check-initiator
	@$(HOLDFAST) check-initiator --jobs $(CHECK_JOBS) --json $(B)/check-initiator/libiscsi.json \
		--junit $(B)/check-initiator/libiscsi.xml --html $(B)/check-initiator/libiscsi.html -- \
		$(HOLDFAST_CHECKED) {portal} {target} {lun} {work} {user} {secret} {target-user} \
		{target-secret} >$(B)/check-initiator/libiscsi.txt || test $$? -eq 1
	@echo "report: $(B)/check-initiator/libiscsi.txt, .json, .xml, .html"
	@tests/initiators/compare $(B)/check-initiator/libiscsi.json tests/initiators/libiscsi.verdicts

# The same for Debian's kernel and open-iscsi, each slice of the catalogue in a guest of its own; what is in
# $(OPEN_ISCSI_B) already is not played again.
OPEN_ISCSI_B := $(B)/check-open-iscsi
.PHONY: check-open-iscsi
check-open-iscsi: linux-image
	@$(MAKE) --no-print-directory -j$(JOBS) $(PROGRAMS)
	@LINUX_B=$(LINUX_B) tests/initiators/open-iscsi/run $(OPEN_ISCSI_ARGS) $(OPEN_ISCSI_B)
	@tests/initiators/compare $(OPEN_ISCSI_B)/report.json tests/initiators/open-iscsi.verdicts

demo: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(HOLDFAST_LAB) run --live --own $(HOLDFASTD) --report $(B)/demo.html $(ARGS) \
		docs/scenarios/worst-day.lua

# ---- style and structure ------------------------------------------------------------------------
SOURCES := $(wildcard pr_engine/*.[ch] target/*.[ch] transport/*.[ch] config/*.[ch] \
             tools/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
LINT_SRC := $(PR_ENGINE_SRC) $(TARGET_SRC) $(TRANSPORT_SRC) $(SERVER_SRC) $(CONFIG_SRC) \
            $(DAEMON_SRC) $(COMMON_SRC) $(CLI_SRC) $(CHECK_SRC) $(LAB_SRC) $(LAB_TOOL_SRC) $(DOCS_SRC) \
            tools/power/shim.c

.PHONY: format format-check lint layering purity
format:
	@clang-format -i $(SOURCES)
format-check:
	@clang-format --dry-run -Werror $(SOURCES)

lint:
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem \
		--include=/usr/include/utlist.h --include=/usr/include/jansson.h -I. -D_GNU_SOURCE $(LINT_SRC)
	@printf '%s\0' $(LINT_SRC) | xargs -0 -n 6 -P $(JOBS) clang-tidy --quiet

# Includes go one way; headers of libev stay in the server and the tools.
layering:
	@tests/layering.sh

# The engine proper calls nothing but mem*, str* and assert.
purity: $(LIB_PR_ENGINE)
	@tests/purity.sh $(B)/pr_engine

# ---- man pages ----------------------------------------------------------------------------------
MAN_SRC := $(wildcard docs/man/*.scd)
MAN     := $(patsubst docs/man/%.scd,$(B)/man/%,$(MAN_SRC))
.PHONY: man
man: $(MAN)
$(B)/man/%: docs/man/%.scd
	@mkdir -p $(@D)
	$(Q)scdoc <$< >$@

.PHONY: clean help
clean:
	rm -rf build build-*

help:
	@echo 'make run               build and start a target with a 1 GiB disk on 127.0.0.1:3260'
	@echo 'make check             build and run every test'
	@echo 'make demo              the worst day of a cluster, live in the terminal, and a report'
	@echo 'make check-kill        5,000 times kill -9 under load'
	@echo 'make check-hostile     10,000 silent connections and other bad company'
	@echo 'make check-conformance the whole public suite against every kind of LUN'
	@echo 'make check-mutants     wrong targets, each of which the lab has to find'
	@echo 'make check-tgt         the lab against tgt, where that is installed'
	@echo 'make stress            the lab with kill -9, for STRESS_SECONDS (600)'
	@echo 'make check-wire        tshark reads what the target sends in that (root)'
	@echo 'make check-initiators  the active checks proven, and libiscsi against all of them'
	@echo 'make check-open-iscsi  the active checks on open-iscsi and a Debian kernel in QEMU (long)'
	@echo 'make check-linux       Debian kernels in QEMU as initiators, every scenario'
	@echo 'make check-threads     what several threads do, under TSan'
	@echo 'make check-loops       every integration test with 2 and 4 event loops, under TSan'
	@echo 'make check-valgrind    a part of the public suite under memcheck'
	@echo 'make check-asan        every test under ASan and UBSan'
	@echo 'make bench             figures and ratios, beside other targets that are installed'
	@echo 'make check-instructions  what a command costs, against what it cost before'
	@echo 'make fuzz              every fuzz target for FUZZ_SECONDS (30) each'
	@echo 'make lint              clang-tidy and cppcheck'
	@echo 'make format-check      clang-format; `make format` mends'
	@echo 'make layering purity   the structure that docs and code promise'
	@echo 'make docs              the pages of docs/ that are printed from tables'
	@echo 'make man               man pages, in $(B)/man'
