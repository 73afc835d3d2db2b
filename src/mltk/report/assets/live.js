// Body of a function of root, data and ui: draws the state of a running training, which a server on this machine has.
const stage = root.querySelector(".stage"), bar = root.querySelector("progress"), curves = root.querySelector(".curves");
bar.style.width = "100%";
const plots = new Map();
let drawn = -1, failures = 0;

const STAGES = {
  preparing: "Preparing the dataset and the model …",
  quantizing: "Training is done. Quantizing the model …",
  evaluating: "The model is quantized. Evaluating it …",
};

function left(seconds) {
  if (seconds === null) return "";
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return `, about ${Math.round(seconds)} s left`;
  return minutes < 90 ? `, about ${minutes} min left` : `, about ${(minutes / 60).toFixed(1)} h left`;
}

function describe(state) {
  if (state.stage !== "training") return STAGES[state.stage] || state.stage;
  const of = state.epochs > 0 && state.epochs < 100000 ? ` of ${state.epochs}` : "";
  const batch = state.steps ? `, batch ${Math.min(state.step, state.steps)} of ${state.steps}` : "";
  const loss = state.loss === null ? "" : `, loss ${ui.number(state.loss)}`;
  return `Epoch ${state.epoch}${of}${batch}${loss}${left(state.left_s)}`;
}

function progress(state) {
  if (state.stage === "preparing" || !state.epochs) return 0;
  if (state.stage !== "training") return 1;
  return Math.min(1, (state.epoch - 1 + (state.steps ? state.step / state.steps : 0)) / state.epochs);
}

// One plot for each metric, with its validation metric.
function draw(history) {
  const names = Object.keys(history).filter((n) => n !== "epoch" && !n.startsWith("val_"));
  const rank = (name) => (name === "loss" ? 0 : name === "learning_rate" ? 2 : 1);
  names.sort((a, b) => rank(a) - rank(b));
  for (const name of names) {
    const series = [name, `val_${name}`].filter((n) => n in history)
      .map((n, i) => ({ label: i ? "validation" : "training", x: history.epoch, y: history[n], points: true }));
    const title = name.replaceAll("_", " ");
    const known = plots.get(name);
    if (known && known.n === series.length) { known.plot.setSeries(series); continue; }
    if (known) known.plot.figure.remove();
    const plot = ui.plot(curves, { title, x: { label: "epoch", tick: (v) => (Number.isInteger(v) ? v : "") },
      y: { label: title }, series, height: 220 });
    plots.set(name, { plot, n: series.length });
  }
}

async function ask() {
  try {
    const reply = await fetch("state.json", { cache: "no-store" });
    const state = await reply.json();
    failures = 0;
    if (state.stage === "finished") { location.reload(); return; }
    const text = describe(state);
    if (stage.textContent !== text) stage.textContent = text;
    bar.value = progress(state);
    document.title = state.stage === "training" ? `${Math.round(100 * bar.value)} % · ${data.name}` : data.name;
    if (state.stage === "failed") { stage.textContent = `The training failed: ${state.error}`; stage.classList.add("bad"); return; }
    if (state.history.epoch.length !== drawn && state.history.epoch.length) {
      drawn = state.history.epoch.length;
      draw(state.history);
    }
  } catch (error) {
    failures += 1;
    if (failures >= 5) { stage.textContent = "The training has ended, or it was stopped. Its terminal says more."; return; }
  }
  setTimeout(ask, 1000);
}
ask();
