# EmbryoProfiler: `make run` and `make test` work on a fresh Debian machine that has Swift and make.

.DEFAULT_GOAL := help
SHELL := /bin/bash

CONFIGURATION := release
SWIFT_BUILD := swift build -c $(CONFIGURATION)
# Tests run optimised: unoptimised Swift is tens of times slower on arrays of numbers.
# A folder of its own, because testing builds everything with other flags.
SWIFT_TEST := swift test -c $(CONFIGURATION) -Xswiftc -enable-testing --scratch-path .build-test
BINARY = $(shell $(SWIFT_BUILD) --show-bin-path)/embryo-profiler
PACKAGES := libavformat-dev libavcodec-dev libswscale-dev libavutil-dev libopenblas-dev pkg-config
BENCH_PACKAGES := ffmpeg
PREFIX ?= /usr/local
OUT ?= reports
SAMPLES := $(sort $(wildcard SampleVideos/*.mp4 SampleVideos/*.avi SampleVideos/*.mkv))

.PHONY: help run test test-all bench install format clean build packages samples

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

packages: ## Install missing Debian packages
	@.ci/install-packages $(PACKAGES)

build: packages ## Build in release
	$(SWIFT_BUILD) --product embryo-profiler

run: build ## Profile SampleVideos into a report
	@set -e; for film in $(SAMPLES); do \
	    name=$$(basename "$${film%.*}"); \
	    $(BINARY) profile "$$film" --hours "SampleVideos/truth/$$name/hours.csv" --out "$(OUT)" || [ $$? -eq 1 ]; \
	done
	@echo "Open these in a browser:"; ls -1 $(OUT)/*/report.html

test: packages ## Run the tests
	$(SWIFT_TEST)

test-all: packages ## Run the tests, slow ones included (training, long recordings)
	EMBRYOPROFILER_ALL_TESTS=1 $(SWIFT_TEST)

bench: build ## Measure speed and accuracy side by side with peers
	@.ci/install-packages $(BENCH_PACKAGES)
	$(BINARY) benchmark
	Tests/Benchmarks/run-peers $(BINARY)

samples: build ## Make SampleVideos again with the simulator
	SampleVideos/make-samples $(BINARY)

install: build ## Install under PREFIX (default /usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/embryo-profiler $(DESTDIR)$(PREFIX)/share/embryo-profiler
	install -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/lib/embryo-profiler/
	cp -R $(dir $(BINARY))EmbryoProfiler_*.resources $(DESTDIR)$(PREFIX)/lib/embryo-profiler/
	cp -R Pipelines $(DESTDIR)$(PREFIX)/share/embryo-profiler/
	ln -sf ../lib/embryo-profiler/embryo-profiler $(DESTDIR)$(PREFIX)/bin/embryo-profiler

format: ## Lay out the Swift sources
	swift format format --in-place --recursive --parallel Sources Tests Package.swift

clean: ## Remove what was built and reported
	rm -rf .build .build-test $(OUT)
