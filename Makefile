# upgrade-gate: make demo shows what it does, make test runs everything.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOFLAGS_BUILD := -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
# TESTFLAGS are passed to every go test: make test TESTFLAGS=-v
TESTFLAGS ?=
# E2E_AT_ONCE is how many end-to-end suites run at once, each with control planes of its own: they wait more than they compute. Those of ALONE run one
# by one after them: they count the calls that are lost while something fails, and another suite would be one more thing that fails.
E2E_AT_ONCE ?= 2
ALONE := certmanager|faults|installed
IMAGE ?= upgrade-gate:$(VERSION)
BENCHTIME ?= 1s
# RELEASE_URL is the address that a release is published below: make release RELEASE_URL=https://downloads.example.com/v0.1.0
RELEASE_URL ?=
# VULNDB is the Go vulnerability database. Left empty, it is the one of the commit below, so that the same commit gets the same answer;
# VULNDB=https://vuln.go.dev asks today's, VULNDB=file:///FOLDER a copy of it.
VULNDB ?=
VULNDB_VERSION := v0.0.0-20261105234957-e22db6528018
# RELEASE_GO is the Go that releases are built with, whatever the machine has: the same bytes everywhere, and a standard library that make vuln
# finds nothing in. The Dockerfile names it, too.
RELEASE_GO ?= go1.26.10
export CGO_ENABLED := 0

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## The main job on a real control plane: a stuck cluster, a refusal, the repairs, an admission
	@cd e2e && go run ./tools/prepare -demo && go run ./demo

.PHONY: test
test: vet unit e2e ## Everything: vet, unit tests, generated files, end-to-end tests

.PHONY: unit
unit: ## Unit tests, fixtures, and whether generated files are current
	go test $(TESTFLAGS) -timeout 30m ./...

.PHONY: e2e
e2e: build prepare ## End-to-end tests on a real kube-apiserver, etcd, kubectl, scheduler and controllers
	@cd e2e && status=0; \
	suites() { echo "go test $$*"; go test $(TESTFLAGS) -count 1 -timeout 40m "$$@" || status=$$?; }; \
	suites -p $(E2E_AT_ONCE) $$(go list ./... | grep -vE 'e2e/($(ALONE))$$'); \
	suites -p 1 $(foreach suite,$(subst |, ,$(ALONE)),./$(suite)); \
	exit $$status # -count 1, for Go does not see when a cached result is of another binary or chart

.PHONY: vet
vet: ## go vet and gofmt
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); if [ -n "$$unformatted" ]; then echo "not gofmt-ed:" $$unformatted; exit 1; fi
	go vet ./...
	cd e2e && go vet ./...

.PHONY: lint
lint: vet ## vet, and staticcheck at its pinned version
	@mkdir -p .cache/bin && cd e2e/tools/lint && go build -o ../../../.cache/bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	.cache/bin/staticcheck ./...
	cd e2e && ../.cache/bin/staticcheck ./...

.PHONY: vuln
vuln release: export GOTOOLCHAIN := $(RELEASE_GO)
vuln: ## govulncheck: what is linked in has no vulnerability that the program reaches (about 5 GB of memory)
	@mkdir -p .cache/bin && cd e2e/tools/vuln && go build -o ../../../.cache/bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	@database='$(VULNDB)'; \
	if [ -z "$$database" ]; then \
	  folder=$$(cd e2e/tools/vuln && go mod download -json golang.org/x/vulndb@$(VULNDB_VERSION) | sed -n 's/^.*"Dir": "\(.*\)".*$$/\1/p'); \
	  database=file://$$folder/data/osv; \
	fi; \
	.cache/bin/govulncheck -db "$$database" ./cmd/upgrade-gate

.PHONY: bench
bench: build prepare ## Benchmarks at sizes S, M and L; the figures of docs/performance.md
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) ./cluster ./checks ./drain ./gate ./report
	cd e2e && go test -run '^$$' -bench . -benchtime $(BENCHTIME) -timeout 90m ./bench

.PHONY: faults
faults: build prepare ## What goes wrong in a cluster, done to one; the figures of docs/reliability.md
	cd e2e && go test -count 1 -v -timeout 30m ./faults | grep -E '^ *--- |FIGURES|^(ok|FAIL)'

.PHONY: build
build: ## bin/upgrade-gate
	@mkdir -p bin
	go build $(GOFLAGS_BUILD) -o bin/upgrade-gate ./cmd/upgrade-gate

.PHONY: prepare
prepare: ## Build what is missing of the control plane into .cache (about eight minutes the first time)
	@cd e2e && go run ./tools/prepare

.PHONY: generate
generate: ## Write what is generated: deep copies of the foreign kinds, deploy/ manifests, docs
	@mkdir -p .cache/bin && cd e2e/tools/crds && go build -o ../../../.cache/bin/controller-gen sigs.k8s.io/controller-tools/cmd/controller-gen
	.cache/bin/controller-gen object paths=./cluster
	go run ./deploy/generate
	go run ./docs/generate
	cd e2e && go run ./licenses/generate

.PHONY: image
image: ## The container image, with the Docker at hand
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: release
release: ## Everything that is published of VERSION, in dist/: archives, checksums, bills of materials, krew's manifest, the chart
	cd e2e && go run ./release -version '$(VERSION)' -base '$(RELEASE_URL)'

.PHONY: clean
clean: ## Remove what make built, and the control plane
	rm -rf bin dist .cache
