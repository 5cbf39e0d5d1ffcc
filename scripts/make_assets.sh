#!/bin/sh
# Installs the pinned front-end packages and bundles them into nurture/web/static/vendor/.
# Uses the machine's Node where it is recent enough, otherwise one from PyPI inside the environment $1.
set -eu

venv=$1

has_node() {
    command -v npm >/dev/null 2>&1 &&
        node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' 2>/dev/null
}

if ! has_node; then
    echo "No Node.js 18 or newer found: installing one into $venv ..."
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
        --requirement requirements-node.txt
    PATH="$(cd "$venv/bin" && pwd):$PATH"
    export PATH
fi

npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
exec node scripts/build_assets.mjs
