#!/bin/sh
# make_venv.sh PYTHON FOLDER: a virtual environment with pip, also where Debian's python3-venv is missing.
set -eu
python=$1
folder=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "mcusim needs Python 3.11 or later; '$python' is $("$python" --version 2>&1). Say: make PYTHON=python3.12" >&2
    exit 1
fi

make_with_pip() {
    rm -rf "$folder"
    "$python" -m venv "$folder" >/dev/null 2>&1
}

make_with_apt() {
    . "$(dirname "$0")/apt.sh"
    apt_install python3-venv && make_with_pip
}

make_without_pip() {
    rm -rf "$folder"
    "$python" -m venv --without-pip "$folder" && "$python" "$(dirname "$0")/bootstrap_pip.py" "$folder/bin/python"
}

make_with_pip || make_with_apt || make_without_pip
