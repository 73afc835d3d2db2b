const plots = root.querySelector(".plots");
const epochs = Array.from({ length: data.epochs }, (_, i) => i + 1);
for (const plot of data.plots) {
  // With validation_freq, a metric has fewer values than there are epochs: every n-th epoch has one.
  const xs = (values) => {
    const step = values.length < data.epochs ? Math.round(data.epochs / values.length) : 1;
    return values.length === data.epochs ? epochs : values.map((_, i) => (i + 1) * step);
  };
  ui.plot(plots, {
    title: plot.name, label: `${plot.name} during training`,
    x: { label: "epoch", whole: true }, y: { label: plot.name, log: plot.log },
    series: plot.series.map((s, i) => ({ label: s.label, x: xs(s.values), y: s.values, dash: i > 0 })),
    marks: [{ x: data.weights, label: "weights used" }],
  });
}
