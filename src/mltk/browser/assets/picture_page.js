// The page of a model of pictures.

function picturePage(root, data, ui, machine) {
  const network = new Network(machine, data);
  const detector = new Detector(machine, data.classes, data.detector);
  const status = new Status(ui, root);
  const live = { results: [], detections: [], first: 0 };
  let stream = null, newest = null, timer = 0;

  const start = ui.element("button", { type: "button", class: "primary", id: "try-start" }, "Start the camera");
  root.append(ui.element("div", { class: "try-row" }, start,
    ...fileChooser(ui, root, "Open pictures…", "image/*", openFiles)),
  ui.element("p", { class: "muted" }, "Or drop pictures here. They stay in this page. A file is resized to " +
    `${data.width} × ${data.height} pixels (${data.interpolation}), as in training. Of the camera's picture the center is ` +
    "taken."), data.note ? ui.element("p", { class: data.isKnown ? "muted" : "warn" }, data.note) : "");
  const video = ui.element("video", { muted: true, playsinline: true, class: "try-video", hidden: true,
    "aria-label": "Picture of the camera" });
  video.muted = true;
  const seen = ui.element("canvas", { width: data.width, height: data.height, class: "try-seen", role: "img",
    "aria-label": "The picture as the model sees it" });
  const views = ui.element("div", { class: "try-views" }, ui.element("figure", {}, ui.element("figcaption", {},
    "What the model sees"), seen), video);
  const side = ui.element("div", { class: "try-side" });
  root.append(ui.element("div", { class: "try-columns" }, views, side));
  side.append(ui.element("h3", {}, "Scores"));
  const bars = new ScoreBars(ui, side, data.classes);
  side.append(ui.element("h3", {}, "Detections of the camera"));
  const log = new DetectionLog(ui, side);
  const table = new FileTable(ui, root, "Class");
  const files = [];
  detectorControls(ui, root, data, detector, () => {});
  const place = ui.element("div");
  root.append(place);
  new SampleStore(ui, place, {
    name: data.name, classes: data.classes, title: "Save the picture as a training sample", action: "Save this picture", suffix: "png",
    help: "The zip has a folder for each class, with PNG files.",
    take: async () => newest === null ? null : new Uint8Array(await (await pngOf(newest)).arrayBuffer()),
  });

  // RGBA of a whole picture to scores.
  function classify(rgba, width, height) {
    const pixels = picturePixels(rgba, width, height, data);
    const scores = network.scores(normalizePixels(pixels, data.normalize));
    newest = { rgba, width, height };
    showSeen(pixels);
    bars.show(scores);
    return scores;
  }

  function showSeen(pixels) {
    const picture = new ImageData(data.width, data.height);
    for (let i = 0; i < data.width * data.height; i++) {
      const at = i * data.channels;
      const rgb = data.channels === 1 ? [pixels[at], pixels[at], pixels[at]] : pixels.subarray(at, at + 3);
      picture.data.set([...rgb, 255], 4 * i);
    }
    seen.getContext("2d").putImageData(picture, 0, 0);
  }

  // -- camera -----------------------------------------------------------------------------------------------
  start.addEventListener("click", () => (stream ? stopCamera("Stopped.") : startCamera()));

  async function startCamera() {
    start.disabled = true;
    try {
      if (!navigator.mediaDevices?.getUserMedia) {
        throw new Error("the browser offers no camera to this page. Open it as a file, from localhost or by https");
      }
      status.say("The browser asks whether this page may use the camera…");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      video.hidden = false;
      await video.play();
      Object.assign(live, { results: [], detections: [], first: performance.now() });
      detector.start();
      log.clear();
      start.textContent = "Stop the camera";
      status.say("Looking.");
      stream.getVideoTracks()[0].addEventListener("ended", () => stopCamera("The camera was disconnected.", true));
      look();
    } catch (error) {
      stream = null;
      status.problem(cameraProblem(error));
    }
    start.disabled = false;
  }

  function stopCamera(text, isProblem = false) {
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    start.textContent = "Start the camera";
    if (isProblem) status.problem(text);
    else status.say(text);
  }

  function look() {
    if (stream === null) return;
    const begun = performance.now();
    const width = video.videoWidth, height = video.videoHeight;
    if (width > 0) {
      const side = Math.min(width, (height * data.width) / data.height), tall = (side * data.height) / data.width;
      const wide = Math.round(side), high = Math.round(tall);
      const rgba = rgbaOf(video, (width - wide) >> 1, (height - high) >> 1, wide, high);
      const result = { scores: classify(rgba, wide, high), timeMs: Math.floor(begun - live.first) };
      live.results.push(result);
      const detection = detector.feed(result.scores, result.timeMs);
      if (detection) {
        live.detections.push(detection);
        log.add(detection);
      }
    }
    timer = setTimeout(look, Math.max(0, data.interval_ms - (performance.now() - begun)));
  }

  // -- files ------------------------------------------------------------------------------------------------
  async function openFiles(chosen) {
    if (stream) stopCamera("The camera was stopped to show a file.");
    for (const file of chosen) await openFile(file);
  }

  async function openFile(file) {
    const opened = { name: file.name, scores: null };
    const tell = table.add(file.name, () => opened.show?.());
    let bitmap = null;
    try {
      bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    } catch {
      tell("The browser can't read this file as a picture.", true);
      return;
    }
    const { width, height } = bitmap;
    const rgba = rgbaOf(bitmap, 0, 0, width, height);
    opened.show = () => {
      opened.scores = classify(rgba, width, height);
      status.say(`Shown: ${file.name}, ${width} × ${height} pixels.`);
    };
    opened.show();
    const best = opened.scores.indexOf(Math.max(...opened.scores));
    const small = width < data.width || height < data.height ? `; the picture has only ${width} × ${height} pixels, and was ` +
      "made larger" : "";
    tell(`${data.classes[best]}, score ${opened.scores[best]} of 255${small}`);
    files.push(opened);
  }

  root.tried = { live, files, openFiles, network, detector };
  status.say("Ready.");
}

function rgbaOf(source, x, y, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, x, y, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

function pngOf({ rgba, width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

function cameraProblem(error) {
  const file = "You can open pictures instead.";
  if (error.name === "NotAllowedError" || error.name === "SecurityError") {
    return `The browser may not use the camera. Allow it at the symbol beside the address, then start again. ${file}`;
  }
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") {
    return `The browser finds no camera. Plug one in, then start again. ${file}`;
  }
  if (error.name === "NotReadableError") return `The camera can't be opened. Another program may use it. ${file}`;
  return `The camera can't be started: ${error.message}. ${file}`;
}
