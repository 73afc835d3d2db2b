// Sound as numbers: WAV files, sample rates, and the conversion to int16.

// Round halves to the even neighbor, as NumPy does.
function roundEven(x) {
  const below = Math.floor(x), rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

// Floats from -1 to 1 as int16.
function toInt16(floats) {
  return Int16Array.from(floats, (x) => Math.min(32767, Math.max(-32768, roundEven(Math.fround(x * 32768)))));
}

// The first channel of a WAV file with integer samples of 16 bits: {rate, samples, channels}. Null: another kind of file.
function readWav(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") return null;
  let format = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = tag(at), size = view.getUint32(at + 4, true), start = at + 8;
    if (name === "fmt " && start + 16 <= bytes.length) {
      format = {
        kind: view.getUint16(start, true), channels: view.getUint16(start + 2, true),
        rate: view.getUint32(start + 4, true), bits: view.getUint16(start + 14, true),
      };
      if (format.kind === 0xfffe && size >= 26 && start + 26 <= bytes.length) format.kind = view.getUint16(start + 24, true);
    } else if (name === "data" && format !== null) {
      if (format.kind !== 1 || format.bits !== 16 || format.channels < 1 || format.rate < 1) return null;
      const step = 2 * format.channels, n = Math.floor(Math.min(size, bytes.length - start) / step);
      const samples = new Int16Array(n);
      for (let i = 0; i < n; i++) samples[i] = view.getInt16(start + i * step, true);
      return { rate: format.rate, channels: format.channels, samples };
    }
    at = start + size + (size % 2);
  }
  return null;
}

// A WAV file of one channel, 16 bits.
function writeWav(samples, rate) {
  const bytes = new Uint8Array(44 + 2 * samples.length), view = new DataView(bytes.buffer);
  const write = (at, text) => { for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i); };
  write(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, value, true));
  return bytes;
}

// Changes the sample rate of a stream of floats: a sinc filter with a Kaiser window, one phase for each place.
class Resampler {
  constructor(from, to) {
    const divisor = greatestDivisor(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    const cutoff = 0.94 * Math.min(1, to / from), half = Math.ceil(24 / Math.min(1, to / from));
    this.nTaps = 2 * half;
    this.filter = new Float64Array(this.nTaps * this.up);
    for (let phase = 0; phase < this.up; phase++) {
      let sum = 0;
      for (let k = 0; k < this.nTaps; k++) {
        const t = k - half + 1 - phase / this.up, edge = t / half;
        const value = Math.abs(edge) < 1 ? cutoff * sinc(cutoff * t) * bessel(9 * Math.sqrt(1 - edge * edge)) : 0;
        this.filter[phase * this.nTaps + k] = value;
        sum += value;
      }
      for (let k = 0; k < this.nTaps; k++) this.filter[phase * this.nTaps + k] /= sum;
    }
    this.reset(half);
    this.half = half;
  }

  reset(half = this.half) {
    this.held = new Float32Array(half - 1); // zeros before the first sample
    this.place = 0; // of the next output, in steps of 1/up samples from the beginning of `held`
  }

  feed(floats) {
    const all = new Float32Array(this.held.length + floats.length), out = [];
    all.set(this.held);
    all.set(floats, this.held.length);
    let first = Math.floor(this.place / this.up);
    while (first + this.nTaps <= all.length) {
      const phase = (this.place % this.up) * this.nTaps;
      let sum = 0;
      for (let k = 0; k < this.nTaps; k++) sum += all[first + k] * this.filter[phase + k];
      out.push(sum);
      this.place += this.down;
      first = Math.floor(this.place / this.up);
    }
    const dropped = Math.min(first, all.length);
    this.held = all.slice(dropped);
    this.place -= dropped * this.up;
    return Float32Array.from(out);
  }

  // The rest of the stream, after its last sample.
  end() {
    return this.feed(new Float32Array(this.nTaps - this.half));
  }
}

function greatestDivisor(a, b) {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function bessel(x) {
  let sum = 1, term = 1;
  for (let k = 1; k < 40; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

// The newest values of a stream: a ring for `size` values.
class Ring {
  constructor(size) {
    this.values = new Int16Array(size);
    this.total = 0;
  }

  push(samples) {
    const size = this.values.length, kept = samples.subarray(Math.max(0, samples.length - size));
    const at = (this.total + samples.length - kept.length) % size, whole = Math.min(kept.length, size - at);
    this.values.set(kept.subarray(0, whole), at);
    this.values.set(kept.subarray(whole), 0);
    this.total += samples.length;
  }

  // The newest n values, or all if there are fewer.
  latest(n = Infinity) {
    const size = this.values.length, count = Math.min(n, this.total, size), end = this.total % size;
    const out = new Int16Array(count), start = end - count;
    if (start >= 0) {
      out.set(this.values.subarray(start, end));
    } else {
      out.set(this.values.subarray(size + start));
      out.set(this.values.subarray(0, end), -start);
    }
    return out;
  }

  clear() {
    this.total = 0;
  }
}
