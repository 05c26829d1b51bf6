#!/bin/sh
# install_compiler.sh VENV: a C compiler for Cortex-M: the one that is there, else Debian's, else the ziglang package.
set -eu
venv=$1
. "$(dirname "$0")/apt.sh"

command -v arm-none-eabi-gcc >/dev/null && exit 0
apt_install gcc-arm-none-eabi libnewlib-arm-none-eabi && command -v arm-none-eabi-gcc >/dev/null && exit 0
"$venv/bin/python" -c 'import ziglang' 2>/dev/null && exit 0
echo "arm-none-eabi-gcc cannot be installed here; taking the ziglang package as cross compiler" >&2
"$venv/bin/pip" install --quiet "ziglang>=0.13"
