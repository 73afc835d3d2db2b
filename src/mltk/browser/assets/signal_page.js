// The page of a model of other signals, such as those of an accelerometer: lines of CSV.

const BAUD = 115200;
const MANY_BEYOND = 0.01;

function signalPage(root, data, ui, machine) {
  const network = new Network(machine, data);
  const detector = new Detector(machine, data.classes, data.detector);
  const status = new Status(ui, root);
  const options = { step: Math.max(1, Math.round(data.length / 4)), rate: data.rate };
  let shownFile = { rows: [], results: [], detections: [] }, reader = null;
  const files = [];

  const row = ui.element("div", { class: "try-row" }, ...fileChooser(ui, root, "Open CSV files…", ".csv,.txt,text/*", openFiles));
  if (navigator.serial) {
    const serial = ui.element("button", { type: "button", id: "try-start" }, "Read a serial port…");
    serial.addEventListener("click", () => (reader ? reader.cancel() : startSerial(serial)));
    row.append(serial);
  }
  const columns = data.axes === 1 ? "one value" : `${data.axes} values`;
  root.append(row, ui.element("p", { class: "muted" }, `Or drop CSV files here. A line has ${columns}, ` +
    `or the time and then ${columns}. The model sees ${data.length} lines at a time.` + (data.scale ? " The values are divided by the model's axis_scale: " +
      `${data.scale.map((v) => ui.number(v)).join(", ")}.` : "")));
  const plots = ui.element("div", { class: "try-plots" }), side = ui.element("div", { class: "try-side" });
  root.append(ui.element("div", { class: "try-columns" }, plots, side));
  const signal = new Drawing(ui, plots, { title: "Signal", label: "The signal, a line for each axis", height: 140,
    paint: (c, w, h) => paintSignal(c, w, h, shownFile.rows, ui) });
  const curves = new Drawing(ui, plots, { title: "Scores and detections", label: "Scores of the classes over time",
    height: 180, paint: (c, w, h) => paintScores(c, w, h, { ...shownFile, classes: data.classes, shown: bars.shown,
      span: { start: 0, end: Math.max(0.1, shownFile.rows.length / options.rate) },
      thresholds: detector.settings.thresholds }, ui) });
  side.append(ui.element("h3", {}, "Scores at the end"));
  const bars = new ScoreBars(ui, side, data.classes, () => curves.draw());
  side.append(ui.element("h3", {}, "Detections"));
  const log = new DetectionLog(ui, side);
  const table = new FileTable(ui, root, "Detections");
  const impossible = ui.element("p", { class: "warn", role: "status" });
  const again = () => {
    sayImpossible();
    files.forEach((file) => file.compute());
    show(shownFile);
  };
  root.append(ui.element("h3", {}, "How the signal is cut"), ui.element("div", { class: "controls" },
    slider(ui, { name: "rate", title: "Lines in a second", unit: "", min: 1, max: Math.max(1000, data.rate), value: options.rate },
      (value) => { options.rate = value; again(); }).element,
    slider(ui, { name: "step", title: "Lines from one window to the next", unit: "", min: 1, max: 2 * data.length,
      value: options.step }, (value) => { options.step = value; again(); }).element));
  root.append(impossible);
  const settings = detectorControls(ui, root, data, detector, again);
  sayImpossible();

  // Too few results may come in the time over which scores are averaged.
  function sayImpossible() {
    const takes = Math.round(((settings.count - 1) * options.step * 1000) / options.rate);
    impossible.textContent = takes <= settings.window ? "" : `Nothing can be detected: ${settings.count} results take ` +
      `${takes} ms, but scores are averaged over ${settings.window} ms.`;
  }

  function show(file) {
    shownFile = file;
    log.set(file.detections);
    if (file.results.length > 0) bars.show(file.results[file.results.length - 1].scores);
    signal.draw();
    curves.draw();
  }

  async function openFiles(chosen) {
    for (const chosenFile of chosen) {
      const tell = table.add(chosenFile.name, () => { if (files.includes(file)) show(file); });
      const { rows: values, problem } = readCsv(await chosenFile.text(), data.axes);
      const rows = scaledRows(values, data.scale), { share, low, high } = beyondInput(rows, data.input);
      const file = { name: chosenFile.name, rows, results: [], detections: [] };
      if (problem !== "") {
        tell(problem, true);
        continue;
      }
      file.compute = () => {
        file.results = new Windows(network, data, options.step, options.rate).feed(rows);
        file.detections = detector.replay(file.results);
        tell(file.results.length === 0 ? `only ${rows.length} lines; one window has ${data.length}`
          : describeDetections(file.detections));
      };
      file.compute();
      files.push(file);
      show(file);
      status.say(`Shown: ${file.name}, ${ui.number(rows.length)} lines.`);
      if (share > MANY_BEYOND) {
        status.problem(`${file.name}: ${ui.percent(share)} of the values are beyond the input of the model, which takes ` +
          `${ui.number(low, 3)} to ${ui.number(high, 3)}. Scale the signal as in training.`);
      }
    }
  }

  // -- a board at a serial port, in browsers that offer it ---------------------------------------------------
  async function startSerial(button) {
    let port = null, problem = "";
    const live = { rows: [], results: [], detections: [] };
    try {
      port = await navigator.serial.requestPort();
      await port.open({ baudRate: BAUD });
      reader = port.readable.getReader();
      button.textContent = "Stop the serial port";
      status.say(`Reading lines at ${BAUD} baud.`);
      const windows = new Windows(network, data, options.step, options.rate), drawSoon = seldom(() => show(live));
      detector.start();
      await readLines(reader, (text) => {
        takeLine(text, live, windows);
        drawSoon();
      });
    } catch (error) {
      problem = `The serial port can't be read: ${error.message}.`;
    }
    reader?.releaseLock();
    reader = null;
    await port?.close().catch(() => {});
    button.textContent = "Read a serial port…";
    if (live.rows.length > 0) show(live);
    if (problem !== "") status.problem(problem);
    else status.say(`Stopped after ${live.rows.length} lines.`);
  }

  function takeLine(text, live, windows) {
    const { rows: values, problem } = readCsv(text, data.axes), rows = scaledRows(values, data.scale);
    if (problem !== "") {
      status.problem(`The port sent a line that is not a sample: ${text.slice(0, 60)}`);
      return;
    }
    live.rows.push(...rows);
    for (const result of windows.feed(rows)) {
      live.results.push(result);
      const detection = detector.feed(result.scores, result.timeMs);
      if (detection) live.detections.push(detection);
    }
  }

  root.tried = { files, openFiles, network, detector };
  status.say("Ready.");
}

async function readLines(reader, onLine) {
  const decoder = new TextDecoder();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (held + decoder.decode(value, { stream: true })).split("\n");
    held = parts.pop();
    for (const part of parts) if (part.trim() !== "") onLine(part);
  }
}
