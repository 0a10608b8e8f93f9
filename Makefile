# `make` alone says what there is.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFLAGS ?= -buildvcs=false
export GOFLAGS

.PHONY: help run build test check lint bench fuzz

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the demo, on http://localhost:8080
	go run ./cmd/latchkey serve --demo

build: ## one static binary, ./latchkey
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o latchkey ./cmd/latchkey

test: ## everything, with PostgreSQL, Redis and Chromium (installed and started where missing)
	@scripts/with-services scripts/test

check: ## quick, without services: format, vet, floors, short tests
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "not formatted: run gofmt -w ."; exit 1; }
	go vet ./...
	go test -run 'TestFloors' ./cmd/latchkey
	go test -short ./...

lint: ## golangci-lint, of the version that is pinned here
	go run $(LINT) run ./...

bench: ## benchmarks
	@scripts/with-services go test -run '^$$' -bench . -benchmem ./...

fuzz: ## every fuzz test for FOR (30s)
	scripts/fuzz $(or $(FOR),30s)
