"""Colours as CIELAB, in which a distance says more of what the eye sees than one in RGB."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WHITE = np.array([0.95047, 1.0, 1.08883])
"""XYZ of D65 for the 2 degree observer."""

_PRIMARIES = np.array([[0.64, 0.33, 0.03], [0.30, 0.60, 0.10], [0.15, 0.06, 0.79]])
"""Chromaticities x, y, z of the red, the green and the blue of sRGB."""

_TO_XYZ = _PRIMARIES.T * np.linalg.solve(_PRIMARIES.T, _WHITE)
"""From linear sRGB to XYZ: each primary with the weight that lets all three add up to white."""

_KNEE = 6 / 29


def cielab(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """Return sRGB colours in CIELAB.

    Args:
        rgb: Shape (..., 3), red, green and blue as sRGB encodes them, in 0..1.

    Returns:
        Shape (..., 3): L* in 0..100, a* (green to red), b* (blue to yellow), for the white D65 and the
        2 degree observer.

    Source:
        IEC 61966-2-1 (primaries, white and companding of sRGB); CIE 15 (CIELAB).
    """
    encoded = np.asarray(rgb, np.float64)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    bent = np.where(ratio > _KNEE**3, np.cbrt(ratio), ratio / (3 * _KNEE**2) + 4 / 29)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)
