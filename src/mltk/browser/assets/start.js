// The beginning: the module is compiled, then the page of its kind is built.

const PAGES = { listen: listenPage, picture: picturePage, signal: signalPage, frontend: frontendPage };

async function startPage(root, data, ui) {
  const place = root.querySelector(".try-it");
  const missing = missingInBrowser();
  try {
    if (missing !== "") throw new Error(missing);
    const machine = await Machine.load(data.wasm);
    place.replaceChildren();
    PAGES[data.kind](place, data, ui, machine);
  } catch (error) {
    place.replaceChildren(ui.element("p", { class: "try-status bad", role: "alert" }, error.message));
  }
}

startPage(root, data, ui);
