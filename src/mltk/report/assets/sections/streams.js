const view = root.querySelector(".stream-view");
const el = ui.element;
const last = data.thresholds.length - 1;
const slider = el("input", { type: "range", min: 0, max: last, step: 1 });
const start = data.own === null ? -1 : data.thresholds.indexOf(data.own);
slider.value = start < 0 ? Math.floor(last / 2) : start;
const chosen = el("output", {});
const sentence = el("p", { "aria-live": "polite" });
const plots = el("div", { class: "plots" });
view.append(el("div", { class: "controls no-print" }, el("label", {}, "Detection threshold ", chosen, slider)), sentence, plots);
const share = { range: [0, 1], format: (v) => ui.percent(v), tick: (v) => `${Math.round(v * 100)} %` };
// One point for each number of false accepts: the lowest rate of false rejects.
function path(curve) {
  const best = new Map();
  curve.accepts.forEach((x, i) => {
    const y = curve.rejects[i];
    if (x !== null && y !== null) best.set(x, Math.min(y, best.get(x) ?? 2));
  });
  const points = [...best].sort((a, b) => a[0] - b[0]);
  return { x: points.map((p) => p[0]), y: points.map((p) => p[1]) };
}
const named = Object.entries(data.keywords).map(([label, curve]) => ({ label, ...path(curve), width: 1, points: false }));
const errors = ui.plot(plots, {
  title: "False rejects against false accepts", x: { label: "false accepts an hour", asinh: 1 / Math.max(data.hours, 1e-6) },
  y: { ...share, label: "false rejects" }, legend: true,
  series: [{ label: "all keywords", ...path(data.all), width: 3, points: false }, ...named], marks: [{ label: "threshold" }],
});
const byThreshold = ui.plot(plots, {
  title: "False rejects at each threshold", x: { label: "detection threshold" }, y: { ...share, label: "false rejects" }, legend: true,
  series: [{ label: "false rejects", x: data.thresholds, y: data.all.rejects, points: false }], marks: [{ label: "threshold" }],
});
const accepts = ui.plot(plots, {
  title: "False accepts at each threshold", x: { label: "detection threshold" },
  y: { label: "false accepts an hour", asinh: 1 / Math.max(data.hours, 1e-6) }, legend: true,
  series: [{ label: "false accepts an hour", x: data.thresholds, y: data.all.accepts, points: false }], marks: [{ label: "threshold" }],
});
function move() {
  const i = Number(slider.value), threshold = data.thresholds[i];
  chosen.textContent = ui.number(threshold);
  slider.setAttribute("aria-valuetext", chosen.textContent);
  const latency = data.latency[i] === null ? "" : `, and a mean latency of ${ui.number(data.latency[i], 3)} ms`;
  sentence.textContent = `A threshold of ${ui.number(threshold)} has ${ui.number(data.all.accepts[i], 3)} false accepts an hour, ` +
    `${ui.percent(data.all.rejects[i])} false rejects${latency}.`;
  errors.setMark(0, data.all.accepts[i]); byThreshold.setMark(0, threshold); accepts.setMark(0, threshold);
}
slider.addEventListener("input", move);
move();
