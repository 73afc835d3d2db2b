"""The self-test of C code that listens: generated sound in, and the scores of each inference compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MASK = (1 << 32) - 1


def generated_sound(n: int) -> npt.NDArray[np.int16]:
    """Return the samples that the self-test generates: noise, and tones that change each 2048 samples.

    Args:
        n: Number of samples.

    Returns:
        int16 [n].
    """
    part = np.arange(n, dtype=np.uint64) >> np.uint64(11)
    steps = (part * np.uint64(37) % np.uint64(23) + np.uint64(3)) << np.uint64(24)
    phase = np.cumsum(steps, dtype=np.uint64) & np.uint64(_MASK)
    tone = (phase >> np.uint64(19)).astype(np.int32) - 4096
    tone[part % np.uint64(3) == 2] = 0
    states, state = np.empty(n, np.uint32), 0
    for i in range(n):
        state = (state * 1664525 + 1013904223) & _MASK
        states[i] = state
    noise = (states >> np.uint32(23)).astype(np.int32) - 256
    return (noise + tone).astype(np.int16)


def write_listen_self_test(name: str, scores: npt.NDArray[np.uint8], n_samples: int) -> str:
    """Return C code with the function ``listen_selftest``, which returns the number of scores that differ.

    Args:
        name: Prefix of the listener's names in C.
        scores: uint8 [inferences, classes]: The scores of each inference on :func:`generated_sound`.
        n_samples: Samples of generated sound until the last inference.
    """
    rows = "\n".join(f"    {{{', '.join(map(str, row))}}}," for row in scores.tolist())
    n_inferences, n_classes = scores.shape
    return f"""/* The scores of each inference on the sound below. */
static const uint8_t expected_scores[{n_inferences}][{n_classes}] = {{
{rows}
}};

/* Sound that needs no memory: noise, and tones that change each 2048 samples. */
static int16_t sound(uint32_t i) {{
    static uint32_t noise, phase;
    const uint32_t part = i >> 11;
    if (i == 0) noise = phase = 0;
    noise = noise * 1664525u + 1013904223u;
    phase += (part * 37u % 23u + 3u) << 24;
    return (int16_t)((int32_t)(noise >> 23) - 256 + (part % 3u == 2u ? 0 : (int32_t)(phase >> 19) - 4096));
}}

/* The number of scores that differ from the expected ones. */
static int listen_selftest(void) {{
    {name}_detection detection;
    uint32_t n_seen = 0, n = 0;
    int differing = 0;
    if ({name}_listen_reset() != 0) return {n_inferences * n_classes};
    for (uint32_t i = 0; i < {n_samples}; ++i) {{
        const int16_t sample = sound(i);
        const uint8_t *scores;
        {name}_listen(&sample, 1, &detection);
        scores = {name}_listen_scores(&n);
        if (n == n_seen) continue;
        for (int j = 0; j < {n_classes}; ++j) differing += scores[j] != expected_scores[n_seen][j] ? 1 : 0;
        n_seen = n;
    }}
    {name}_listen_reset();
    return differing + {n_classes} * ({n_inferences} - (int)n_seen);
}}"""
