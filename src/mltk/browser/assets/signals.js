// Signals as numbers: lines of CSV, one sample a line.

// Returns {rows, header, problem}. A first line with other text than numbers is the header.
function readCsv(text, nAxes) {
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const cells = lines.map((line) => line.split(/\s*[,;\t]\s*|\s+/));
  const isNumber = (cell) => cell !== "" && Number.isFinite(Number(cell));
  const header = cells.length > 0 && !cells[0].every(isNumber) ? cells.shift() : null;
  const rows = [];
  for (let i = 0; i < cells.length; i++) {
    const place = `Line ${i + 1 + (header ? 1 : 0)}`;
    if (cells[i].length !== nAxes && cells[i].length !== nAxes + 1) {
      return { rows, header, problem: `${place} has ${cells[i].length} values; the model takes ${nAxes}, or ${nAxes + 1} ` +
        "with the time first." };
    }
    const wrong = cells[i].find((cell) => !isNumber(cell));
    if (wrong !== undefined) return { rows, header, problem: `${place} has "${wrong}", which is not a number.` };
    rows.push(Float32Array.from(cells[i].slice(-nAxes), Number));
  }
  return { rows, header, problem: rows.length === 0 ? "There are no lines with numbers." : "" };
}

// Values of a signal as the model's input: divided by the scale of their axis, if the model has one.
function scaledRows(rows, scale) {
  return scale ? rows.map((row) => row.map((v, k) => v / scale[k])) : rows;
}

// The share of values that the input of the model can't represent, and its limits: {share, low, high}.
function beyondInput(rows, { type, scale, zero }) {
  const limits = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767] }[type];
  if (limits === undefined) return { share: 0, low: 0, high: 0 };
  const [low, high] = limits.map((q) => (q - zero) * scale);
  let beyond = 0, all = 0;
  for (const row of rows) for (const v of row) {
    all += 1;
    if (v < low - scale || v > high + scale) beyond += 1;
  }
  return { share: all === 0 ? 0 : beyond / all, low, high };
}

// A stream of samples, cut into windows: feed() returns the scores of each window that is complete.
class Windows {
  constructor(network, { length, axes }, step, rate) {
    Object.assign(this, { network, length, axes, step, rate });
    this.reset();
  }

  reset() {
    this.held = [];
    this.count = 0;
    this.skip = 0;
    this.network.reset();
  }

  feed(rows) {
    const results = [];
    for (const row of rows) {
      this.count += 1;
      if (this.skip > 0) {
        this.skip -= 1;
        continue;
      }
      this.held.push(row);
      if (this.held.length < this.length) continue;
      const values = new Float32Array(this.length * this.axes);
      this.held.forEach((held, i) => values.set(held, i * this.axes));
      const scores = this.network.scores(values);
      results.push({ scores, timeMs: Math.floor((this.count * 1000) / this.rate) });
      this.skip = Math.max(0, this.step - this.length);
      this.held = this.held.slice(this.step);
    }
    return results;
  }
}
