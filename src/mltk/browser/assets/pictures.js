// Pictures as numbers: what Python does between a file and the model's input.

const FILTERS = {
  nearest: null,
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  // Pillow has the two constants of this filter as 32-bit floats.
  hamming: [1, (x) => (x === 0 ? 1 : Math.abs(x) >= 1 ? 0 : sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(Math.PI * x)))],
  bicubic: [2, (x) => cubic(Math.abs(x))],
  lanczos: [3, (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

function cubic(x) {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

// One channel or three from RGBA. Gray is 0.299 R + 0.587 G + 0.114 B in steps of 1/65536, as in Pillow.
function channelsOf(rgba, channels) {
  const n = rgba.length / 4, out = new Uint8Array(n * channels);
  for (let i = 0; i < n; i++) {
    const [r, g, b, a] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2], rgba[4 * i + 3]];
    if (channels === 1) {
      out[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    } else {
      out.set(channels === 3 ? [r, g, b] : [r, g, b, a], channels * i);
    }
  }
  return out;
}

// Places and weights of the source pixels of each target pixel. The weights have 22 bits behind the point.
function weightsOf(from, to, [support, filter]) {
  const scale = from / to, wide = Math.max(1, scale), reach = support * wide, out = [];
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5)), end = Math.min(from, Math.trunc(center + reach + 0.5));
    const real = [];
    for (let k = first; k < end; k++) real.push(filter((k - center + 0.5) * (1 / wide)));
    const sum = real.reduce((a, b) => a + b, 0);
    const weights = real.map((w) => (sum === 0 ? w : w / sum) * (1 << 22));
    out.push({ first, weights: weights.map((w) => Math.trunc(w < 0 ? w - 0.5 : w + 0.5)) });
  }
  return out;
}

// Resize uint8 [height, width, channels] with Pillow's filters: first along x, then along y.
function resizePixels(pixels, width, height, channels, toWidth, toHeight, name) {
  if (width === toWidth && height === toHeight) return pixels;
  if (FILTERS[name] === null) return nearestPixels(pixels, width, height, channels, toWidth, toHeight);
  const clip = (sum) => Math.min(255, Math.max(0, sum >> 22));
  let current = pixels;
  if (width !== toWidth) {
    const next = new Uint8Array(height * toWidth * channels);
    weightsOf(width, toWidth, FILTERS[name]).forEach(({ first, weights }, x) => {
      for (let y = 0; y < height; y++) {
        for (let c = 0; c < channels; c++) {
          let sum = 1 << 21;
          for (let k = 0; k < weights.length; k++) sum += current[(y * width + first + k) * channels + c] * weights[k];
          next[(y * toWidth + x) * channels + c] = clip(sum);
        }
      }
    });
    current = next;
  }
  if (height !== toHeight) {
    const row = toWidth * channels, next = new Uint8Array(toHeight * row);
    weightsOf(height, toHeight, FILTERS[name]).forEach(({ first, weights }, y) => {
      for (let i = 0; i < row; i++) {
        let sum = 1 << 21;
        for (let k = 0; k < weights.length; k++) sum += current[(first + k) * row + i] * weights[k];
        next[y * row + i] = clip(sum);
      }
    });
    current = next;
  }
  return current;
}

function nearestPixels(pixels, width, height, channels, toWidth, toHeight) {
  const out = new Uint8Array(toWidth * toHeight * channels);
  const columns = nearestPlaces(width, toWidth), lines = nearestPlaces(height, toHeight);
  lines.forEach((fromY, y) => columns.forEach((fromX, x) => {
    const from = (fromY * width + fromX) * channels;
    for (let c = 0; c < channels; c++) out[(y * toWidth + x) * channels + c] = pixels[from + c];
  }));
  return out;
}

// The source of each target pixel. Steps are added up, as Pillow does: where a place is between two pixels, rounding decides.
function nearestPlaces(from, to) {
  const step = from / to, out = [];
  for (let i = 0, place = step * 0.5; i < to; i++, place += step) out.push(Math.floor(place));
  return out;
}

// What the data pipeline makes of the pixels: {rescale, offset, meanAndStd}.
function normalizePixels(pixels, { rescale, offset = 0, meanAndStd }) {
  const factor = rescale || 1;
  if (!meanAndStd) {
    const scaled = (p) => (rescale ? Math.fround(p * Math.fround(rescale)) : p);
    return Float32Array.from(pixels, (p) => Math.fround(scaled(p) + offset));
  }
  let sum = 0, squares = 0;
  for (const p of pixels) {
    sum += p;
    squares += p * p;
  }
  const mean = sum / pixels.length, deviation = Math.sqrt(Math.max(0, squares / pixels.length - mean * mean));
  const scale = Math.fround(factor / (Math.abs(factor) * deviation + 1e-6)), center = Math.fround(mean);
  return Float32Array.from(pixels, (p) => Math.fround(Math.fround(p - center) * scale));
}

// RGBA of a whole picture as the real values of the model's input. `data`: {width, height, channels, interpolation}.
function picturePixels(rgba, width, height, data) {
  const pixels = channelsOf(rgba, data.channels);
  return resizePixels(pixels, width, height, data.channels, data.width, data.height, data.interpolation);
}
