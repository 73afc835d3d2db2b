// Everything follows from the counts of scores: a sample counts as positive where its score is at least the threshold.
const view = root.querySelector(".threshold-view");
const el = ui.element;
const HISTOGRAM_BARS = 32;
const which = el("select", {}, data.evaluations.map((e, i) => el("option", { value: i }, e.title)));
const target = el("select", {});
const targetName = document.createTextNode("");
const slider = el("input", { type: "range", min: 0, step: 1 });
const chosen = el("output", {});
const controls = el("div", { class: "controls no-print" });
if (data.evaluations.length > 1) controls.append(el("label", {}, "Evaluation", which));
controls.append(el("label", {}, targetName, target), el("label", {}, "Threshold ", chosen, slider));
const tiles = el("dl", { class: "tiles", "aria-live": "polite" });
const explanation = el("p", { class: "muted" });
const plots = el("div", { class: "plots" });
view.append(explanation, controls, tiles, plots);

// Counts of positive and negative samples, by score.
function groups() {
  const e = data.evaluations[which.value || 0], i = Number(target.value);
  if (e.kind !== "anomaly") return { e, positive: e.positive[i], negative: e.negative[i], names: [e.classes[i], "all others"], others: "others" };
  const sum = (rows) => rows.reduce((a, b) => a.map((v, k) => v + b[k]));
  const positive = i === 0 ? sum(e.positive.slice(1)) : e.positive[i];
  return { e, positive, negative: e.positive[0], names: [i === 0 ? "all abnormal" : e.classes[i], e.classes[0]],
    others: "normal samples" };
}
function curves(g) {
  const n = g.positive.length;
  const tp = new Array(n + 1).fill(0), fp = new Array(n + 1).fill(0);
  for (let k = n - 1; k >= 0; k--) { tp[k] = tp[k + 1] + g.positive[k]; fp[k] = fp[k + 1] + g.negative[k]; }
  const P = tp[0], N = fp[0];
  return {
    tp, fp, P, N, tpr: tp.map((v) => (P ? v / P : null)), fpr: fp.map((v) => (N ? v / N : null)),
    precision: tp.map((v, k) => (v + fp[k] ? v / (v + fp[k]) : null)),
  };
}
function histogram(counts, edges) {
  const low = edges[0], high = edges[edges.length - 1], width = (high - low) / HISTOGRAM_BARS;
  const bars = new Array(HISTOGRAM_BARS).fill(0);
  const total = counts.reduce((a, b) => a + b, 0) || 1;
  counts.forEach((n, k) => { bars[Math.min(HISTOGRAM_BARS - 1, Math.floor((edges[k] - low) / width + 1e-9))] += n / total; });
  return [[...bars.map((_, i) => low + i * width), high], [...bars, bars[bars.length - 1]]];
}
let made = null;
function fill() {
  const e = data.evaluations[which.value || 0], kept = target.value;
  const anomaly = e.kind === "anomaly";
  targetName.data = anomaly ? "Abnormal class" : e.kind === "labels" ? "Label" : "Class against all others";
  explanation.textContent = anomaly
    ? "A sample counts as abnormal if its score is at least the threshold. A positive is an abnormal sample."
    : "A sample counts as the chosen class if its score of this class is at least the threshold, whatever its other scores are.";
  target.replaceChildren(...e.classes.map((c, i) => el("option", { value: i }, anomaly && i === 0 ? "all abnormal classes" : c)));
  if (kept && kept < e.classes.length) target.value = kept;
  slider.max = e.edges.length - 1;
  const best = anomaly ? e.edges.findIndex((v) => v >= e.best) : e.edges.findIndex((v) => v >= 0.5);
  slider.value = best < 0 ? Math.floor(e.edges.length / 2) : best;
  draw();
}
function draw() {
  const g = groups(), c = curves(g);
  const [rocX, rocY] = ui.path(c.fpr, c.tpr, true), [prX, prY] = ui.path(c.tpr, c.precision);
  const [barX, positive] = histogram(g.positive, g.e.edges), [, negative] = histogram(g.negative, g.e.edges);
  const range = [0, 1], share = { range, format: (v) => ui.percent(v), tick: (v) => `${Math.round(v * 100)} %` };
  const edgeRange = [g.e.edges[0], g.e.edges[g.e.edges.length - 1]];
  plots.replaceChildren();
  made = {
    bars: ui.plot(plots, {
      title: "Scores of the samples", x: { label: "score", range: edgeRange }, y: { label: "share of the group", format: (v) => ui.percent(v), tick: (v) => `${Math.round(v * 100)} %` },
      series: [{ label: g.names[0], x: barX, y: positive, step: true, points: false, fill: true }, { label: g.names[1], x: barX, y: negative, step: true, dash: true, points: false, fill: true }],
      marks: [{ label: "threshold" }], legend: true,
    }),
    byThreshold: ui.plot(plots, {
      title: "What a threshold does", x: { label: "threshold", range: edgeRange }, y: { ...share, label: "share" },
      series: [{ label: "recall", x: g.e.edges, y: c.tpr, points: false }, { label: "precision", x: g.e.edges, y: c.precision, points: false },
        { label: "false positive rate", x: g.e.edges, y: c.fpr, dash: true, points: false }],
      marks: [{ label: "threshold" }],
    }),
    roc: ui.plot(plots, {
      title: "ROC", x: { ...share, label: "false positive rate" }, y: { ...share, label: "true positive rate (recall)" },
      series: [{ label: "ROC", x: rocX, y: rocY, points: false, step: false }], marks: [{ label: "threshold" }],
    }),
    pr: ui.plot(plots, {
      title: "Precision and recall", x: { ...share, label: "recall" }, y: { ...share, label: "precision" },
      series: [{ label: "precision", x: prX, y: prY, points: false }], marks: [{ label: "threshold" }],
    }),
    g, c,
  };
  move();
}
function move() {
  if (!made) return;
  const { g, c } = made, k = Number(slider.value), at = g.e.edges[k];
  chosen.textContent = ui.number(at, 4);
  slider.setAttribute("aria-valuetext", chosen.textContent);
  made.bars.setMark(0, at); made.byThreshold.setMark(0, at); made.roc.setMark(0, c.fpr[k], c.tpr[k]); made.pr.setMark(0, c.tpr[k], c.precision[k]);
  const f1 = c.precision[k] !== null && c.P ? (2 * c.tp[k]) / (c.P + c.tp[k] + c.fp[k]) : null;
  const rows = [
    ["Recall", ui.percent(c.tpr[k]), `${ui.number(c.tp[k])} of ${ui.number(c.P)} found`],
    ["Precision", ui.percent(c.precision[k]), `${ui.number(c.tp[k] + c.fp[k])} answers`],
    ["False positive rate", ui.percent(c.fpr[k], 2), `${ui.number(c.fp[k])} of ${ui.number(c.N)} ${g.others}`],
    ["F1", f1 === null ? "unknown" : f1.toFixed(3), "of precision and recall"],
    ["Right in all", ui.percent((c.tp[k] + c.N - c.fp[k]) / (c.P + c.N)), `${ui.number(c.P + c.N)} samples`],
  ];
  tiles.replaceChildren(...rows.map(([title, value, more]) =>
    el("div", { class: "tile" }, el("dt", {}, title), el("dd", {}, value, el("small", {}, more)))));
}
which.addEventListener("change", fill);
target.addEventListener("change", draw);
slider.addEventListener("input", move);
fill();
