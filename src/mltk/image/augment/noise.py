"""The kinds of noise, with the mean and the variance of MLTK 0.20's; ``native/image_noise.c`` adds them.

The values are not cut off afterwards.

- ``gauss``: normal noise with a variance of 0.1, on a scale from 0 to 255.
- ``poisson``: each value becomes a count, as a sensor counts photons. The number of levels of the image, rounded up to
  a power of two, is the number of photons per unit of value.
- ``s&p``: 0.2 % of the values become white, and 0.2 % black.
- ``speckle``: normal noise whose standard deviation is the value itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from mltk.errors import SettingError, did_you_mean

KINDS = ("gauss", "poisson", "s&p", "speckle")
"""Kinds of noise."""
CODES: dict[str | None, int] = {None: 0, "gauss": 1, "poisson": 2, "s&p": 3, "speckle": 4}
"""Kind of noise → ``MLTK_NOISE_…`` of ``native/images.h``."""


def check_kinds(noise: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the kinds of noise that a setting names.

    Raises:
        SettingError: There is not a kind of this name.
    """
    names = () if noise is None else (noise,) if isinstance(noise, str) else tuple(noise)
    for name in names:
        if name not in KINDS:
            near = did_you_mean(str(name), KINDS)
            raise SettingError(
                f"noise has the kind {name!r}. {near}".rstrip(), hint=f"Kinds are {', '.join(KINDS)}, in a list."
            )
    return names
