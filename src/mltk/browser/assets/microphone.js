// Samples of the microphone at the rate that the model was trained with.

const SILENT_SECONDS = 2;
const WORKLET = `
registerProcessor("mltk-microphone", class extends AudioWorkletProcessor {
  process(inputs) {
    if (inputs[0].length > 0) this.port.postMessage(inputs[0][0].slice());
    return true;
  }
});`;

// What the browser's refusal means for a person.
function microphoneProblem(error) {
  const file = "You can open sound files instead.";
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return `The browser may not use the microphone. Allow it at the symbol beside the address, then start again. ${file}`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `The browser finds no microphone. Plug one in, then start again. ${file}`;
    case "NotReadableError":
      return `The microphone can't be opened. Another program may use it. ${file}`;
    default:
      return `The microphone can't be started: ${error.message}. ${file}`;
  }
}

class Microphone {
  // Calls onSamples(Int16Array) with samples at `rate`, and onProblem(text) if the microphone ends by itself.
  constructor(rate, onSamples, onProblem) {
    Object.assign(this, { rate, onSamples, onProblem });
  }

  // `device` is the id of a microphone; without one the browser chooses. Returns a note on the sample rate, or "".
  async start(device) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("the browser offers no microphone to this page. Open it as a file, from localhost or by https");
    }
    const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: device ? { ...raw, deviceId: { exact: device } } : raw });
    this.stream.getAudioTracks()[0].addEventListener("ended", () => this.onProblem("The microphone was disconnected."));
    try {
      return await this.connect();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async connect() {
    let resampler = null, source = null;
    try {
      this.context = new AudioContext({ sampleRate: this.rate });
      source = this.context.createMediaStreamSource(this.stream);
    } catch {
      // Some browsers do not change the rate of a microphone, or do not have this rate.
      await this.context?.close();
      this.context = new AudioContext();
      source = this.context.createMediaStreamSource(this.stream);
    }
    if (this.context.sampleRate !== this.rate) resampler = new Resampler(this.context.sampleRate, this.rate);
    await this.context.resume();
    await addWorklet(this.context);
    const node = new AudioWorkletNode(this.context, "mltk-microphone");
    node.port.onmessage = ({ data }) => {
      if (this.context === null) return;
      const samples = toInt16(resampler ? resampler.feed(data) : data);
      if (samples.length > 0) this.onSamples(samples);
    };
    source.connect(node).connect(this.context.destination); // the node writes nothing, so that nothing is heard
    return resampler === null ? "" : `The browser delivers ${this.context.sampleRate} Hz; the page makes ${this.rate} Hz of it.`;
  }

  async stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    const context = this.context;
    this.context = null;
    await context?.close();
  }

  // The microphones by name: [{id, name}]. The browser tells the names after it allowed the microphone.
  static async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    return devices.filter((d) => d.kind === "audioinput" && d.deviceId).map((d) => ({ id: d.deviceId, name: d.label }));
  }
}

// Notices a microphone that delivers only zeros, and tells it once; and that it has sound again.
class SilenceWatch {
  constructor(status) {
    this.status = status;
  }

  start(rate) {
    Object.assign(this, { limit: SILENT_SECONDS * rate, zeros: 0 });
  }

  feed(heard) {
    const before = this.zeros;
    this.zeros = heard.every((v) => v === 0) ? before + heard.length : 0;
    if (before < this.limit && this.zeros >= this.limit) {
      this.status.problem("The microphone delivers only zeros. It is muted, or it is the wrong one: check the settings of " +
        "the system, or choose another microphone.");
    } else if (before >= this.limit && this.zeros === 0) {
      this.status.say("Listening.");
    }
  }
}

// Chromium loads no worklet from a blob in a page of a file, and the page of a server allows no data. Another browser may
// want the other one.
async function addWorklet(context) {
  const blob = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
  const data = `data:text/javascript,${encodeURIComponent(WORKLET)}`;
  const [first, second] = location.protocol === "file:" ? [data, blob] : [blob, data];
  try {
    await context.audioWorklet.addModule(first).catch(() => context.audioWorklet.addModule(second));
  } finally {
    URL.revokeObjectURL(blob);
  }
}

// A sound file at the wanted rate: {samples, note}. Throws an Error that says what is wrong with the file.
async function readSoundFile(file, rate) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.length === 0) throw new Error("The file is empty.");
  const wav = readWav(bytes);
  if (wav !== null && wav.samples.length === 0) throw new Error("The file has no samples.");
  if (wav !== null && wav.rate === rate) return { samples: wav.samples, note: "" };
  let floats = null, from = 0;
  if (wav !== null) {
    floats = Float32Array.from(wav.samples, (v) => v / 32768);
    from = wav.rate;
  } else {
    try {
      const context = new OfflineAudioContext(1, 1, 48000);
      const decoded = await context.decodeAudioData(bytes.buffer);
      floats = decoded.getChannelData(0);
      from = decoded.sampleRate;
    } catch {
      throw new Error("The browser can't read this file as sound. WAV files of 16 bits always work.");
    }
  }
  if (floats.length === 0) throw new Error("The file has no samples.");
  const resampler = new Resampler(from, rate);
  const samples = toInt16(joinFloats([resampler.feed(floats), resampler.end()]));
  return { samples, note: `changed from ${from} Hz, so the numbers may differ a little from Python's` };
}

function joinFloats(parts) {
  const out = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
