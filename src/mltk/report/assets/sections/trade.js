const plots = root.querySelector(".plots");
const padded = (values) => {
  const low = Math.min(...values), high = Math.max(...values), space = (high - low || Math.abs(high) || 1) * 0.15;
  return [low - space, high + space];
};
const draw = (title, label, x, format) => ui.plot(plots, {
  title, label: title, x: { label, range: [Math.max(0, padded(x)[0]), padded(x)[1]], format },
  y: { label: "accuracy", range: padded(data.points.map((p) => p.y)), format: (v) => ui.percent(v) },
  series: data.points.map((p, i) => ({ label: p.label, x: [x[i]], y: [p.y], points: 12, color: ui.seriesColor(p.color) })), legend: true,
});
draw("Accuracy and flash", ".tflite, kB", data.points.map((p) => p.x / 1000));
if (data.points.every((p) => p.time)) draw("Accuracy and time", "time of an inference, ms", data.points.map((p) => p.time * 1000));
