// Parts of the pages that several kinds of models share.

// Shows what happens, as text that screen readers read aloud; problems stand out.
class Status {
  constructor(ui, parent) {
    this.element = ui.element("p", { class: "try-status", role: "status" });
    parent.append(this.element);
  }

  say(text) {
    this.element.className = "try-status";
    this.element.textContent = text;
  }

  problem(text) {
    this.element.className = "try-status bad";
    this.element.textContent = text;
  }
}

// A slider with its name and value; onChange(number) while it moves.
function slider(ui, { name, title, unit, min, max, step = 1, value }, onChange) {
  const id = `try-${name}`;
  const shown = ui.element("output", { for: id });
  const input = ui.element("input", { type: "range", id, min, max, step, value });
  const show = () => { shown.textContent = ` ${Number(input.value)}${unit ? ` ${unit}` : ""}`; };
  input.addEventListener("input", () => {
    show();
    onChange(Number(input.value));
  });
  show();
  return {
    element: ui.element("div", { class: "try-slider" }, ui.element("label", { for: id }, title, shown), input),
    set(number) {
      input.value = number;
      show();
    },
  };
}

// The settings of the detector as sliders, and the command that stores them in the model.
function detectorControls(ui, parent, data, detector, onChange) {
  const settings = { ...data.detector, thresholds: [...data.detector.thresholds] };
  const detectable = data.classes.map((_, k) => k).filter((k) => !data.classes[k].startsWith("_"));
  const command = ui.element("code");
  const changed = () => {
    detector.set(settings);
    command.textContent = parametersCommand(data, settings, detectable);
    onChange();
  };
  const number = (key, options) => slider(ui, { name: key, ...options, value: settings[key] }, (value) => {
    settings[key] = value;
    changed();
  });
  const each = detectable.map((k) => slider(ui,
    { name: `threshold-${k}`, title: `Threshold of ${data.classes[k]}`, min: 0, max: 255, value: settings.thresholds[k] },
    (value) => {
      settings.thresholds[k] = value;
      changed();
    }));
  const highest = (values) => Math.max(0, ...values);
  const all = slider(ui, { name: "threshold", title: "Threshold of all classes", min: 0, max: 255,
    value: highest(detectable.map((k) => settings.thresholds[k])) }, (value) => {
    detectable.forEach((k, i) => {
      settings.thresholds[k] = value;
      each[i].set(value);
    });
    changed();
  });
  const window = number("window", { title: "Scores are averaged over", unit: "ms", min: 0, max: 5000, step: 10 });
  const count = number("count", { title: "Fewest results in this time", unit: "", min: 0, max: 50 });
  const suppression = number("suppression",
    { title: "Pause after a detection", unit: "ms", min: 0, max: 5000, step: 10 });
  const reset = ui.element("button", { type: "button" }, "Settings of the model");
  reset.addEventListener("click", () => {
    Object.assign(settings, data.detector, { thresholds: [...data.detector.thresholds] });
    all.set(highest(detectable.map((k) => settings.thresholds[k])));
    detectable.forEach((k, i) => each[i].set(settings.thresholds[k]));
    window.set(settings.window);
    count.set(settings.count);
    suppression.set(settings.suppression);
    changed();
  });
  parent.append(
    ui.element("h3", {}, "When scores are a detection"),
    ui.element("div", { class: "controls" }, [all, window, count, suppression].map((s) => s.element)),
    each.length < 2 ? null : ui.element("details", {}, ui.element("summary", {}, "A threshold for each class"),
      ui.element("div", { class: "controls" }, each.map((s) => s.element))),
    ui.element("p", {}, reset),
    ui.element("p", { class: "muted" }, "Store these settings in the model: ", command),
  );
  command.textContent = parametersCommand(data, settings, detectable);
  return settings;
}

function parametersCommand(data, settings, detectable) {
  const levels = detectable.map((k) => settings.thresholds[k]);
  const same = levels.every((level) => level === levels[0]);
  const threshold = same && levels.length > 0 ? `detection_threshold=${levels[0]} detection_threshold_list=`
    : `detection_threshold_list=${settings.thresholds.join(",")}`;
  return `mltk update_params ${data.name} ${threshold} average_window_duration_ms=${settings.window} ` +
    `minimum_count=${settings.count} suppression_ms=${settings.suppression}`;
}

// The newest score of each class as a bar.
class ScoreBars {
  constructor(ui, parent, classes, onToggle = null) {
    this.shown = classes.map(() => true);
    this.bars = classes.map((name, k) => {
      const fill = ui.element("span", { class: "try-fill" }), value = ui.element("span", { class: "try-value" }, "0");
      fill.style.background = `var(${ui.seriesColor(k)})`;
      let label = ui.element("span", { class: "try-class" }, name);
      if (onToggle) {
        label = ui.element("button", { type: "button", class: "try-class", "aria-pressed": "true",
          title: "Show or hide the curve" }, name);
        label.addEventListener("click", () => {
          this.shown[k] = !this.shown[k];
          label.setAttribute("aria-pressed", String(this.shown[k]));
          onToggle();
        });
      }
      parent.append(ui.element("div", { class: "try-score" }, label, ui.element("span", { class: "try-track" }, fill), value));
      return { fill, value };
    });
  }

  show(scores) {
    this.bars.forEach(({ fill, value }, k) => {
      fill.style.width = `${(scores[k] / 255) * 100}%`;
      value.textContent = String(scores[k]);
    });
  }
}

// The newest detections first; screen readers read each one aloud.
class DetectionLog {
  constructor(ui, parent) {
    this.ui = ui;
    this.list = ui.element("ol", { class: "try-log", "aria-live": "polite", "aria-label": "Detections" });
    this.clear();
    parent.append(this.list);
  }

  clear() {
    this.list.replaceChildren(this.ui.element("li", { class: "muted" }, "Nothing was detected yet."));
    this.isEmpty = true;
  }

  add({ name, level, timeMs }) {
    if (this.isEmpty) this.list.replaceChildren();
    this.isEmpty = false;
    this.list.prepend(this.ui.element("li", {}, this.ui.element("strong", {}, name),
      ` at ${(timeMs / 1000).toFixed(2)} s, score ${level}`));
    while (this.list.childElementCount > 50) this.list.lastChild.remove();
  }

  set(detections) {
    this.clear();
    detections.forEach((d) => this.add(d));
  }
}

// Samples that a person saves for training: class folders in a zip.
class SampleStore {
  constructor(ui, parent, { name, classes, title, action, take, help, suffix }) {
    this.files = [];
    this.ui = ui;
    const select = ui.element("select", { id: "try-save-class" }, classes.map((c) => ui.element("option", {}, c)));
    const save = ui.element("button", { type: "button", id: "try-save" }, action);
    this.download = ui.element("button", { type: "button", id: "try-download", disabled: true }, "Download the zip");
    this.note = ui.element("p", { class: "muted", "aria-live": "polite" }, help, " Unpack it, then: ",
      ui.command(`mltk train ${name.endsWith(".tflite") ? "MODEL" : name} --add FOLDER`));
    save.addEventListener("click", async () => {
      const bytes = await take();
      if (bytes === null) {
        this.note.textContent = "There is nothing to save yet.";
        return;
      }
      const stamp = new Date().toISOString().replace(/[-:]/g, "").slice(0, 15);
      const path = `${folderName(select.value)}/own_${stamp}_${this.files.length + 1}.${suffix}`;
      this.files.push({ name: path, bytes });
      this.download.disabled = false;
      this.note.textContent = `${path} was saved in this page: ${this.files.length} in all. ` +
        "Download the zip before you close the page.";
    });
    this.download.addEventListener("click", () => offer(writeZip(this.files), "samples.zip", "application/zip"));
    parent.append(ui.element("h3", {}, title), ui.element("div", { class: "try-row" },
      ui.element("label", { for: "try-save-class" }, "Class"), select, save, this.download), this.note);
  }
}

function offer(bytes, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// A button that chooses files; files may also be dropped on `zone`. onFiles(list of files).
function fileChooser(ui, zone, title, accept, onFiles) {
  const input = ui.element("input", { type: "file", multiple: true, accept, class: "try-hidden", tabindex: -1,
    "aria-hidden": "true" });
  const button = ui.element("button", { type: "button" }, title);
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles([...input.files]);
    input.value = "";
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("try-drop");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("try-drop"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("try-drop");
    onFiles([...event.dataTransfer.files]);
  });
  return [button, input];
}

// A table of files with what was found in each; a press on a name shows the file.
class FileTable {
  constructor(ui, parent, heading) {
    this.ui = ui;
    this.body = ui.element("tbody");
    this.place = ui.element("div", { class: "scroll", hidden: true }, ui.element("table", { class: "try-files" },
      ui.element("thead", {}, ui.element("tr", {}, ["File", heading].map((h) => ui.element("th", { scope: "col" }, h)))),
      this.body));
    parent.append(this.place);
  }

  add(name, onShow) {
    this.place.hidden = false;
    const button = this.ui.element("button", { type: "button" }, name), cell = this.ui.element("td", {}, "…");
    button.addEventListener("click", onShow);
    this.body.append(this.ui.element("tr", {}, this.ui.element("th", { scope: "row" }, button), cell));
    return (text, isProblem = false) => {
      cell.textContent = text;
      cell.className = isProblem ? "bad" : "";
    };
  }
}

function describeDetections(detections) {
  if (detections.length === 0) return "nothing was detected";
  return detections.map((d) => `${d.name} at ${(d.timeMs / 1000).toFixed(2)} s (${d.level})`).join(", ");
}
