# `make` lists the targets. Nothing but Go, git and make is needed to build and run.

GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BENCHSTAT     = golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

BIN     = bin/ropcd
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS = -s -w -X github.com/ropcd/ropcd/pkg/ropcd.buildVersion=$(VERSION)

# Without grpc's page of traces and its templates, which call methods by name, the linker drops the methods that nobody calls.
TAGS    = grpcnotrace

.DEFAULT_GOAL = help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/ropcd
	@CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/ropcd

run: build ## build, and serve with ./config.yaml, a demo client and user
	@$(BIN) serve --demo

test: tools ## install what the tests need, and run them all with the race detector
	go test -race -shuffle=on -timeout 10m ./...

lint: ## check the style, the import floors and go.mod
	go run $(GOLANGCI_LINT) run ./...
	go mod tidy -diff
	go mod verify

fuzz: ## run every fuzz target for a while (FUZZTIME=30s each)
	@.ci/fuzz $(or $(FUZZTIME),30s)

enumeration: tools ## show, in a few minutes, that the time of an answer does not tell whether a user exists
	@go test -count=1 -timeout 60m -v -run TestAnswerTime ./pkg/server/enumeration -full

soak: tools ## show, in half an hour, that floods, faults and long random histories do no lasting harm
	@go test -count=1 -timeout 60m -v -run 'TestAFlood|TestGuesses|TestTheServerRecovers|TestDisasters' ./cmd/ropcd -soak
	@ROPCD_SOAK=1 go test -count=1 -timeout 30m -v -run 'TestAFlood|TestEachFault' ./pkg/server
	@ROPCD_SOAK=1 go test -count=1 -timeout 30m -v -run TestHistories ./storage/...

bench: build tools ## measure, in a few minutes, what the server costs beside what it can't do without
	@go run ./cmd/bench $(BENCHFLAGS)

capacity: build tools ## measure, in some minutes, stores of 10^4 to 10^6 live grants (BENCHFLAGS=-size=100000 for fewer)
	@go run ./cmd/bench $(BENCHFLAGS) capacity

benchcmp: ## compare the Go benchmarks with those kept in cmd/bench/testdata
	@.ci/benchcmp $(BENCHSTAT)

benchkeep: ## keep the Go benchmarks of this machine to compare with
	@.ci/benchcmp $(BENCHSTAT) keep

clients: ## run unmodified clients of other languages (npm) against the server
	@.ci/clients

tools: ## install the programs that the tests start, if they are missing
	@.ci/tools

clean: ## remove what was built; data/ stays
	@rm -rf bin

.PHONY: help build run test lint fuzz enumeration soak bench capacity benchcmp benchkeep clients tools clean
