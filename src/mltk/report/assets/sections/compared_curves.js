// ROC of each model, for one class or as the mean of all classes; and the errors of spotters on streams.
const view = root.querySelector(".curves-view");
const el = ui.element, MEAN = "";
const share = { range: [0, 1], format: (v) => ui.percent(v), tick: (v) => `${Math.round(v * 100)} %` };
const sum = (rows) => rows.reduce((a, b) => a.map((v, k) => v + b[k]));

// The counts of positive and negative samples of a model: one pair for each class that is meant.
function pairs(model, name) {
  if (model.kind === "anomaly") return name === MEAN ? [[sum(model.positive.slice(1)), model.positive[0]]] : [];
  return model.classes.map((c, i) => [c, [model.positive[i], model.negative[i]]])
    .filter(([c]) => name === MEAN || c === name).map(([, pair]) => pair);
}
// Share of the counts at each threshold or above it, the highest threshold first.
function shares(counts) {
  const all = counts.reduce((a, b) => a + b, 0);
  let found = 0;
  return all === 0 ? null : [0, ...[...counts].reverse().map((n) => (found += n) / all)];
}
function roc(positive, negative) {
  const y = shares(positive), x = shares(negative);
  return x && y ? { x, y } : null;
}
// The lowest and the highest recall of a curve at a rate of false positives; between two points, on the line.
function at(curve, rate) {
  const first = curve.x.indexOf(rate), last = curve.x.lastIndexOf(rate);
  if (first >= 0) return [curve.y[first], curve.y[last]];
  const k = curve.x.findIndex((x) => x > rate) - 1, part = (rate - curve.x[k]) / (curve.x[k + 1] - curve.x[k]);
  const y = curve.y[k] + (curve.y[k + 1] - curve.y[k]) * part;
  return [y, y];
}
function curveOf(model, name) {
  const curves = pairs(model, name).map(([positive, negative]) => roc(positive, negative)).filter((c) => c !== null);
  if (curves.length === 0) return null;
  const xs = [...new Set(curves.flatMap((c) => c.x))].sort((a, b) => a - b);
  const ys = [0, 1].map((end) => xs.map((x) => curves.reduce((total, c) => total + at(c, x)[end], 0) / curves.length));
  const [x, y] = ui.path([...xs, ...xs], ys.flat(), true);
  return { x, y };
}

if (data.roc.length > 0) {
  const names = [...new Set(data.roc.flatMap((m) => (m.kind === "anomaly" ? [] : m.classes)))]
    .filter((name) => data.roc.filter((m) => m.kind !== "anomaly" && m.classes.includes(name)).length > 1);
  const choice = el("select", {}, el("option", { value: MEAN }, "mean of all classes"),
    names.map((name) => el("option", { value: name }, name)));
  if (names.length > 0) view.append(el("div", { class: "controls no-print" }, el("label", {}, "ROC of", choice)));
  const place = el("div", { class: "plots" });
  view.append(place);
  const draw = () => {
    const series = data.roc.map((model) => [model, curveOf(model, choice.value)]).filter(([, curve]) => curve !== null)
      .map(([model, curve]) => ({ label: model.label, ...curve, color: ui.seriesColor(model.color), points: false }));
    place.querySelector(".roc")?.remove();
    const box = el("div", { class: "roc" });
    place.prepend(box);
    ui.plot(box, { title: `ROC, ${choice.value === MEAN ? "mean of all classes" : choice.value}`, series, legend: true,
      x: { ...share, label: "false positive rate" }, y: { ...share, label: "true positive rate (recall)" } });
  };
  choice.addEventListener("change", draw);
  draw();
}
if (data.streams.length > 0) {
  const place = view.querySelector(".plots") ?? view.appendChild(el("div", { class: "plots" }));
  const series = data.streams.map((model) => {
    const [x, right] = ui.path(model.accepts, model.rejects.map((v) => (v === null ? null : 1 - v)));
    return { label: model.label, x, y: right.map((v) => 1 - v), color: ui.seriesColor(model.color), points: false };
  });
  ui.plot(place, {
    title: "False rejects against false accepts; rings: the models' settings", label: "Errors of the spotters on streams",
    series, legend: true, y: { ...share, label: "false rejects" },
    x: { label: "false accepts an hour", asinh: 1 / Math.max(...data.streams.map((m) => m.hours), 1e-6) },
    marks: data.streams.map((m) => ({ x: m.own[0], y: m.own[1], line: false, color: ui.seriesColor(m.color) })),
  });
}
