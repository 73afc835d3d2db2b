// The page that shows the spectrogram of the audio frontend, with its settings as controls.

const VIEW_SECONDS = 10;
const UNSEEN = /^(activity_detection|quantize_dynamic)/; // settings that do not change the spectrogram

function frontendPage(root, data, ui, machine) {
  const frontend = new Frontend(machine, data.fields);
  const settings = Object.fromEntries(data.fields.map(([name, , value]) => [name, value]));
  const status = new Status(ui, root);
  const ring = new Ring(VIEW_SECONDS * 48000);
  const silence = new SilenceWatch(status);
  let microphone = null, rate = settings.sample_rate_hz, sound = new Int16Array(0), rows = [], file = null;

  const start = ui.element("button", { type: "button", class: "primary", id: "try-start" }, "Start the microphone");
  root.append(ui.element("div", { class: "try-row" }, start,
    ...fileChooser(ui, root, "Open a sound file…", "audio/*,.wav", (chosen) => openFile(chosen[0]))),
  ui.element("p", { class: "muted" }, "Or drop a sound file here. The sound stays in this page. The features are those of " +
    "the device, value for value."));
  const wave = new Drawing(ui, root, { title: "Sound", label: "Waveform", height: 80,
    paint: (c, w, h) => paintWave(c, w, h, sound, ui, file ? undefined : VIEW_SECONDS * rate) });
  const spectrogram = new Drawing(ui, root, { title: "Spectrogram of the device's frontend",
    label: "Spectrogram of the device's audio frontend", height: 260,
    paint: (c, w, h) => paintSpectrogram(c, w, h, rows, file ? rows.length : slots()) });
  const code = ui.element("pre", { class: "wrap", tabindex: 0 }, ui.element("code"));
  root.append(ui.element("h3", {}, "Settings of the frontend"),
    ui.element("div", { class: "controls" }, data.fields.filter(([name]) => !UNSEEN.test(name)).map((field) => control(field))),
    ui.element("h3", {}, "In a specification"), code);

  function control([name, type, value, low, high, step]) {
    if (type === "flag") {
      const box = ui.element("input", { type: "checkbox", id: `try-${name}`, checked: Boolean(value) });
      box.addEventListener("change", () => change(name, box.checked ? 1 : 0));
      return ui.element("div", { class: "try-check" }, box, ui.element("label", { for: `try-${name}` }, name));
    }
    return slider(ui, { name, title: name, min: low, max: high, step, value, unit: /_limit$/.test(name) ? "Hz" : "" }, (v) => change(name, v)).element;
  }

  function slots() {
    return Math.max(1, Math.round((VIEW_SECONDS * 1000) / settings.window_step_ms));
  }

  async function change(name, value) {
    settings[name] = value;
    if (name === "sample_rate_hz") {
      if (file !== null) {
        await openFile(file);
      } else {
        const wasOn = microphone !== null;
        await stopMicrophone("The sample rate was changed.");
        sound = new Int16Array(0);
        if (wasOn) await startMicrophone();
      }
    }
    compute();
  }

  const drawSoon = seldom(() => {
    if (file !== null || microphone === null) return;
    sound = ring.latest(VIEW_SECONDS * rate);
    frontend.start(settings);
    rows = frontend.feed(sound);
    wave.draw();
    spectrogram.draw();
  });

  // Computes everything that is shown again, with the settings as they are now.
  function compute() {
    const problem = frontend.start(settings);
    rows = problem === "" ? frontend.feed(sound) : [];
    if (problem !== "") status.problem(`These settings are impossible: ${problem}.`);
    else status.say(microphone ? "Listening." : sound.length === 0 ? "Ready."
      : `${file ? `Shown: ${file.name}, ` : ""}${(sound.length / (file ? settings.sample_rate_hz : rate)).toFixed(1)} s, ${ui.number(rows.length)} rows of ` +
        `${frontend.nChannels} channels.`);
    code.firstChild.textContent = specification();
    wave.draw();
    spectrogram.draw();
  }

  function specification() {
    const lines = data.fields.filter(([name, , value]) => settings[name] !== value);
    if (lines.length === 0) return "# The settings are the ones that the page began with.";
    return lines.map(([name, type]) => `frontend_settings.${name} = ` +
      (type === "flag" ? (settings[name] ? "True" : "False") : settings[name])).join("\n");
  }

  async function openFile(chosen) {
    if (chosen === undefined) return;
    await stopMicrophone("");
    try {
      const opened = await readSoundFile(chosen, settings.sample_rate_hz);
      file = chosen;
      sound = opened.samples;
      compute();
    } catch (error) {
      status.problem(`${chosen.name}: ${error.message}`);
    }
  }

  start.addEventListener("click", () => (microphone ? stopMicrophone("Stopped.") : startMicrophone()));

  async function startMicrophone() {
    file = null;
    rate = settings.sample_rate_hz;
    ring.clear();
    silence.start(rate);
    start.disabled = true;
    const made = new Microphone(rate, hear, (text) => stopMicrophone(text, true));
    try {
      status.say("The browser asks whether this page may use the microphone…");
      const note = await made.start("");
      microphone = made;
      start.textContent = "Stop the microphone";
      compute();
      if (note !== "") status.say(`Listening. ${note}`);
    } catch (error) {
      status.problem(microphoneProblem(error));
    }
    start.disabled = false;
  }

  async function stopMicrophone(text, isProblem = false) {
    const stopped = microphone;
    microphone = null;
    start.textContent = "Start the microphone";
    if (isProblem) status.problem(text);
    else if (text !== "") status.say(text);
    await stopped?.stop();
  }

  function hear(heard) {
    ring.push(heard);
    silence.feed(heard);
    drawSoon();
  }

  root.tried = { openFile, settings, change, rows: () => rows };
  compute();
}
