const view = root.querySelector(".matrix-view");
const el = ui.element;
const MOST_ACROSS = 12;
const controls = el("div", { class: "controls no-print" });
const which = el("select", {}, data.evaluations.map((e, i) => el("option", { value: i }, e.title)));
if (data.evaluations.length > 1) controls.append(el("label", {}, "Evaluation", which));
const unit = el("select", {}, el("option", { value: "count" }, "number of samples"),
  el("option", { value: "share" }, "share of the true class"));
controls.append(el("label", {}, "Cells show", unit));
const slider = el("input", { type: "range", min: 0, step: 1, value: 0 });
const chosen = el("output", {});
const sliderLabel = el("label", {}, "Reject answers with a score below ", chosen, slider);
controls.append(sliderLabel);
const sentence = el("p", { "aria-live": "polite" });
const place = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" });
view.append(controls, sentence, place);

function counts(evaluation, from) {
  const n = evaluation.classes.length;
  const matrix = Array.from({ length: n }, () => new Array(n).fill(0));
  const rejected = new Array(n).fill(0);
  if (!evaluation.decisions || !evaluation.decisions.length) return [evaluation.matrix, rejected];
  for (const [t, p, bin, k] of evaluation.decisions) {
    if (bin >= from) matrix[t][p] += k; else rejected[t] += k;
  }
  return [matrix, rejected];
}
function draw() {
  const evaluation = data.evaluations[which.value || 0];
  const edges = evaluation.edges, from = Number(slider.value);
  sliderLabel.hidden = !edges || !evaluation.decisions.length;
  if (edges) {
    slider.max = edges.length - 2;
    chosen.textContent = ui.number(edges[from], 3);
    slider.setAttribute("aria-valuetext", chosen.textContent);
  }
  const [matrix, rejected] = counts(evaluation, from);
  const totals = matrix.map((row, i) => row.reduce((a, b) => a + b, 0) + rejected[i]);
  const all = totals.reduce((a, b) => a + b, 0), dropped = rejected.reduce((a, b) => a + b, 0);
  const right = matrix.reduce((sum, row, i) => sum + row[i], 0), answered = all - dropped;
  sentence.textContent = dropped
    ? `${ui.percent(answered / all)} of ${ui.number(all)} samples are answered; ${answered ? ui.percent(right / answered) : "none"} ` +
      `of these answers are right. ${ui.number(dropped)} samples are rejected.`
    : `All ${ui.number(all)} samples are answered; ${ui.percent(right / all)} of the answers are right.`;
  place.replaceChildren();
  place.hidden = evaluation.classes.length > data.mostClasses;
  if (!place.hidden) place.append(matrixTable(evaluation.classes, matrix, rejected, totals));
}
function matrixTable(classes, matrix, rejected, totals) {
  const many = classes.length > MOST_ACROSS; // then the titles of the columns are upright
  const some = rejected.some((n) => n > 0), shares = unit.value === "share";
  const text = (n, i) => (shares ? (totals[i] ? `${Math.round((100 * n) / totals[i])} %` : "–") : ui.number(n));
  const cell = (n, i, j, what) => {
    const share = totals[i] ? n / totals[i] : 0;
    const made = el("td", { class: i === j ? "right" : n ? "" : "zero", title: what }, text(n, i));
    if (n) {
      // Between the two ranges, neither dark nor light text could be read.
      const strength = share > 0.5 ? 0.86 + 0.28 * (share - 0.5) : 0.1 + 0.7 * share;
      made.style.background = `rgb(var(--heat) / ${strength.toFixed(3)})`;
      if (share > 0.5) made.style.color = "var(--accent-text)";
    }
    return made;
  };
  const head = el("tr", {}, el("th", {}, "true ↓", el("br"), "answer →"), classes.map((c) => el("th", { scope: "col", title: c }, many ? el("span", { class: "vertical" }, c) : c)),
    some ? el("th", { scope: "col" }, "rejected") : null);
  const rows = matrix.map((row, i) => el("tr", {}, el("th", { scope: "row" }, classes[i]),
    row.map((n, j) => cell(n, i, j, `${ui.number(n)} of ${ui.number(totals[i])} samples of ${classes[i]} are answered ${classes[j]}`)),
    some ? cell(rejected[i], i, -1, `${ui.number(rejected[i])} samples of ${classes[i]} are rejected`) : null));
  return el("table", { class: many ? "matrix many" : "matrix" }, el("thead", {}, head), el("tbody", {}, rows));
}
for (const input of [which, unit]) input.addEventListener("change", draw);
slider.addEventListener("input", draw);
draw();
