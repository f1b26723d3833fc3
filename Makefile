# The verbs of the house. Everything they make stays below .build/ and in temporary folders.
SHELL := /bin/bash
.PHONY: build demo test check format bench sanitize stress release order bench-programs conformance bundle packages reproduce site examples api \
    pages man install install-mm install-sandbox clean

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
	swift format --in-place --recursive --parallel Package.swift Sources Tests

bench:
	@Scripts/prerequisites bench
	@Benchmarks/run

# One file under both names, which tell it what it is. It starts fast: the runtime inside, optimised for size (verdicts and paging are measured to be no slower for it),
# and what nobody calls left out, for which each function has a section of its own. lld comes with the toolchain; packed
# relocations want glibc 2.36, which Debian 12 has. The folder that was built in is written nowhere, and no build id is made of
# what `strip` takes away: equal sources make equal programs wherever they lie, and say nothing of whose machine it was.
# Nobody reads the programs' debug information, which `strip` takes away: none is made, a fifteenth of the compiler's work.
HERE := $(CURDIR)
UNPLACED := -Xswiftc -file-prefix-map -Xswiftc $(HERE)=. -Xcc -ffile-prefix-map=$(HERE)=. -Xlinker --build-id=none
RELEASE := --configuration release -debug-info-format none --static-swift-stdlib -Xswiftc -Osize \
    -Xswiftc -Xfrontend -Xswiftc -function-sections -Xswiftc -Xclang-linker -Xswiftc -fuse-ld=lld \
    -Xlinker --gc-sections -Xlinker --icf=all -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs \
    -Xlinker -T -Xlinker Scripts/release.ld $(UNPLACED) \
    -Xlinker --symbol-ordering-file=Scripts/release.order -Xlinker --no-warn-symbol-ordering
# The compiler asks for gigabytes in small pieces: in large pages it waits less for the kernel (glibc's tunables; others ignore them).
release: export GLIBC_TUNABLES := glibc.malloc.hugetlb=1
release:
	@Scripts/prerequisites build
	swift build $(RELEASE) --target programs
	ln -f .build/release/mm .build/release/mm-mcp
	@Scripts/text-search .build/release

# Records which functions run in everyday use, so that the linker puts them side by side.
order: release
	@Scripts/order

bench-programs: release
	swift build $(RELEASE) --product conformance-server
	MM_BENCHMARKS=1 swift build $(RELEASE) --product powershell-benchmark
	MM_BENCHMARKS=1 swift build $(RELEASE) --product shell-benchmark
	MM_BENCHMARKS=1 swift build $(RELEASE) --product egress-benchmark

# The official conformance suite of the Model Context Protocol, where npm can have it.
conformance:
	swift build --product conformance-server
	Scripts/conformance

# Rooms again and again beside busy loops: `make stress ROUNDS=20 ROOMS="MMShellTests"`.
stress:
	@Scripts/prerequisites test
	Scripts/stress $(or $(ROUNDS),5) $(ROOMS)

# Not the parsers and the guard: they measure the stack they use, and under the sanitizer its frames are several times as large.
UNSAFE_ROOMS := MMCore MMSystem MMHTTP MMShell MMEgress
# Swift has no sanitizer for undefined behaviour on Linux; the C targets have, and trap.
UNDEFINED := -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined

# The rooms that share memory between threads under the thread sanitizer; those that use unsafe memory under the address and
# undefined-behaviour sanitizers.
sanitize:
	@Scripts/prerequisites test
	ASAN_OPTIONS=detect_leaks=0 MM_TESTS="$(UNSAFE_ROOMS)" swift test --sanitize=address $(UNDEFINED) --scratch-path .build/address
	swift test --sanitize=thread --scratch-path .build/thread \
	    --filter '^(MMCoreTests|MMSystemTests|MMHTTPTests|MMMCPTests|MMSessionsTests|MMEgressTests)\.'

# Writes the generated page of the site.
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

# Builds the last release beside this one; says what others' programs would miss.
api:
	@Scripts/prerequisites build
	@Scripts/api

bundle: release
	@Scripts/bundle .build/release/mm-mcp .build/bundle

# What a release consists of, in .build/packages; each file is tried. ARCH=arm64 builds for the other architecture, with the
# Swift SDK that Docs/Install.md names; on an arm64 machine nothing of that is needed.
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

# Builds the packages once more, from a clone in another place and under other settings, and compares the bytes.
reproduce: packages
	@Scripts/reproduce .build/packages

# One static site of the pages and the libraries' documentation, in .build/site.
site:
	@Scripts/prerequisites site
	@Scripts/site .build/site

PREFIX ?= $(HOME)/.local
# Everything, or the package of those who work (install-mm) and that of those who try and test (install-sandbox).
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
