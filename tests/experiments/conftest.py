"""What studies need in tests."""

from __future__ import annotations

import logging

logging.getLogger("torch.__trace").propagate = False
"""PyTorch traces its exports at length, which pytest would write down."""
