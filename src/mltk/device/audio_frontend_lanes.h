/* The frontend over LANES frames side by side; included by audio_frontend_batch.c once for every kind of vector.
 *
 * Window, FFT and filterbank of one frame don't depend on those of another: every lane of a vector is a frame, and the
 * FFT is a scalar one whose numbers are vectors. Noise reduction and what follows go from frame to frame, but there the
 * channels don't depend on each other: plain loops over the channels, without branches, for the compiler to vectorize.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

/* What a frame's transform works on: in place, a bin's complex value makes room for its energy. */
typedef union {
    FN(complex) c;
    FN(energy) energy;
} FN(bin);

/* Window all frames into the FFT's input in digit-reversed order; the factor that scales each up to 15 bits. */
ENGINE FN(vec) FN(apply_window)(const batch *b, const int16_t *const *frames, FN(bin) *bins) {
    const size_t n = b->f->fft_length / 2, padded = b->padded_window;
    FN(vec) peak = FN(zero)();
    int16_t peaks[LANES];
    size_t i, s;
    for (i = 0; i < padded; i += 8) {
        FN(vec) samples[8];
        FN(gather)(frames, i, samples);
        for (s = 0; s < 8; ++s) {
            samples[s] = FN(product_q12)(samples[s], FN(splat)(b->window[i + s]));
            peak = FN(max)(peak, FN(abs)(samples[s]));
        }
        for (s = 0; s < 4; ++s) {
            FN(bin) *bin = bins + b->reversed[i / 2 + s];
            bin->c.re = samples[2 * s];
            bin->c.im = samples[2 * s + 1];
        }
    }
    for (i = padded / 2; i < n; ++i) bins[b->reversed[i]].c.re = bins[b->reversed[i]].c.im = FN(zero)();
    FN(store)(peaks, peak);
    for (i = 0; i < LANES; ++i) {
        const uint32_t shift = 15 - bit_width((uint32_t)peaks[i]);
        b->shifts[i] = shift;
        peaks[i] = (int16_t)(1u << shift);
    }
    return FN(load)(peaks);
}

INLINE FN(complex) FN(divide)(FN(complex) a, FN(vec) reciprocal) {
    a.re = FN(scale)(a.re, reciprocal);
    a.im = FN(scale)(a.im, reciprocal);
    return a;
}

INLINE void FN(butterfly2)(FN(bin) *a, FN(complex) b0, FN(complex) b1) {
    a[0].c.re = FN(add)(b0.re, b1.re);
    a[0].c.im = FN(add)(b0.im, b1.im);
    a[1].c.re = FN(sub)(b0.re, b1.re);
    a[1].c.im = FN(sub)(b0.im, b1.im);
}

INLINE void FN(butterfly4)(FN(bin) *a, size_t m, FN(complex) b0, FN(complex) b1, FN(complex) b2, FN(complex) b3) {
    const FN(vec) sum02_re = FN(add)(b0.re, b2.re), sum02_im = FN(add)(b0.im, b2.im);
    const FN(vec) dif02_re = FN(sub)(b0.re, b2.re), dif02_im = FN(sub)(b0.im, b2.im);
    const FN(vec) sum13_re = FN(add)(b1.re, b3.re), sum13_im = FN(add)(b1.im, b3.im);
    const FN(vec) dif13_re = FN(sub)(b1.re, b3.re), dif13_im = FN(sub)(b1.im, b3.im);
    a[0].c.re = FN(add)(sum02_re, sum13_re);
    a[0].c.im = FN(add)(sum02_im, sum13_im);
    a[m].c.re = FN(add)(dif02_re, dif13_im);
    a[m].c.im = FN(sub)(dif02_im, dif13_re);
    a[2 * m].c.re = FN(sub)(sum02_re, sum13_re);
    a[2 * m].c.im = FN(sub)(sum02_im, sum13_im);
    a[3 * m].c.re = FN(sub)(dif02_re, dif13_im);
    a[3 * m].c.im = FN(add)(dif02_im, dif13_re);
}

/* The innermost pass: it scales the frames up. Its twiddles are 1, which change nothing that was divided before. */
ENGINE size_t FN(first_pass)(FN(bin) *a, size_t n, FN(vec) factor) {
    const size_t radix = bit_width((uint32_t)n) % 2 == 0 ? 2 : 4;
    const FN(vec) reciprocal = FN(splat)((int16_t)(32767 / radix));
    size_t i, r;
    for (i = 0; i < n; i += radix) {
        FN(complex) b[4];
        for (r = 0; r < radix; ++r) {
            b[r].re = FN(scale)(FN(product)(a[i + r].c.re, factor), reciprocal);
            b[r].im = FN(scale)(FN(product)(a[i + r].c.im, factor), reciprocal);
        }
        if (radix == 2)
            FN(butterfly2)(a + i, b[0], b[1]);
        else
            FN(butterfly4)(a + i, 1, b[0], b[1], b[2], b[3]);
    }
    return radix;
}

ENGINE void FN(radix4_pass)(FN(bin) *a, size_t n, size_t m, const twiddle_pair *twiddles, size_t stride) {
    const FN(vec) quarter = FN(splat)(32767 / 4);
    size_t block, k;
    for (k = 0; k < m; ++k) {
        const twiddle_pair w1 = twiddles[k * stride], w2 = twiddles[2 * k * stride], w3 = twiddles[3 * k * stride];
        for (block = k; block < n; block += 4 * m) {
            FN(bin) *at = a + block;
            FN(butterfly4)(at, m, FN(divide)(at[0].c, quarter), FN(rotate)(FN(divide)(at[m].c, quarter), w1),
                           FN(rotate)(FN(divide)(at[2 * m].c, quarter), w2),
                           FN(rotate)(FN(divide)(at[3 * m].c, quarter), w3));
        }
    }
}

/* From the transform of (even samples) + i (odd samples) to the energies of the bins that the filterbank reads. */
ENGINE void FN(split_real)(FN(bin) *a, size_t n, const twiddle_pair *twiddles) {
    const FN(vec) halving = FN(splat)(32767 / 2), zero = FN(zero)();
    const FN(complex) dc = FN(divide)(a[0].c, halving);
    size_t k;
    a[n].energy = FN(squared)(FN(sub)(dc.re, dc.im), zero);
    for (k = 1; k <= n / 2; ++k) {
        const FN(complex) up = FN(divide)(a[k].c, halving);
        FN(complex) down = a[n - k].c, dif;
        FN(vec) sum_re, sum_im;
        down.im = FN(sub)(zero, down.im);
        down = FN(divide)(down, halving);
        sum_re = FN(add)(up.re, down.re);
        sum_im = FN(add)(up.im, down.im);
        dif.re = FN(sub)(up.re, down.re);
        dif.im = FN(sub)(up.im, down.im);
        dif = FN(rotate)(dif, twiddles[k]);
        a[k].energy = FN(squared)(FN(half)(FN(add)(sum_re, dif.re)), FN(half)(FN(add)(sum_im, dif.im)));
        a[n - k].energy = FN(squared)(FN(half)(FN(sub)(sum_re, dif.re)), FN(half)(FN(sub)(dif.im, sum_im)));
    }
}

/* Square roots, rounded as square_root() does, of sums below 2^52: those are exact in a double, so the root's integer
 * part is exact too. */
ENGINE void FN(roots)(const uint64_t *sums, const uint32_t *shifts, uint32_t *out) {
    size_t i;
    for (i = 0; i < LANES; ++i) {
        const uint64_t bits = sums[i] | 0x4330000000000000u; /* 2^52 + the sum, as a double */
        double sum, root, rest;
        int32_t whole;
        memcpy(&sum, &bits, sizeof sum);
        sum -= 4503599627370496.0;
        whole = (int32_t)sqrt(sum);
        root = (double)whole;
        rest = sum - root * root;
        whole += (rest > root) & (whole != 0xFFFF);
        out[i] = (uint32_t)whole >> shifts[i];
    }
}

/* Filterbank channels of all frames: signal is [LANES][n_channels]. */
ENGINE void FN(filterbank)(const batch *b, const FN(bin) *bins, uint32_t *signal) {
    const mltk_frontend *f = b->f;
    uint32_t shifts[LANES];
    FN(sums) own, next;
    size_t bin = f->start_bin, channel, i;
    for (i = 0; i < LANES; ++i) shifts[i] = b->shifts[FN(frame_of)(i)];
    FN(clear)(&own);
    for (channel = 0; channel <= f->n_channels; ++channel) {
        FN(clear)(&next);
        for (; bin < f->channel_bins[channel + 1]; ++bin) {
            FN(accumulate)(&own, bins[bin].energy, f->weights[bin - f->start_bin]);
            FN(accumulate)(&next, bins[bin].energy, f->unweights[bin - f->start_bin]);
        }
        if (channel > 0) {
            uint64_t sums[LANES];
            uint32_t roots[LANES];
            FN(store_sums)(&own, sums);
            FN(roots)(sums, shifts, roots);
            for (i = 0; i < LANES; ++i) signal[FN(frame_of)(i) * f->n_channels + channel - 1] = roots[i];
        }
        own = next;
    }
}

ENGINE void FN(reduce_noise)(const batch *b, uint32_t *restrict signal, uint32_t *restrict noise) {
    const size_t n = b->f->n_channels;
    const uint32_t *restrict smoothing = b->smoothing;
    const uint32_t bits = (uint32_t)b->f->smoothing_bits, min_remaining = b->f->min_signal_remaining;
    size_t i;
    for (i = 0; i < n; ++i) {
        const uint32_t scaled = signal[i] << bits, rest = (1u << NOISE_BITS) - smoothing[i];
        const uint64_t mixed = (uint64_t)scaled * smoothing[i] + (uint64_t)noise[i] * rest;
        const uint32_t estimate = (uint32_t)(mixed >> NOISE_BITS);
        const uint32_t remaining = (uint32_t)(((uint64_t)signal[i] * min_remaining) >> NOISE_BITS);
        const uint32_t subtracted = (scaled - (estimate < scaled ? estimate : scaled)) >> bits;
        noise[i] = estimate;
        signal[i] = subtracted > remaining ? subtracted : remaining;
    }
}

/* bit_width() of x, but 1 for 0, without a branch: the exponent that x has as a float. Clearing bits keeps it from
 * rounding up. */
INLINE uint32_t FN(width)(uint32_t x) {
    const uint32_t halved = (x & ~(x >> 1)) >> 1;
    const float real = (float)(int32_t)halved;
    uint32_t bits;
    memcpy(&bits, &real, sizeof bits);
    bits = (bits >> 23) - 126;
    return (bits & all_ones_if(halved != 0)) + 1;
}

ENGINE void FN(normalize_amplitude)(const batch *b, uint32_t *restrict signal, const uint32_t *restrict noise) {
    const size_t n = b->f->n_channels;
    const int32_t *restrict constant = b->pcan_gains[0], *restrict linear = b->pcan_gains[1];
    const int32_t *restrict quadratic = b->pcan_gains[2];
    const int32_t snr_shift = b->f->pcan_snr_shift;
    size_t i;
    for (i = 0; i < n; ++i) {
        const uint32_t width = FN(width)(noise[i]);
        const uint32_t octave = width - (noise[i] == 0);
        const int32_t x = (int32_t)(((noise[i] << (32 - width)) >> 21) & 0x3FF);
        int32_t gain = (quadratic[octave] * x) >> 5;
        uint32_t snr, low, high;
        gain = (gain + linear[octave] * 32) * x;
        gain = (int16_t)(((gain + (1 << 14)) >> 15) + constant[octave]);
        snr = (uint32_t)(((uint64_t)signal[i] * (uint32_t)gain) >> snr_shift);
        low = (snr * snr) >> (2 + 2 * PCAN_SNR_BITS - PCAN_OUTPUT_BITS);
        high = (snr >> (PCAN_SNR_BITS - PCAN_OUTPUT_BITS)) - (1u << PCAN_OUTPUT_BITS);
        signal[i] = high ^ ((low ^ high) & all_ones_if(snr < (2u << PCAN_SNR_BITS)));
    }
}

ENGINE void FN(scaled_log)(const batch *b, uint32_t *restrict signal) {
    const size_t n = b->f->n_channels;
    const int32_t *restrict residue = b->log2_residue;
    const int32_t up = b->f->correction_bits > 0 ? b->f->correction_bits : 0;
    const int32_t down = b->f->correction_bits < 0 ? -b->f->correction_bits : 0;
    const int32_t shift = b->f->log_scale_shift;
    size_t i;
    for (i = 0; i < n; ++i) {
        const uint32_t x = (signal[i] << up) >> down;
        const uint32_t integer = FN(width)(x) - 1;
        const uint32_t fraction = ((x << (31 - integer)) >> (31 - LOG_BITS)) & ((1u << LOG_BITS) - 1);
        const uint32_t segment = fraction >> (LOG_BITS - LOG_SEGMENT_BITS);
        const int32_t base = residue[segment], slope = residue[segment + 1] - base;
        const int32_t rest = (int32_t)(fraction & ((1u << (LOG_BITS - LOG_SEGMENT_BITS)) - 1));
        const uint32_t log2 = (integer << LOG_BITS) + fraction + (uint32_t)(base + ((slope * rest) >> LOG_BITS));
        const uint32_t ln_low = (LN2_Q16 * (log2 & ((1u << LOG_BITS) - 1)) + (1u << (LOG_BITS - 1))) >> LOG_BITS;
        const uint32_t ln = LN2_Q16 * (log2 >> LOG_BITS) + ln_low; /* in two, lest it need 64 bits */
        signal[i] = (((ln << shift) + (1u << (LOG_BITS - 1))) >> LOG_BITS) & all_ones_if(x > 1);
    }
}

ENGINE void FN(saturate)(size_t n, const uint32_t *restrict signal, uint16_t *restrict row) {
    size_t i;
    for (i = 0; i < n; ++i) row[i] = (uint16_t)(signal[i] < UINT16_MAX ? signal[i] : UINT16_MAX);
}

/* Filterbank channels of LANES frames, of which those past the last may be anything. */
ENGINE void FN(front)(const batch *b, const int16_t *const *frames, uint32_t *signal) {
    FN(bin) *bins = b->bins;
    const size_t n = b->f->fft_length / 2;
    const FN(vec) factor = FN(apply_window)(b, frames, bins);
    size_t m;
    for (m = FN(first_pass)(bins, n, factor); m < n; m *= 4)
        FN(radix4_pass)(bins, n, m, b->twiddles, n / (4 * m) * 2);
    FN(split_real)(bins, n, b->twiddles + n / 2);
    FN(filterbank)(b, bins, signal);
}

/* From a frame's channels to its row of features. */
ENGINE void FN(back)(const batch *b, uint32_t *signal, uint16_t *row) {
    if (b->f->noise_reduction_enable) FN(reduce_noise)(b, signal, b->noise);
    if (b->f->pcan_enable) FN(normalize_amplitude)(b, signal, b->noise);
    if (b->f->log_scale_enable) FN(scaled_log)(b, signal);
    FN(saturate)(b->f->n_channels, signal, row);
}

ENGINE void FN(quantize)(const mltk_frontend *f, const uint16_t *features, size_t n, int8_t *out) {
    quantize(f, features, n, out);
}
