// Pictures of sound and scores on canvases. Times are in seconds; `span` is {start, end}.

// A canvas as wide as its place; draw() calls paint(context, width, height) with its size in CSS pixels.
class Drawing {
  constructor(ui, parent, { title, label, height, paint }) {
    this.paint = paint;
    this.canvas = ui.element("canvas", { role: "img", "aria-label": label, height });
    this.canvas.style.height = `${height}px`;
    this.height = height;
    parent.append(ui.element("figure", { class: "try-figure" }, ui.element("figcaption", {}, title), this.canvas));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  draw() {
    const width = this.canvas.clientWidth, ratio = devicePixelRatio || 1;
    if (width === 0) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.paint(context, width, this.height);
  }
}

// Samples from the left; `total` is the number of samples that fit, by default these.
function paintWave(context, width, height, samples, ui, total = samples.length) {
  const middle = height / 2;
  context.strokeStyle = ui.color("--line");
  context.beginPath();
  context.moveTo(0, middle);
  context.lineTo(width, middle);
  context.stroke();
  if (samples.length === 0) return;
  context.strokeStyle = ui.color("--s1");
  context.beginPath();
  for (let x = 0; x < width; x++) {
    const from = Math.floor((x * total) / width);
    if (from >= samples.length) break;
    const to = Math.min(samples.length, Math.max(from + 1, Math.floor(((x + 1) * total) / width)));
    let low = 0, high = 0;
    for (let i = from; i < to; i++) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
    context.moveTo(x + 0.5, middle - (high / 32768) * middle - 0.5);
    context.lineTo(x + 0.5, middle - (low / 32768) * middle + 0.5);
  }
  context.stroke();
}

// Rows of the frontend, the lowest frequency at the bottom; `slots` is the number of rows that fit: the newest are shown.
function paintSpectrogram(context, width, height, all, slots) {
  if (all.length === 0) return;
  const rows = all.length > slots ? all.slice(-Math.ceil(slots)) : all;
  const n = rows[0].length, colors = heatColors();
  let high = 1;
  for (const row of rows) for (let y = 0; y < n; y++) if (row[y] > high) high = row[y];
  const picture = new ImageData(rows.length, n), pixels = new Uint32Array(picture.data.buffer);
  rows.forEach((row, x) => {
    for (let y = 0; y < n; y++) pixels[(n - 1 - y) * rows.length + x] = colors[Math.floor((row[y] * 255) / high)];
  });
  const small = new OffscreenCanvas(rows.length, n);
  small.getContext("2d").putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, (width * rows.length) / slots, height);
}

// From black over violet and orange to pale yellow: darker is less, also without color.
const HEAT = [[8, 8, 20], [62, 18, 96], [142, 34, 104], [214, 72, 66], [246, 146, 44], [252, 240, 170]];
let heatTable = null;

// RGBA of 256 levels, as the memory of a picture has them.
function heatColors() {
  if (heatTable !== null) return heatTable;
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level++) {
    const at = Math.min(0.9999, level / 255) * (HEAT.length - 1), i = Math.floor(at), rest = at - i;
    bytes.set([...HEAT[i].map((from, k) => from + (HEAT[i + 1][k] - from) * rest), 255], 4 * level);
  }
  heatTable = new Uint32Array(bytes.buffer);
  return heatTable;
}

// Calls draw() soon, but so seldom that drawing takes a small part of the time.
function seldom(draw) {
  let waits = false, took = 0;
  return () => {
    if (waits) return;
    waits = true;
    setTimeout(() => requestAnimationFrame(() => {
      const begun = performance.now();
      draw();
      took = performance.now() - begun;
      waits = false;
    }), Math.max(60, 5 * took));
  };
}

const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

// Scores over time as one line for each class, and the detections as marks.
function paintScores(context, width, height, { results, detections, span, classes, thresholds, shown }, ui) {
  const top = 16, bottom = height - 17, x = (ms) => ((ms / 1000 - span.start) / (span.end - span.start)) * width;
  const y = (score) => top + (1 - score / 255) * (bottom - top);
  let first = results.length; // the newest result before the span
  while (first > 0 && (first === results.length || results[first].timeMs >= span.start * 1000)) first -= 1;
  context.strokeStyle = ui.color("--line");
  for (const score of [0, 128, 255]) line(context, 0, y(score), width, y(score));
  for (let k = 0; k < classes.length; k++) {
    if (!shown[k]) continue;
    context.strokeStyle = ui.color(ui.seriesColor(k));
    context.setLineDash(DASHES[Math.floor(k / 10) % DASHES.length]);
    context.lineWidth = classes[k].startsWith("_") ? 1 : 2;
    context.beginPath();
    for (let i = first; i < results.length; i++) {
      context[i === first ? "moveTo" : "lineTo"](x(results[i].timeMs), y(results[i].scores[k]));
    }
    context.stroke();
    if (thresholds[k] < 255) {
      context.setLineDash([2, 4]);
      context.lineWidth = 1;
      line(context, 0, y(thresholds[k]), width, y(thresholds[k]));
    }
  }
  context.setLineDash([]);
  context.lineWidth = 1;
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = ui.color("--muted");
  for (const score of [128, 255]) context.fillText(String(score), 3, y(score) + 12);
  if (results.length > 0) {
    const end = `${span.end.toFixed(1)} s`;
    context.fillText(`${span.start.toFixed(1)} s`, 3, height - 4);
    context.fillText(end, width - context.measureText(end).width - 3, height - 4);
  }
  context.fillStyle = context.strokeStyle = ui.color("--text");
  let free = 0; // where the last name ends: a name that would cover it is left out
  for (const d of detections) {
    const at = x(d.timeMs), long = context.measureText(d.name).width;
    if (at < 0 || at > width) continue;
    line(context, at, top - 2, at, bottom);
    const from = Math.min(at + 2, width - long);
    if (from < free) continue;
    context.fillText(d.name, from, 11);
    free = from + long + 4;
  }
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, Math.round(y0) + 0.5);
  context.lineTo(x1, Math.round(y1) + 0.5);
  context.stroke();
}

// Lines of a signal, one for each axis.
function paintSignal(context, width, height, rows, ui) {
  if (rows.length === 0) return;
  const n = rows[0].length;
  let low = Infinity, high = -Infinity;
  for (const row of rows) for (const value of row) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === low) high = low + 1;
  for (let k = 0; k < n; k++) {
    context.strokeStyle = ui.color(ui.seriesColor(k));
    context.beginPath();
    rows.forEach((row, i) => {
      const x = (i / Math.max(1, rows.length - 1)) * width, y = height - 2 - ((row[k] - low) / (high - low)) * (height - 4);
      context[i === 0 ? "moveTo" : "lineTo"](x, y);
    });
    context.stroke();
  }
}
