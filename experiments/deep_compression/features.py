"""Features of a second of sound: 49 frames of 10 mel-frequency cepstral coefficients, as MLPerf Tiny's keyword spotting takes.

S. Davis, P. Mermelstein, Comparison of parametric representations for monosyllabic word recognition (1980); frames of 40 ms
every 20 ms and 40 mel filters from 20 to 4000 Hz as in Y. Zhang et al., Hello Edge (2017).
"""

from __future__ import annotations

from functools import cache

import numpy as np

RATE = 16000
"""Samples a second."""

WINDOW, STEP, FRAMES, FILTERS, COEFFICIENTS = 640, 320, 49, 40, 10
BINS = 1024
LOW_HERTZ, HIGH_HERTZ = 20.0, 4000.0
LEAST = 1e-6
"""Power below which all is silence."""


def features(sound: np.ndarray) -> np.ndarray:
    """float32 [49, 10] of at most a second of sound (-1 to 1), silence behind it where it is shorter."""
    padded = np.zeros(RATE, np.float32)
    padded[: len(sound)] = sound[:RATE]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP][:FRAMES]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW + 1)[:-1], BINS)) ** 2
    return (np.log(power @ mel_filters() + LEAST) @ cosines()).astype(np.float32)


@cache
def mel_filters() -> np.ndarray:
    """Triangles, [513, 40], equally wide in mel: 1127 ln(1 + f / 700)."""
    edges = np.linspace(_mel(LOW_HERTZ), _mel(HIGH_HERTZ), FILTERS + 2)
    place = _mel(np.arange(BINS // 2 + 1) * RATE / BINS)[:, None]
    rising = (place - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - place) / np.diff(edges)[1:]
    return np.maximum(0.0, np.minimum(rising, falling))


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127 * np.log1p(np.asarray(hertz) / 700)


@cache
def cosines() -> np.ndarray:
    """The discrete cosine transformation of type 2, orthonormal, [40, 10]."""
    place = (np.arange(FILTERS)[:, None] + 0.5) * np.arange(COEFFICIENTS) * np.pi / FILTERS
    table = np.cos(place) * np.sqrt(2 / FILTERS)
    table[:, 0] /= np.sqrt(2)
    return table
