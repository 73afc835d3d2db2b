// The page of a model that listens.

const LIVE_SECONDS = 10, KEPT_SECONDS = 60, LAG_SECONDS = 5;

function listenPage(root, data, ui, machine) {
  const listener = new Listener(machine, data);
  const status = new Status(ui, root);
  const live = { rows: [], results: [], detections: [], ring: new Ring(KEPT_SECONDS * data.rate), busyMs: 0, heardMs: 0 };
  const silence = new SilenceWatch(status);
  let shownFile = null, microphone = null;

  const buttons = ui.element("div", { class: "try-row" });
  const start = ui.element("button", { type: "button", class: "primary", id: "try-start" }, "Start the microphone");
  const devices = ui.element("select", { "aria-label": "Microphone", hidden: true });
  buttons.append(start, devices, ...fileChooser(ui, root, "Open sound files…", "audio/*,.wav", openFiles));
  root.append(buttons, ui.element("p", { class: "muted" }, `Or drop sound files here. The sound stays in this page. ` +
    `The model hears ${ui.number(data.rate)} Hz. An answer is about the last ${data.clip_ms} ms, and a new one comes every ` +
    `${data.interval_ms} ms.`));

  const plots = ui.element("div", { class: "try-plots" }), side = ui.element("div", { class: "try-side" });
  root.append(ui.element("div", { class: "try-columns" }, plots, side));
  const shown = () => shownFile ?? { ...live, samples: live.ring.latest(LIVE_SECONDS * data.rate) };
  const wave = new Drawing(ui, plots, { title: "Sound", label: "Waveform", height: 80,
    paint: (c, w, h) => paintWave(c, w, h, shown().samples, ui, shownFile ? undefined : LIVE_SECONDS * data.rate) });
  const spectrogram = new Drawing(ui, plots, { title: "What the model sees: the device's spectrogram",
    label: "Spectrogram of the device's audio frontend", height: 140,
    paint: (c, w, h) => paintSpectrogram(c, w, h, shown().rows, slots()) });
  const curves = new Drawing(ui, plots, { title: "Scores and detections", label: "Scores of the classes over time",
    height: 180, paint: (c, w, h) => paintScores(c, w, h, { ...shown(), span: span(), classes: data.classes,
      thresholds: listener.detector.settings.thresholds, shown: bars.shown }, ui) });
  side.append(ui.element("h3", {}, "Scores now"));
  const bars = new ScoreBars(ui, side, data.classes, () => curves.draw());
  side.append(ui.element("h3", {}, "Detections"));
  const log = new DetectionLog(ui, side);
  const table = new FileTable(ui, root, "Detections");
  const files = [];
  detectorControls(ui, root, data, listener.detector, () => {
    files.forEach((file) => file.detect());
    if (shownFile) log.set(shownFile.detections);
    draw();
  });
  const samples = () => shownFile ? shownFile.samples.slice(-KEPT_SECONDS * data.rate) : live.ring.latest();
  saveControls();

  function slots() {
    return shownFile ? Math.max(1, shownFile.rows.length) : Math.max(1, (LIVE_SECONDS * 1000) / data.step_ms);
  }
  function span() {
    if (shownFile) return { start: 0, end: Math.max(0.1, shownFile.samples.length / data.rate) };
    const end = live.ring.total / data.rate;
    return { start: Math.max(0, end - LIVE_SECONDS), end: Math.max(end, LIVE_SECONDS) };
  }
  function draw() {
    for (const drawing of [wave, spectrogram, curves]) drawing.draw();
  }
  const drawSoon = seldom(draw);

  // -- microphone -------------------------------------------------------------------------------------------
  start.addEventListener("click", () => (microphone ? stopMicrophone("Stopped.") : startMicrophone()));
  devices.addEventListener("change", async () => {
    if (microphone) await stopMicrophone("");
    await startMicrophone(devices.value);
  });

  async function startMicrophone(device = "") {
    start.disabled = true;
    shownFile = null;
    Object.assign(live, { rows: [], results: [], detections: [], busyMs: 0, heardMs: 0 });
    silence.start(data.rate);
    live.ring.clear();
    listener.reset();
    log.clear();
    const made = new Microphone(data.rate, hear, (text) => stopMicrophone(text, true));
    try {
      status.say("The browser asks whether this page may use the microphone…");
      const note = await made.start(device);
      microphone = made;
      start.textContent = "Stop the microphone";
      status.say(`Listening. ${note}`.trim());
      await listDevices(device);
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
    else status.say(text);
    await stopped?.stop();
  }

  async function listDevices(chosen) {
    const found = await Microphone.list();
    devices.replaceChildren(...found.map((d, i) => ui.element("option", { value: d.id, selected: d.id === chosen },
      d.name || `Microphone ${i + 1}`)));
    devices.hidden = found.length < 2;
  }

  function hear(heard) {
    const begun = performance.now();
    live.ring.push(heard);
    listener.feed(heard, (row) => live.rows.push(row), (result, detection) => {
      live.results.push(result);
      bars.show(result.scores);
      if (detection) {
        live.detections.push(detection);
        if (shownFile === null) log.add(detection);
      }
    });
    const nRows = Math.ceil((LIVE_SECONDS * 1000) / data.step_ms);
    if (live.rows.length > 2 * nRows) live.rows = live.rows.slice(-nRows);
    if (live.results.length > 20_000) live.results = live.results.slice(-10_000);
    silence.feed(heard);
    noticeLag(performance.now() - begun, heard.length);
    if (shownFile === null) drawSoon();
  }

  // The page may need more time for a second of sound than a second, for example on a phone.
  function noticeLag(busyMs, nSamples) {
    live.busyMs += busyMs;
    live.heardMs += (nSamples * 1000) / data.rate;
    if (live.heardMs < LAG_SECONDS * 1000) return;
    if (live.busyMs > live.heardMs) {
      status.problem(`This computer needs ${(live.busyMs / live.heardMs).toFixed(1)} s for each second of sound, so that ` +
        "detections come late. Run the model less often: --latency.");
    }
    Object.assign(live, { busyMs: 0, heardMs: 0 });
  }

  // -- files ------------------------------------------------------------------------------------------------
  async function openFiles(chosen) {
    if (microphone) await stopMicrophone("The microphone was stopped to show a file.");
    for (const file of chosen) await openFile(file);
  }

  async function openFile(file) {
    const opened = { name: file.name, samples: new Int16Array(0), rows: [], results: [], detections: [], note: "" };
    const tell = table.add(file.name, () => showFile(opened));
    try {
      const { samples: sound, note } = await readSoundFile(file, data.rate);
      opened.samples = sound;
      opened.note = note;
    } catch (error) {
      tell(error.message, true);
      return;
    }
    listener.reset();
    listener.feed(opened.samples, (row) => opened.rows.push(row), (result) => opened.results.push(result));
    opened.detect = () => {
      opened.detections = listener.detector.replay(opened.results);
      const few = opened.results.length === 0 ? `shorter than the ${data.clip_ms} ms of one inference` : "";
      tell([few || describeDetections(opened.detections), opened.note].filter((t) => t !== "").join("; "));
    };
    opened.detect();
    files.push(opened);
    showFile(opened);
  }

  function showFile(file) {
    if (file.detect === undefined) return;
    shownFile = file;
    log.set(file.detections);
    if (file.results.length > 0) bars.show(file.results[file.results.length - 1].scores);
    status.say(`Shown: ${file.name}, ${(file.samples.length / data.rate).toFixed(1)} s.`);
    draw();
  }

  // -- samples for training ---------------------------------------------------------------------------------
  function saveControls() {
    let seconds = Math.max(1, Math.round(data.clip_ms / 1000));
    const length = slider(ui, { name: "save-seconds", title: "Length", unit: "s", min: 1, max: 10, value: seconds },
      (value) => { seconds = value; });
    const place = ui.element("div");
    root.append(place);
    new SampleStore(ui, place, {
      name: data.name, classes: data.classes, title: "Save what was heard as a training sample", suffix: "wav",
      action: "Save the last seconds", help: "The zip has a folder for each class, with WAV files of 16 bits.",
      take: () => {
        const kept = samples().slice(-seconds * data.rate);
        return kept.length === 0 ? null : writeWav(kept, data.rate);
      },
    });
    place.querySelector(".try-row").append(length.element);
  }

  root.tried = { live, files, openFiles, listener, draw, recorded: () => live.ring.latest() };
  status.say("Ready.");
}
