const choice = root.querySelector("select.target");
const tables = [...root.querySelectorAll(".layers")];
choice?.addEventListener("change", () => tables.forEach((t, i) => { t.hidden = i !== Number(choice.value); }));
