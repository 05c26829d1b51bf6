#!/bin/sh
# test_wheel.sh PYTHON: build the wheel, install it with all it needs into a fresh environment elsewhere, and run it there.
set -eu
python=$1
here=$(pwd)
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT

cp -r mcusim kernels_c setup.cfg pyproject.toml README.md LICENSE "$there"
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$there/dist" "$there"
"$python" -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet "$there"/dist/*.whl
rm -r "$there/mcusim" "$there/kernels_c"
cd "$there"
cp "$here/build/demo.elf" .
venv/bin/mcusim boards
venv/bin/mcusim run demo.elf --core m7
