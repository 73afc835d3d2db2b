// What the sections of the report share: plots, sortable tables, number formats, colors.
// uPlot draws the plots. Everything here works from file:// and requests nothing.
const mltkReport = (function () {
  "use strict";
  const plots = [];
  const ui = {};

  // -- colors -----------------------------------------------------------------------------------------------
  ui.color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  ui.seriesColor = (i) => `--s${(i % 10) + 1}`;

  function applyTheme(theme) {
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    redraw();
  }
  function redraw() { for (const plot of plots) plot.redraw(false, true); }
  function remembered() {
    try { return localStorage.getItem("mltk-theme") || "auto"; } catch { return "auto"; }
  }
  function remember(theme) {
    try { localStorage.setItem("mltk-theme", theme); } catch { /* pages from files may not store anything */ }
  }
  const themeSwitch = document.getElementById("theme");
  themeSwitch.value = remembered();
  applyTheme(themeSwitch.value);
  themeSwitch.addEventListener("change", () => { remember(themeSwitch.value); applyTheme(themeSwitch.value); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => applyTheme("light"));
  addEventListener("afterprint", () => applyTheme(themeSwitch.value));

  // -- numbers ----------------------------------------------------------------------------------------------
  ui.number = (value, digits = 4) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "unknown";
    if (Number.isInteger(value)) return value.toLocaleString("en-US");
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e6))
      return value.toExponential(Math.max(1, digits - 2)).replace(/\.?0+e/, "e");
    return Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 6 });
  };
  ui.percent = (value, digits = 1) =>
    value === null || value === undefined || Number.isNaN(value) ? "unknown" : `${(value * 100).toFixed(digits)} %`;

  // -- elements ---------------------------------------------------------------------------------------------
  // Text is set as text, so that it is never read as HTML.
  ui.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") made.className = value;
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) made.append(child);
    return made;
  };

  // A command inside a sentence: no line ends after the hyphens of an option.
  ui.command = (text) => ui.element("code", {}, text.split(" ").map((word, i) => [i > 0 ? " " : null,
    word.startsWith("-") ? ui.element("span", { class: "word" }, word) : word]));

  // -- tables -----------------------------------------------------------------------------------------------
  ui.sortable = (table) => {
    const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    headers.forEach((header, column) => {
      const button = ui.element("button", { type: "button", title: "Sort by this column" });
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const up = header.getAttribute("aria-sort") ? header.getAttribute("aria-sort") !== "ascending"
          : !header.classList.contains("number");
        for (const other of headers) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", up ? "ascending" : "descending");
        sortRows(table.tBodies[0], column, up);
      });
    });
  };
  function sortRows(body, column, up) {
    const key = (row) => {
      const cell = row.cells[column];
      const text = cell.dataset.value ?? cell.textContent.trim();
      const number = text === "" ? NaN : Number(text.replace(/,/g, ""));
      return Number.isNaN(number) ? text : number;
    };
    const compare = (a, b) => {
      if (typeof a === "number" && typeof b === "number") return a - b;
      if (typeof a === "number") return -1;
      if (typeof b === "number") return 1;
      return a.localeCompare(b, "en", { numeric: true });
    };
    const rows = [...body.rows].map((row) => [key(row), row]);
    rows.sort((a, b) => (up ? 1 : -1) * compare(a[0], b[0]));
    body.append(...rows.map(([, row]) => row));
  }

  // -- plots ------------------------------------------------------------------------------------------------
  // spec: {title, label, x: {label, range, format, tick, log, asinh, whole}, y: {label, range, format, log}, height,
  //        series: [{label, x: [..], y: [..], dash, bars, points, step, hidden, color}], table: bool,
  //        marks: [{x, y, label, color, line}]}. A mark is a line at x, and a ring at (x, y) if it has y; `line: false` is
  //        the ring alone.
  // Returns {plot, setMark(i, x, y), setSeries(list)}.
  const WHOLE = [1, 2, 5].flatMap((n) => [1, 10, 100, 1000, 10000].map((m) => n * m)).sort((a, b) => a - b);
  ui.plot = (parent, spec) => {
    const figure = ui.element("figure", { class: "plot" });
    if (spec.title) figure.append(ui.element("figcaption", {}, spec.title));
    const canvas = ui.element("div", {
      class: "canvas", tabindex: 0, role: "img",
      "aria-label": `${spec.label || spec.title}. Plot of ${spec.y.label} over ${spec.x.label}: ` +
        `${spec.series.map((s) => s.label).join(", ")}. Arrow keys move along the curve; the numbers are in the table below.`,
    });
    const readout = ui.element("output", { class: "readout", "aria-live": "polite" });
    figure.append(canvas);
    parent.append(figure);
    const formatX = spec.x.format || ui.number, formatY = spec.y.format || ui.number;
    const marks = (spec.marks || []).map((mark) => ({ ...mark }));
    const data = joined(spec.series);
    const made = new uPlot(options(), data, canvas);
    plots.push(made);
    if (spec.legend !== false && spec.series.length > (spec.legend ? 0 : 1)) figure.append(legend());
    figure.append(readout);
    if (spec.table !== false) figure.append(numbers());
    const observer = new ResizeObserver(() => {
      const width = Math.floor(canvas.clientWidth);
      if (width > 0 && width !== made.width) made.setSize({ width, height: made.height });
    });
    observer.observe(canvas);
    canvas.addEventListener("keydown", moveCursor);

    function options() {
      const axis = (side) => ({
        stroke: () => ui.color("--muted"), grid: { stroke: () => ui.color("--line"), width: 1 },
        ticks: { stroke: () => ui.color("--line"), width: 1, size: 5 }, font: "12px system-ui, sans-serif",
        labelFont: "12px system-ui, sans-serif", label: side.label, labelSize: 18,
        splits: side.asinh ? (_, i, low, high) => decades(side.asinh, high) : undefined,
        values: (_, ticks) => ticks.map((v) => (v === null ? "" : (side.tick || side.format || ui.number)(v))),
      });
      return {
        width: Math.max(200, Math.floor(canvas.clientWidth)), height: spec.height || 260,
        scales: {
          x: { time: false, ...scale(spec.x) },
          y: scale(spec.y),
        },
        axes: [{ ...axis(spec.x), size: 34, space: 60, incrs: spec.x.whole ? WHOLE : undefined }, { ...axis(spec.y), size: 58 }],
        legend: { show: false },
        cursor: { drag: { x: true, y: false }, points: { size: 7 } },
        series: [{}, ...spec.series.map(seriesOptions)],
        hooks: { setCursor: [showValues], draw: [drawMarks] },
        padding: [marks.some((mark) => mark.label) ? 28 : 10, 22, 0, 0],
      };
    }
    // asinh: linear below this value, logarithmic above it.
    function scale(side) {
      const fromZero = (_, low, high) => [0, high > 0 ? high * 1.15 : side.asinh];
      return {
        range: side.range ? () => side.range : side.asinh ? fromZero : undefined, distr: side.asinh ? 4 : side.log ? 3 : 1, asinh: side.asinh,
      };
    }
    // Ticks of an axis that is linear below `low` and logarithmic above it: 0, then 1, 10, 100 … and what is between.
    function decades(low, high) {
      const first = Math.floor(Math.log10(low)), last = Math.floor(Math.log10(high));
      const steps = last - first > 2 ? [1] : [1, 2, 5];
      const ticks = [0];
      for (let power = first; power <= last; power++)
        for (const step of steps) ticks.push(step * 10 ** power);
      return ticks.filter((v) => v === 0 || (v >= low && v <= high));
    }
    function seriesOptions(series, i) {
      const color = series.color || ui.seriesColor(i);
      const bars = series.bars ? { paths: uPlot.paths.bars({ size: [0.9, 60] }), fill: () => ui.color(color) + "99" } : {};
      if (series.fill) bars.fill = () => ui.color(color) + "33";
      const steps = series.step ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
      return {
        label: series.label, stroke: () => ui.color(color), width: series.bars ? 0 : series.width || 2,
        dash: series.dash ? [7, 5] : undefined, spanGaps: true, show: !series.hidden,
        points: { show: series.points === undefined ? series.y.length <= 2 : Boolean(series.points), size: Number(series.points) > 1 ? series.points : 6, fill: () => ui.color(color) }, ...bars, ...steps,
      };
    }
    function showValues(u) {
      const i = u.cursor.idx;
      if (i === null || i === undefined) { readout.textContent = ""; return; }
      const parts = spec.series.map((s, k) => [s, nearest(u.data[k + 1], i), k])
        .filter(([, v, k]) => v !== null && u.series[k + 1].show)
        .map(([s, v]) => `${s.label} ${formatY(v)}`);
      readout.textContent = `${spec.x.label} ${formatX(u.data[0][i])}: ${parts.join(", ")}`;
    }
    function drawMarks(u) {
      const ratio = devicePixelRatio, right = u.bbox.left + u.bbox.width;
      for (const mark of marks) {
        if (mark.x === null || mark.x === undefined) continue;
        const at = Math.round(u.valToPos(mark.x, "x", true));
        if (!(at >= u.bbox.left - 1 && at <= right + 1)) continue;
        u.ctx.save();
        u.ctx.strokeStyle = u.ctx.fillStyle = ui.color(mark.color || "--text");
        if (mark.line !== false) {
          u.ctx.lineWidth = ratio; u.ctx.setLineDash([4 * ratio, 4 * ratio]);
          u.ctx.beginPath(); u.ctx.moveTo(at, u.bbox.top); u.ctx.lineTo(at, u.bbox.top + u.bbox.height); u.ctx.stroke();
        }
        if (mark.y !== null && mark.y !== undefined) {
          u.ctx.lineWidth = 2 * ratio; u.ctx.setLineDash([]);
          u.ctx.beginPath(); u.ctx.arc(at, u.valToPos(mark.y, "y", true), 6 * ratio, 0, 2 * Math.PI); u.ctx.stroke();
        }
        if (mark.label) { // above the curves, which it would hide
          u.ctx.font = `${12 * ratio}px system-ui, sans-serif`; u.ctx.textAlign = "center";
          const half = u.ctx.measureText(mark.label).width / 2;
          const middle = Math.max(half, Math.min(u.ctx.canvas.width - half, at));
          u.ctx.fillText(mark.label, middle, u.bbox.top - 11 * ratio);
        }
        u.ctx.restore();
      }
    }
    function moveCursor(event) {
      const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const last = made.data[0].length - 1;
      const i = Math.min(last, Math.max(0, (made.cursor.idx ?? (step > 0 ? -1 : last + 1)) + step));
      made.setCursor({ left: made.valToPos(made.data[0][i], "x"), top: 10 });
    }
    function legend() {
      const items = spec.series.map((series, i) => {
        const kind = Number(series.points) > 1 ? " dot" : series.dash ? " dash" : "";
        const swatch = ui.element("span", { class: `swatch${kind}`, "aria-hidden": "true" });
        swatch.style.borderColor = `var(${series.color || ui.seriesColor(i)})`;
        const button = ui.element("button", { type: "button", "aria-pressed": String(!series.hidden) }, swatch, series.label);
        button.addEventListener("click", () => {
          const show = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", String(show));
          made.setSeries(i + 1, { show });
        });
        return ui.element("li", {}, button);
      });
      return ui.element("ul", { class: "legend", "aria-label": "Curves: press to show or hide" }, items);
    }
    function numbers() {
      const details = ui.element("details", { class: "no-print" }, ui.element("summary", {}, "Numbers as a table"));
      details.addEventListener("toggle", () => {
        details.querySelector(".scroll")?.remove();
        if (!details.open) return;
        const [xs, ...ys] = made.data;
        const head = [spec.x.label, ...spec.series.map((s) => s.label)];
        const rows = xs.map((x, i) => ui.element("tr", {}, ui.element("td", { class: "number" }, formatX(x)),
          ys.map((y) => ui.element("td", { class: "number" }, y[i] === null || y[i] === undefined ? "" : formatY(y[i])))));
        details.append(ui.element("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": spec.title },
          ui.element("table", {}, ui.element("thead", {}, ui.element("tr", {},
            head.map((h) => ui.element("th", { scope: "col", class: "number" }, h)))), ui.element("tbody", {}, rows))));
      });
      return details;
    }
    return {
      plot: made, figure,
      setMark(i, x, y = null) { Object.assign(marks[i], { x, y }); made.redraw(false, false); },
      setSeries(series) {
        spec.series.forEach((old, i) => Object.assign(old, series[i]));
        made.setData(joined(spec.series));
      },
    };
  };
  // A curve from points in any order: x ascending, and for each x the highest y. With `steps` also the lowest y, so that a
  // rise at one x stays vertical; the other point is moved by a hair, because curves are joined by their x.
  ui.path = (xs, ys, steps = false) => {
    const found = new Map();
    xs.forEach((x, k) => {
      const y = ys[k];
      if (x === null || y === null) return;
      const [low, high] = found.get(x) ?? [y, y];
      found.set(x, [Math.min(low, y), Math.max(high, y)]);
    });
    const points = [];
    for (const [x, [low, high]] of [...found].sort((a, b) => a[0] - b[0])) {
      if (steps && high > low) points.push([x === 0 ? 0 : x - 1e-12, low], [x === 0 ? 1e-12 : x, high]);
      else points.push([x, high]);
    }
    return [points.map((p) => p[0]), points.map((p) => p[1])];
  };
  function joined(series) {
    const first = series[0].x;
    if (series.every((s) => s.x === first || (s.x.length === first.length && s.x.every((v, i) => v === first[i]))))
      return [first, ...series.map((s) => s.y)];
    return uPlot.join(series.map((s) => [s.x, s.y]));
  }
  function nearest(values, i) {
    if (values[i] !== null && values[i] !== undefined) return values[i];
    for (let d = 1; d < values.length; d++)
      for (const k of [i - d, i + d]) if (values[k] !== null && values[k] !== undefined) return values[k];
    return null;
  }

  // -- sections ---------------------------------------------------------------------------------------------
  function run(id, script) {
    const root = document.getElementById(id);
    try {
      script(root, JSON.parse(document.getElementById(`${id}-data`).textContent), ui);
    } catch (error) {
      console.error(`Section ${id}:`, error);
      root.querySelector(".content").prepend(
        ui.element("p", { class: "bad", role: "alert" }, `This section's script failed: ${error.message}`));
    }
  }
  document.querySelectorAll("table.sortable").forEach(ui.sortable);
  // A link to a section shows its heading below the navigation, which may have two lines.
  const nav = document.querySelector("nav");
  const keepRoom = () => { document.documentElement.style.scrollPaddingTop = `${nav.offsetHeight + 12}px`; };
  if (nav) new ResizeObserver(keepRoom).observe(nav);
  const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.getAttribute("href").slice(1), a]));
  const seen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const e of entries) (e.isIntersecting ? seen.add(e.target.id) : seen.delete(e.target.id));
    const current = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links)
      if (id === current) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }, { rootMargin: "-10% 0px -60% 0px" });
  for (const id of links.keys()) watcher.observe(document.getElementById(id));
  return { ui, run, plots };
})();
