# The project's commands. They write only below .build/ and to temporary folders, `install` excepted.
SHELL := /bin/bash
.PHONY: build demo test check format bench sanitize stress release order bench-programs conformance bundle packages reproduce site examples api \
    pages man install install-mm install-sandbox clean

# The compiler makes gigabytes of small allocations, which huge pages speed up (a tunable of glibc; other libraries ignore it).
# Not for the tests: they measure the memory of the programs.
build release: export GLIBC_TUNABLES := glibc.malloc.hugetlb=1

build:
	@Scripts/prerequisites build
	swift build

demo:
	@Scripts/prerequisites demo
	@Scripts/demo

test:
	@Scripts/prerequisites test
	@Scripts/test

check:
	@Scripts/check

format:
	@Scripts/format

bench:
	@Scripts/prerequisites bench
	@Benchmarks/run

# `mm` and `mm-mcp` are one file: it decides by its name which of them it is. These flags keep its start fast: the Swift runtime
# is linked in, the code is optimised for size (verdicts and paging measured no slower), and each function has a section of its
# own, so that the linker (lld, part of the toolchain) can drop those that are never called. Packed relocations need glibc 2.36,
# which Debian 12 has. Functions aren't compiled again for each closure that they are called with: that made the native engine an
# eighth larger and no faster.
# Builds are reproducible: neither the build folder nor a build id, which would depend on what `strip` removes, gets into the
# programs. Debug information would be stripped anyway, so none is generated; that saves a fifteenth of the compile time.
HERE := $(CURDIR)
UNPLACED := -Xswiftc -file-prefix-map -Xswiftc $(HERE)=. -Xcc -ffile-prefix-map=$(HERE)=. -Xlinker --build-id=none
RELEASE := --configuration release -debug-info-format none --static-swift-stdlib -Xswiftc -Osize \
    -Xswiftc -Xllvm -Xswiftc -sil-disable-pass=closure-specialize \
    -Xswiftc -Xfrontend -Xswiftc -function-sections -Xswiftc -Xclang-linker -Xswiftc -fuse-ld=lld \
    -Xlinker --gc-sections -Xlinker --icf=all -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs \
    -Xlinker -T -Xlinker Scripts/release.ld $(UNPLACED) \
    -Xlinker --symbol-ordering-file=Scripts/release.order -Xlinker --no-warn-symbol-ordering
# Of the rooms that can be compiled, SwiftPM takes the last by name. With a step of its own for what MMOperations calls, the sandbox
# is compiled beside MMOperations, which takes longest by far, and doesn't delay it.
release:
	@Scripts/prerequisites build
	swift build $(RELEASE) --target foundations
	swift build $(RELEASE) --target programs
	ln -f .build/release/mm .build/release/mm-mcp
	@Scripts/text-search .build/release

# Records which functions run in everyday use, so that the linker can place them next to each other.
order: release
	@Scripts/order

bench-programs: release
	swift build $(RELEASE) --product conformance-server
	MM_BENCHMARKS=1 swift build $(RELEASE) --product powershell-benchmark
	MM_BENCHMARKS=1 swift build $(RELEASE) --product shell-benchmark
	MM_BENCHMARKS=1 swift build $(RELEASE) --product egress-benchmark

# Runs the official conformance suite of the Model Context Protocol, if npm can install it.
conformance:
	swift build --product conformance-server
	Scripts/conformance

# Runs the tests of rooms repeatedly under load: `make stress ROUNDS=20 ROOMS="MMShellTests"`.
stress:
	@Scripts/prerequisites test
	Scripts/stress $(or $(ROUNDS),5) $(ROOMS)

# Without the parsers and the guard: they limit their use of the stack, and the sanitizer makes frames several times larger.
UNSAFE_ROOMS := MMCore MMSystem MMHTTP MMShell MMEgress
SHARED_ROOMS := MMCore MMSystem MMHTTP MMMCP MMSessions MMShell MMEgress
# On Linux, Swift has no undefined-behaviour sanitizer, so only the C targets are built with it; they trap.
UNDEFINED := -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined

# Rooms that use unsafe memory run under the address and undefined-behaviour sanitizers, those that share memory between
# threads or start processes from several under the thread sanitizer. Only their tests are built. Few run at a time: all at
# once they starve on a small machine, and then fail by their deadlines.
FEW := --experimental-maximum-parallelization-width 4
sanitize:
	@Scripts/prerequisites test
	ASAN_OPTIONS=detect_leaks=0 MM_TESTS="$(UNSAFE_ROOMS)" swift test $(FEW) --sanitize=address $(UNDEFINED) --scratch-path .build/address
	MM_TESTS="$(SHARED_ROOMS)" swift test $(FEW) --sanitize=thread --scratch-path .build/thread

# Writes the files that are generated from the catalogue: the site's page of operations, and the calls of an example.
pages:
	MM_WRITE_PAGES=1 swift test --filter '^MMCLITests\.(OperationsPage|SwiftCalls)'

# The manual pages; `man -l .build/man/mm.1` shows one.
man:
	swift build --product mm
	.build/debug/mm man --to .build/man

examples:
	@Scripts/prerequisites build
	swift build --package-path Examples
	@Scripts/tutorials

# Compares the public interface with that of the last release and reports changes that break other packages.
api:
	@Scripts/prerequisites build
	@Scripts/api

bundle: release
	@Scripts/bundle .build/release/mm-mcp .build/bundle

# Builds the files of a release in .build/packages and tests each of them. ARCH=arm64 cross-compiles on an x86-64 machine with
# the Swift SDK that Docs/Install.md names; on an arm64 machine plain `make packages` builds for arm64.
packages: release
	@Scripts/prerequisites packages
ifeq ($(ARCH),)
	@Scripts/packages .build/release .build/packages
	@Scripts/try-packages .build/packages
else
	@Scripts/sdk $(ARCH) >/dev/null
	for program in mm mm-sandbox; do \
	    swift build --swift-sdk "$$(Scripts/sdk $(ARCH))" --scratch-path .build/$(ARCH) $(RELEASE) --product $$program || exit; done
	ln -f .build/$(ARCH)/release/mm .build/$(ARCH)/release/mm-mcp
	@TEXTS=.build/release Scripts/packages .build/$(ARCH)/release .build/packages-$(ARCH)
	@Scripts/try-packages .build/packages-$(ARCH)
endif

# Builds the packages again from a clone elsewhere with other settings (time zone, locale, umask), and compares the bytes.
reproduce: packages
	@Scripts/reproduce .build/packages

# Builds one static site from the pages and the libraries' documentation in .build/site.
site:
	@Scripts/prerequisites site
	@Scripts/site .build/site

PREFIX ?= $(HOME)/.local
# Installs everything; install-mm only mm and mm-mcp, install-sandbox only the sandbox tenant.
install: install-mm install-sandbox

install-mm: release
	install -d "$(PREFIX)/bin" "$(PREFIX)/share/man/man1"
	install -s -m 0755 .build/release/mm "$(PREFIX)/bin/"
	ln -f "$(PREFIX)/bin/mm" "$(PREFIX)/bin/mm-mcp"
	.build/release/mm man --to "$(PREFIX)/share/man/man1"

install-sandbox: release
	install -d "$(PREFIX)/bin"
	install -s -m 0755 .build/release/mm-sandbox "$(PREFIX)/bin/"

clean:
	swift package clean
