#!/bin/sh
# Makes the virtual environment $1 with the newest-enough Python found, or says what is missing.
set -eu

venv=$1
wanted=${PYTHON:-}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "$wanted" ]; then
    if ! is_new_enough "$wanted"; then
        echo "PYTHON=$wanted is not Python 3.11 or newer. Name one that is: make setup PYTHON=/path/to/python3.11" >&2
        exit 1
    fi
else
    for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if is_new_enough "$candidate"; then wanted=$candidate; break; fi
    done
fi
if [ -z "$wanted" ]; then
    echo "Nurture needs Python 3.11 or newer and found none. Install it (Debian: apt install python3 python3-venv)," >&2
    echo "or name it: make setup PYTHON=/path/to/python3.11" >&2
    exit 1
fi

# Debian's python3 without python3-venv has the module venv but not ensurepip, and fails half-way.
if "$wanted" -c 'import ensurepip, venv' 2>/dev/null; then
    exec "$wanted" -m venv --clear "$venv"
fi
if "$wanted" -m virtualenv --version >/dev/null 2>&1; then
    exec "$wanted" -m virtualenv --quiet --clear "$venv"
fi
echo "$wanted cannot make a virtual environment: it has neither venv with ensurepip nor virtualenv." >&2
echo "Install one of them (Debian: apt install python3-venv; elsewhere: $wanted -m pip install virtualenv)." >&2
exit 1
