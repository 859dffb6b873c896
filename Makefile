# dltrain: build, test, install. `make help` lists the targets.
#
# Variables: CC, CFLAGS (added), WERROR=1, SAN=address|undefined|thread (comma-separated), REAL=double (the engine in
# double precision, for tests), OBJCOPY, DEPS=no (install nothing), PREFIX, DESTDIR, V=1;
# of golden: COMPILERS (gcc clang), REQUIRE (which of them, of the instruction sets and aarch64 must not be left out).

PREFIX  ?= /usr/local
CFLAGS  ?= -O3 -g
DEPS    ?= yes
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
OBJCOPY ?= $(shell $(CC) -print-prog-name=objcopy 2>/dev/null)

# ---- dependencies: found by pkg-config, named in one line where they are missing ----

NO_BUILD := help clean format lint check-layers demo check golden deps deps-test
ifneq ($(if $(MAKECMDGOALS),$(filter-out $(NO_BUILD),$(MAKECMDGOALS)),all),)
MISSING := $(if $(MACHINE),,C-compiler) $(if $(shell command -v pkg-config),\
    $(shell pkg-config --exists zlib || echo zlib) $(shell pkg-config --exists libcjson || echo cJSON),pkg-config) \
    $(if $(shell command -v $(OBJCOPY)),,objcopy)
ifneq ($(strip $(MISSING)),)
$(error missing: $(strip $(MISSING)). Install by: scripts/install-deps (or: apt-get install gcc binutils pkg-config zlib1g-dev libcjson-dev))
endif
endif
DEPS_CFLAGS := $(shell pkg-config --cflags zlib libcjson 2>/dev/null)
DEPS_LIBS   := $(shell pkg-config --libs zlib libcjson 2>/dev/null)

# ---- flags ----

# One line a file; V=1 shows the commands, -s nothing.
Q := $(if $(V),,@)
SILENT := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V)$(SILENT),,@printf '  %-5s %s\n' $1 $(patsubst $(DOUBLE)/%,double/%,$(@:$(BUILD)/%=%)))

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla -Wundef
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# Bits must not depend on the compiler: no contraction, no fast-math; instruction sets only in kernel objects.
BASE_FLAGS := -std=c17 -D_GNU_SOURCE -pthread -ffp-contract=off -fno-fast-math -fno-strict-aliasing -fstack-protector-strong $(WARNINGS) \
    $(if $(WERROR),-Werror) $(SAN_FLAGS) -Isrc $(DEPS_CFLAGS)
# -Ofast and fast-math would link start-up code that flushes subnormals to zero.
LINK_FLAGS = $(filter-out -Ofast -ffast-math -funsafe-math-optimizations -mdaz-ftz,$(CFLAGS)) -pthread $(SAN_FLAGS) $(LDFLAGS)
LIBS := $(DEPS_LIBS) -lm

# -mprfchw: fetching for writing is a hint that older processors ignore.
X86 := $(findstring x86_64,$(MACHINE))
isa_flags = $(if $(X86),$(if $(filter %_avx2.c,$1),-mavx2 -mfma -mprfchw)$(if \
    $(filter %_avx512.c,$1),-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprfchw -mprefer-vector-width=512))

kernel_flags = $(if $(filter src/kernel/kernel_%.c,$1),-fno-stack-protector $(filter -O3,$(CFLAGS)))

FLOAT_FLAGS  := $(strip $(CPPFLAGS) $(CFLAGS) $(BASE_FLAGS))
# objcopy needs machine code. The engine in double precision checks and is in no hurry: apart from its kernels -O1 does,
# which compiles in half the time.
DOUBLE_FLAGS := $(strip $(CPPFLAGS) $(patsubst -O3,-O1,$(filter-out -flto% -ffat-lto-objects,$(CFLAGS))) $(BASE_FLAGS) -DDLTRAIN_DOUBLE)
ALL_FLAGS    := $(if $(filter double,$(REAL)),$(DOUBLE_FLAGS),$(FLOAT_FLAGS))

# Objects of other flags live in other folders, so that nothing is mixed and nothing is rebuilt twice.
folder = build/$(shell printf '%s' '$(CC) $1 $(LDFLAGS)' | cksum | cut -d' ' -f1)
BUILD  := $(call folder,$(ALL_FLAGS))
DOUBLE := $(call folder,$(DOUBLE_FLAGS))
# Another build's will do, where that engine is not what is tested.
DOUBLE_ENGINE := $(DOUBLE)/gradcheck.o

SOURCES := $(wildcard src/*/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
ENGINE  := $(filter-out $(BUILD)/src/cli/main.o,$(OBJECTS)) $(DOUBLE_ENGINE)
DOUBLE_OBJECTS := $(patsubst %.c,$(DOUBLE)/%.o,$(filter-out src/cli/%,$(SOURCES)))
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
# The double-precision build exists for the tests of the engine, which share tests/unit/support.h.
ifeq ($(REAL),double)
UNIT_SOURCES := $(shell grep -lwE 'real|support.h|network.h' $(UNIT_SOURCES))
endif
UNITS   := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)

# Intel AMX emulated, for processors that have none: what is linked with it finds amx_usable() true.
comma := ,
ifneq ($(and $(X86),$(findstring linux,$(MACHINE))),)
AMX_EMULATOR := $(BUILD)/tests/amx/emulator.o
AMX_LINK     := -Wl,--wrap=amx_usable -Wl,-u,amx_usable
endif
AMX_UNITS := $(BUILD)/tests/test_amx_emulator $(BUILD)/tests/test_bf16 $(BUILD)/tests/test_precision

.PHONY: all demo check golden check-layers deps deps-test units program amx-program double-engine docs format lint install clean help exhaustive exhaustive-program \
    bench bench-methods bench-program recipes digits torture torture-program crash crash-program fuzz fuzz-programs replay-programs

all: dltrain ## build ./dltrain (the default)

# Always the binary of the current flags, whatever was built before.
dltrain: $(BUILD)/dltrain FORCE
	@cmp -s $< $@ || { cp $< $@.tmp && mv $@.tmp $@; }

program: $(BUILD)/dltrain
	@echo $<

double-engine: $(DOUBLE_ENGINE)
	@echo $<

$(BUILD)/dltrain: $(OBJECTS) $(DOUBLE_ENGINE)
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(BUILD)/dltrain-amx: $(OBJECTS) $(DOUBLE_ENGINE) $(AMX_EMULATOR) $(if $(AMX_LINK),$(BUILD)/tests/amx/obstacles.o)
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) $(if $(AMX_LINK),$(AMX_LINK) -Wl$(comma)--wrap=amx_refused$(comma)--wrap=products_agree) -o $@ $^ $(LIBS)

amx-program: $(BUILD)/dltrain-amx
	@echo $<

# The tests' own code is run once for each time it is compiled.
test_flags = $(if $(filter tests/unit/%,$<),$(patsubst -O3,-O1,$1),$1)
compile = $(Q)$(CC) $(call test_flags,$1) $(call isa_flags,$<) $(call kernel_flags,$<) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(call compile,$(ALL_FLAGS))

# The engine a second time, in double precision, as one object that shows a single function: gradient_check under the
# name gradient_check_double. Its other names are local, so that they do not meet those of the engine beside it.
ifneq ($(DOUBLE),$(BUILD))
$(DOUBLE)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(call compile,$(DOUBLE_FLAGS))
endif

$(DOUBLE)/double.a: $(DOUBLE_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(DOUBLE)/gradcheck.o: $(DOUBLE)/double.a
	$(call say,LINK)
	$(Q)$(CC) $(filter -m%,$(CFLAGS)) -r -nostdlib -Wl,-u,gradient_check -o $@.tmp $<
	$(Q)$(OBJCOPY) --redefine-sym gradient_check=gradient_check_double --keep-global-symbol=gradient_check \
	    --keep-global-symbol=gradient_check_double $@.tmp $@
	@rm -f $@.tmp

$(BUILD)/engine.a: $(ENGINE)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/engine.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) $(UNIT_EXTRA) -o $@ $^ $(LIBS) $(shell pkg-config --libs cmocka 2>/dev/null || echo -lcmocka)

$(AMX_UNITS): UNIT_EXTRA := $(AMX_LINK)
$(AMX_UNITS): $(AMX_EMULATOR)

units: $(UNITS)
	@printf '%s\n' $(UNITS)

EXHAUSTIVE := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/exhaustive/*.c))
$(BUILD)/exhaustive: $(EXHAUSTIVE) $(BUILD)/engine.a
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

exhaustive-program: $(BUILD)/exhaustive
	@echo $<

exhaustive: $(BUILD)/exhaustive ## error of exp, log, tanh, erf over all 2^32 floats (minutes)
	$<

BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/*.c))
$(BUILD)/bench-kernels: $(BENCH_OBJECTS) $(BUILD)/engine.a
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

bench-program: $(BUILD)/bench-kernels
	@echo $<

bench: dltrain $(BUILD)/bench-kernels ## side by side with installed peers: peak, products, epochs, whole processes; BENCH='...' passes options
	@tests/bench/run --kernels $(BUILD)/bench-kernels $(BENCH)

bench-methods: dltrain ## what each method adds to an epoch, in percent; METHODS='...' passes options
	@tests/bench/methods $(METHODS)

$(BUILD)/make-digits: $(BUILD)/scripts/make-digits.o $(BUILD)/engine.a
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

digits: $(BUILD)/make-digits ## draw data/digits again
	$< data/digits

# ---- faults ----

# Every call that can fail made to fail: the program as it is, under a library that is preloaded.
FAULT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/faults/shim.c,$(wildcard tests/faults/*.c)))
FAULT_COMMON  := $(BUILD)/tests/faults/case.o $(BUILD)/tests/faults/scene.o
$(BUILD)/torture $(BUILD)/crash: $(BUILD)/%: $(BUILD)/tests/faults/%.o $(FAULT_COMMON)
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(BUILD)/faults.so: tests/faults/shim.c
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(filter-out -flto%,$(ALL_FLAGS)) -fPIC -shared -o $@ $< -ldl

torture-program: $(BUILD)/torture $(BUILD)/faults.so $(BUILD)/dltrain
	@printf '%s\n' '$(BUILD)/torture --program $(BUILD)/dltrain --shim $(BUILD)/faults.so'

torture: $(BUILD)/torture $(BUILD)/faults.so $(BUILD)/dltrain ## fail every call that can fail, in turn (minutes); TORTURE='...' passes options
	$(BUILD)/torture --program $(BUILD)/dltrain --shim $(BUILD)/faults.so --jobs "$$(nproc 2>/dev/null || echo 2)" $(TORTURE)

crash-program: $(BUILD)/crash $(BUILD)/faults.so $(BUILD)/dltrain
	@printf '%s\n' '$(BUILD)/crash --program $(BUILD)/dltrain --shim $(BUILD)/faults.so --data data/digits'

crash: $(BUILD)/crash $(BUILD)/faults.so $(BUILD)/dltrain ## kill a training 200 times, go on, compare bits (minutes); CRASH='--kills 1000 --seed 2' passes options
	$(BUILD)/crash --program $(BUILD)/dltrain --shim $(BUILD)/faults.so --data data/digits $(CRASH)

# A target for each tests/fuzz/fuzz_NAME.c: run over its corpus by an ordinary program, and by libFuzzer.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# Without the command line and the engine in double precision, which sanitizers take minutes to compile.
READERS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out src/cli/% src/run/gradcheck%,$(SOURCES)))
$(BUILD)/readers.a: $(READERS)
	@rm -f $@
	$(Q)ar rcs $@ $^

FUZZ_COMMON := $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/tests/fuzz/resolved.o
$(BUILD)/replay/%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_COMMON) $(BUILD)/tests/fuzz/replay.o $(BUILD)/readers.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_COMMON) $(BUILD)/readers.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LINK_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

replay-programs: $(FUZZ:%=$(BUILD)/replay/%)
	@printf '%s\n' $^

fuzz-programs: $(FUZZ:%=$(BUILD)/fuzz/%)
	@printf '%s\n' $^

fuzz: dltrain ## fuzz every reader under ASan and UBSan (clang); FUZZ_SECONDS=600 each, FUZZ_TARGETS='config idx'
	@MAKE='$(MAKE)' tests/fuzz/run $(or $(FUZZ_SECONDS),600) $(or $(FUZZ_TARGETS),$(FUZZ))

# ---- for users ----

deps:
	@[ "$(DEPS)" = no ] || scripts/install-deps
deps-test:
	@[ "$(DEPS)" = no ] || scripts/install-deps --test

demo: deps ## install what is missing, build, train on data/digits
	@$(MAKE) --no-print-directory -j"$$(nproc 2>/dev/null || echo 2)" dltrain
	./dltrain --config configs/digits.json --force

check: deps-test ## install the test tools, build, run all tests
	@CC='$(CC)' MAKE='$(MAKE)' tests/run

recipes: dltrain ## what README promises of the configs for MNIST (minutes; DLTRAIN_DATA or data/mnist has the files)
	@bats tests/recipes

golden: ## digests over threads, instruction sets, compilers, levels, and aarch64 under qemu
	@MAKE='$(MAKE)' tests/golden/run $(REQUIRE:%=--require %)

check-layers: ## prove from the include lines which room uses which
	@tests/layers

docs: dltrain ## write README's key reference and the JSON Schema from the key table
	@scripts/make-docs

FORMATTED := '*.c' '*.h' '*.inc'

format: ## clang-format everything
	clang-format -i $$(git ls-files -co --exclude-standard $(FORMATTED))

lint: ## clang-format, shellcheck, layers; changes nothing
	$(or $(CLANG_FORMAT),clang-format) --dry-run -Werror $$(git ls-files -co --exclude-standard $(FORMATTED))
	shellcheck -S warning .ci/run scripts/get-data scripts/install-deps scripts/make-docs scripts/hooks/pre-commit tests/ci-job tests/fuzz/run tests/golden/run tests/layers tests/run
	tests/layers

install: dltrain ## install to $(DESTDIR)$(PREFIX)/bin
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 dltrain '$(DESTDIR)$(PREFIX)/bin/dltrain'

clean: ## remove everything that was built
	rm -rf build dltrain

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

-include $(OBJECTS:.o=.d) $(DOUBLE_OBJECTS:.o=.d) $(EXHAUSTIVE:.o=.d) $(BENCH_OBJECTS:.o=.d) $(FAULT_OBJECTS:.o=.d) $(wildcard $(BUILD)/tests/fuzz/*.d $(BUILD)/tests/unit/*.d $(BUILD)/tests/amx/*.d) $(wildcard $(BUILD)/scripts/*.d)
FORCE:
.SECONDARY: $(OBJECTS) $(DOUBLE_OBJECTS) $(EXHAUSTIVE) $(BENCH_OBJECTS) $(FAULT_OBJECTS) $(FUZZ_COMMON) $(FUZZ:%=$(BUILD)/tests/fuzz/fuzz_%.o) $(BUILD)/tests/fuzz/replay.o $(UNIT_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/scripts/make-digits.o
