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
  const [x, y] = ui.path(curve.accepts, curve.rejects.map((v) => (v === null ? null : 1 - v)));
  return { x, y: y.map((v) => 1 - v) };
}
const named = Object.entries(data.keywords).map(([label, curve]) => ({ label, ...path(curve), width: 1, points: false }));
const errors = data.all.rejects.every((v) => v === null) ? null : ui.plot(plots, {
  title: "False rejects against false accepts", x: { label: "false accepts an hour", asinh: 1 / Math.max(data.hours, 1e-6) },
  y: { ...share, label: "false rejects" }, legend: true,
  series: [{ label: "all keywords", ...path(data.all), width: 3, points: false }, ...named], marks: [{ label: "threshold" }],
});
const marks = [{ label: "threshold" }];
const byThreshold = errors && ui.plot(plots, {
  title: "False rejects at each threshold", x: { label: "detection threshold" }, y: { ...share, label: "false rejects" },
  series: [{ label: "false rejects", x: data.thresholds, y: data.all.rejects, points: false }], marks,
});
const accepts = ui.plot(plots, {
  title: "False accepts at each threshold", x: { label: "detection threshold" },
  y: { label: "false accepts an hour", asinh: 1 / Math.max(data.hours, 1e-6) },
  series: [{ label: "false accepts an hour", x: data.thresholds, y: data.all.accepts, points: false }], marks,
});
const latency = data.latency.every((v) => v === null) ? null : ui.plot(plots, {
  title: "Latency at each threshold", x: { label: "detection threshold" }, y: { label: "mean latency, ms" },
  series: [{ label: "mean latency", x: data.thresholds, y: data.latency, points: false }], marks,
});
function move() {
  const i = Number(slider.value), threshold = data.thresholds[i];
  chosen.textContent = ui.number(threshold);
  slider.setAttribute("aria-valuetext", chosen.textContent);
  const late = data.latency[i] === null ? "" : `, and a mean latency of ${ui.number(data.latency[i], 3)} ms`;
  const rejects = data.all.rejects[i] === null ? "" : `, ${ui.percent(data.all.rejects[i])} false rejects`;
  sentence.textContent =
    `A threshold of ${ui.number(threshold)} has ${ui.number(data.all.accepts[i], 3)} false accepts an hour${rejects}${late}.`;
  errors?.setMark(0, data.all.accepts[i], data.all.rejects[i]);
  for (const plot of [byThreshold, accepts, latency]) plot?.setMark(0, threshold);
}
slider.addEventListener("input", move);
move();
