# Yukitsuri. `make run` and `make test` do everything on a fresh Debian or Ubuntu machine with Python 3.11 or newer.
#
#   make run DEMO=0             an empty broker: no demo feed, no adapters
#   make run PORT=8026 MQTT_PORT=2883 DATA=/tmp/second
#   make run DATABASE_URL=postgresql://user:password@host/database MQTT_URL=mqtt://host:1883
#                               given servers instead of the embedded ones, one of them or both
#
# Every BROKER_* environment variable reaches the broker.

BIN := .venv/bin
# whatever ends make, even kill -9, ends what it runs
WITH_MAKE := exec setpriv --pdeathsig TERM --

.PHONY: help setup run test check bench clean-data
.DEFAULT_GOAL := help

help:  ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup:  ## make the virtual environment and unpack the embedded servers
	@deploy/bootstrap.sh dev
	@$(BIN)/python -m deploy.servers

run:  ## start database, MQTT, broker, adapters and the demo feed
	@deploy/bootstrap.sh run
	@$(WITH_MAKE) $(BIN)/python -m deploy.run

test:  ## run all tests, each processor on an embedded server of its own
	@deploy/bootstrap.sh dev
	@$(WITH_MAKE) $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check:  ## format, lint, types, import contracts
	@deploy/bootstrap.sh dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench:  ## measure throughput and latency
	@deploy/bootstrap.sh dev
	@$(WITH_MAKE) $(BIN)/python -m tests.bench

clean-data:  ## delete the data folder of make run (DATA=, default data/)
	@deploy/bootstrap.sh run
	@$(BIN)/python -m deploy.clean
