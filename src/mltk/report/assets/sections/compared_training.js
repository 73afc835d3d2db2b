const plots = root.querySelector(".plots");
for (const plot of data.plots) {
  const values = plot.series.flatMap((s) => s.values);
  const wide = values.every((v) => v !== null && v > 0) && Math.max(...values) > 20 * Math.min(...values);
  ui.plot(plots, {
    title: plot.name, label: `${plot.name} during training`, x: { label: "epoch", whole: true },
    y: { label: plot.name, log: plot.name === "loss" && wide },
    series: plot.series.map((s) => ({
      label: s.label, x: s.values.map((_, i) => i + 1), y: s.values, dash: s.dash, color: ui.seriesColor(s.color),
    })),
  });
}
