"""Put pip into a virtual environment that was made without it: ``python3 tools/bootstrap_pip.py .venv/bin/python``.

For systems whose Python has no ensurepip (Debian without python3-venv). Needs the standard library only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
WHEEL = re.compile(r'href="([^"]*/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl)[#"]')


def newest_wheel() -> str:
    """URL of the newest released pip wheel of the package index."""
    page = f"{INDEX}/pip/"
    with urllib.request.urlopen(page, timeout=60) as answer:
        found = WHEEL.findall(answer.read().decode())
    if not found:
        raise SystemExit(f"no wheel of pip at {page}")
    link, _ = max(found, key=lambda row: tuple(map(int, row[1].split("."))))
    return urllib.parse.urljoin(page, link)


def main() -> None:
    """Download the wheel and let it install itself: a wheel is a zip file that Python can run."""
    python = sys.argv[1]
    url = newest_wheel()
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / url.rsplit("/", 1)[1]
        urllib.request.urlretrieve(url, wheel)
        subprocess.run([python, f"{wheel}/pip", "install", "--quiet", str(wheel)], check=True)


if __name__ == "__main__":
    main()
