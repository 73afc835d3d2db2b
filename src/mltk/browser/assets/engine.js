// The model as WebAssembly, and the numbers around it. Nothing here needs a page, so that tests run it without one.

function bytesOfBase64(text) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const values = new Uint8Array(128);
  for (let i = 0; i < 64; i++) values[letters.charCodeAt(i)] = i;
  const length = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let bits = 0, held = 0, to = 0;
  for (let i = 0; i < length; i++) {
    held = ((held << 6) | values[text.charCodeAt(i)]) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[to++] = (held >> bits) & 255;
    }
  }
  return bytes;
}

// What is missing in a browser that can't run the model; an empty text if nothing is.
function missingInBrowser() {
  if (typeof WebAssembly === "undefined") {
    return "This browser can't run WebAssembly, or its settings forbid it. Open the page in a current Firefox, Chrome, " +
      "Edge or Safari.";
  }
  return "";
}

// An instance of a module; its exported functions are in .x.
class Machine {
  constructor(instance) {
    this.x = instance.exports;
    this.x._initialize?.(); // modules without a C library have nothing to initialize
  }

  static of(base64) {
    return new Machine(new WebAssembly.Instance(new WebAssembly.Module(bytesOfBase64(base64))));
  }

  static async load(base64) {
    try {
      return new Machine((await WebAssembly.instantiate(bytesOfBase64(base64), {})).instance);
    } catch (error) {
      throw new Error("This browser can't run the model's WebAssembly, which needs 128-bit SIMD: Firefox 89, Chrome or " +
        `Edge 91, Safari 16.4, or later. The browser says: ${error.message}`);
    }
  }

  values(Type, address, n) {
    return new Type(this.x.memory.buffer, address, n);
  }
}

// The device's detector, with settings that may change: {window, count, suppression, thresholds}.
class Detector {
  constructor(machine, classes, settings) {
    this.machine = machine;
    this.classes = classes;
    this.set(settings);
  }

  set(settings) {
    this.settings = { ...settings, thresholds: [...settings.thresholds] };
    const x = this.machine.x;
    const { window, count, suppression, thresholds } = this.settings;
    this.machine.values(Int32Array, x.listen_settings(), 3).set([window, count, suppression]);
    this.machine.values(Uint8Array, x.listen_thresholds(), this.classes.length).set(thresholds);
    x.listen_use_settings();
  }

  start() {
    this.machine.x.replay_reset();
  }

  // Returns a detection or null. `scores` are values from 0 to 255.
  feed(scores, timeMs) {
    const x = this.machine.x;
    this.machine.values(Uint8Array, x.replay_scores(), this.classes.length).set(scores);
    const index = x.replay_feed(timeMs);
    return index < 0 ? null : { index, name: this.classes[index], level: x.replay_level(), timeMs };
  }

  // The detections of results [{scores, timeMs}], from the beginning.
  replay(results) {
    this.start();
    return results.map((r) => this.feed(r.scores, r.timeMs)).filter((d) => d !== null);
  }
}

// A model that listens: int16 samples in; rows of the frontend, results and detections out.
class Listener {
  constructor(machine, data) {
    this.machine = machine;
    this.nChannels = data.channels;
    this.classes = data.classes;
    this.reset();
    this.detector = new Detector(machine, data.classes, data.detector);
  }

  reset() {
    const status = this.machine.x.listen_reset();
    if (status !== 0) throw new Error(`The audio frontend can't start (status ${status}).`);
    this.nSeen = 0;
  }

  // Calls onRow(Uint16Array) and onResult({scores, timeMs}, detection or null).
  feed(samples, onRow, onResult) {
    const x = this.machine.x, chunk = x.listen_chunk();
    for (let start = 0; start < samples.length; start += chunk) {
      const part = samples.subarray(start, start + chunk);
      this.machine.values(Int16Array, x.listen_samples(), part.length).set(part);
      for (let done = 0; done < part.length;) {
        const taken = x.listen_feed(done, part.length);
        if (taken <= 0) throw new Error("The listener's two frontends do not agree.");
        done += taken;
        const row = x.listen_row();
        if (row) onRow(this.machine.values(Uint16Array, row, this.nChannels).slice());
        if (x.listen_count() !== this.nSeen) this.onInference(onResult);
      }
    }
  }

  onInference(onResult) {
    const x = this.machine.x;
    this.nSeen = x.listen_count();
    const scores = this.machine.values(Uint8Array, x.listen_scores(), this.classes.length).slice();
    const timeMs = x.listen_time_ms(), index = x.listen_class();
    const detection = index < 0 ? null : { index, name: this.classes[index], level: x.listen_level(), timeMs };
    onResult({ scores, timeMs }, detection);
  }
}

// A model with one input and one output. `data.input` and `data.output`: {type, size, scale, zero}.
class Network {
  constructor(machine, data) {
    this.machine = machine;
    this.input = data.input;
    this.output = data.output;
  }

  reset() {
    this.machine.x.network_reset();
  }

  // Real values in, scores from 0 to 255 out. Stored values of the input are in .stored afterwards.
  scores(values) {
    const x = this.machine.x;
    this.stored = toStored(values, this.input);
    this.machine.values(ARRAYS[this.input.type], x.network_input(0), this.input.size).set(this.stored);
    x.network_invoke();
    const output = this.machine.values(ARRAYS[this.output.type], x.network_output(0), this.output.size).slice();
    return toScores(output, this.output);
  }
}

const ARRAYS = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, float32: Float32Array };
const RANGES = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767] };

// Quantize as TensorFlow Lite Micro does: 32-bit division, halves away from zero.
function toStored(values, tensor) {
  if (tensor.type === "float32") return Float32Array.from(values);
  const stored = new ARRAYS[tensor.type](values.length), [low, high] = RANGES[tensor.type];
  const scale = Math.fround(tensor.scale);
  for (let i = 0; i < values.length; i++) {
    const ratio = Math.fround(Math.fround(values[i]) / scale);
    const rounded = Number.isNaN(ratio) ? 0 : Math.sign(ratio) * Math.floor(Math.abs(ratio) + 0.5);
    stored[i] = Math.min(high, Math.max(low, rounded + tensor.zero));
  }
  return stored;
}

// Probabilities as the detector takes them: steps of 1/256.
function toScores(output, tensor) {
  return Uint8Array.from(output, (value) => {
    if (tensor.type === "int8") return value + 128;
    if (tensor.type === "uint8") return value;
    const steps = Math.fround(value * 256);
    return Number.isNaN(steps) ? 0 : Math.min(255, Math.max(0, Math.floor(steps)));
  });
}

// The audio frontend alone, with settings that change. `fields` are [name, "int" or "float"] in the order of the struct.
class Frontend {
  constructor(machine, fields) {
    this.machine = machine;
    this.fields = fields;
  }

  // Returns a text that says what is wrong with the settings; it is empty if nothing is.
  start(settings) {
    const x = this.machine.x;
    const place = new DataView(this.machine.x.memory.buffer, x.frontend_settings(), 4 * this.fields.length);
    this.fields.forEach(([name, type], i) => {
      if (type === "float") place.setFloat32(4 * i, settings[name], true);
      else place.setInt32(4 * i, Number(settings[name]), true);
    });
    this.nChannels = settings.filterbank_n_channels;
    const status = x.frontend_start();
    return status === 0 ? "" : this.text(x.frontend_problem(status));
  }

  text(address) {
    const bytes = this.machine.values(Uint8Array, address, 200);
    return String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)));
  }

  // All rows of new samples.
  feed(samples) {
    const x = this.machine.x, chunk = x.frontend_chunk(), rows = [];
    for (let start = 0; start < samples.length; start += chunk) {
      const part = samples.subarray(start, start + chunk);
      this.machine.values(Int16Array, x.frontend_samples(), part.length).set(part);
      for (let done = 0; done < part.length;) {
        done += x.frontend_feed(done, part.length);
        const row = x.frontend_row();
        if (row) rows.push(this.machine.values(Uint16Array, row, this.nChannels).slice());
      }
    }
    return rows;
  }
}
