"use strict";
(() => {
  const sets = JSON.parse(document.getElementById("data").textContent).sets;
  const at = (id) => document.getElementById(id);
  const [setBox, sceneBox, leftBox, rightBox, zoomBox] = ["set", "scene", "left", "right", "zoom"].map(at);
  const [stage, under, over, slider, frame] = ["stage", "under", "over", "slider", "frame"].map(at);

  const fill = (box, names, wanted) => {
    box.replaceChildren(...names.map((name, index) => new Option(name, String(index))));
    const found = names.indexOf(wanted);
    box.value = String(Math.max(0, found));
    return found >= 0;
  };
  const name = (box) => (box.selectedOptions[0] ? box.selectedOptions[0].textContent : "");
  const theSet = () => sets[Number(setBox.value)];
  const theScene = () => theSet().scenes[Number(sceneBox.value)];
  const columns = (set) => [...set.models, ...set.sources];

  function picture(box) {
    const set = theSet(), scene = theScene(), index = Number(box.value);
    if (index < set.models.length) {
      const made = scene.made[set.models[index]];
      return { path: made ? made[0] : null, values: made ? made[1] : [] };
    }
    return { path: scene.sources[index - set.models.length] ?? null, values: [] };
  }

  function chooseSet(scene, left, right) {
    const set = theSet(), names = columns(set);
    fill(sceneBox, set.scenes.map((one) => one.name), scene);
    fill(leftBox, names, left);
    if (!fill(rightBox, names, right)) rightBox.value = String(Math.min(1, names.length - 1));
    show();
  }

  function show() {
    const left = picture(leftBox), right = picture(rightBox), missing = [];
    for (const [image, one, box] of [[over, left, leftBox], [under, right, rightBox]]) {
      image.alt = `${name(box)}, scene ${name(sceneBox)} of ${theSet().name}`;
      image.hidden = !one.path;
      if (one.path) image.src = one.path;
      else { image.removeAttribute("src"); missing.push(name(box)); }
    }
    at("problem").textContent = missing.length ? `No picture of this scene: ${missing.join(", ")}.` : "";
    at("tag-left").textContent = name(leftBox);
    at("tag-right").textContent = name(rightBox);
    figures(left, right);
    size();
    remember();
  }

  function figures(left, right) {
    const rows = [["", ...theSet().metrics.map((metric) => metric.head)]];
    const better = (mine, other, metric) =>
      mine != null && other != null && (metric.better === "higher" ? mine > other : mine < other);
    for (const [box, one, other] of [[leftBox, left, right], [rightBox, right, left]]) {
      if (one.values.length) rows.push([name(box), ...one.values.map((value, i) =>
        [value == null ? "–" : digits(value), better(value, other.values[i], theSet().metrics[i])])]);
    }
    at("figures").replaceChildren(...(rows.length > 1 ? rows : []).map((cells, r) => {
      const line = document.createElement("tr");
      cells.forEach((cell, c) => {
        const box = document.createElement(r && c ? "td" : "th");
        if (box.tagName === "TH") box.scope = r ? "row" : "col";
        const [text, wins] = Array.isArray(cell) ? cell : [cell, false];
        box.textContent = text;
        if (wins) box.className = "better";
        line.append(box);
      });
      return line;
    }));
  }

  const digits = (value) => (Math.abs(value) >= 0.01 || value === 0 ? value.toFixed(3) : value.toPrecision(3));

  function size() {
    const image = over.hidden ? under : over;
    const width = image.naturalWidth, height = image.naturalHeight;
    if (!width) return;
    const zoom = zoomBox.value;
    const room = frame.parentElement.clientWidth;
    // Small pictures fill the room, at most four times as large; none is higher than the window.
    const scale = zoom === "fit" ? Math.min(room / width, (0.8 * innerHeight) / height, 4) : Number(zoom);
    stage.style.width = `${width * scale}px`;
    slider.style.width = `${Math.min(width * scale, room)}px`;
    stage.style.height = `${height * scale}px`;
    stage.classList.toggle("enlarged", scale >= 2);
    stage.classList.toggle("panned", zoom !== "fit");
  }

  const slide = (percent) => {
    slider.value = String(Math.min(100, Math.max(0, percent)));
    stage.style.setProperty("--at", `${slider.value}%`);
  };

  function remember() {
    const state = new URLSearchParams({ set: name(setBox), scene: name(sceneBox), left: name(leftBox), right: name(rightBox) });
    try { history.replaceState(null, "", `#${state}`); } catch { /* some browsers forbid it for files */ }
  }

  function step(by) {
    const count = theSet().scenes.length;
    sceneBox.value = String((Number(sceneBox.value) + by + count) % count);
    show();
  }

  function swap() {
    [leftBox.value, rightBox.value] = [rightBox.value, leftBox.value];
    show();
  }

  over.addEventListener("load", size);
  under.addEventListener("load", size);
  addEventListener("resize", size);
  slider.addEventListener("input", () => slide(Number(slider.value)));
  const follow = (event) => {
    const box = stage.getBoundingClientRect();
    slide((100 * (event.clientX - box.left)) / box.width);
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    stage.setPointerCapture(event.pointerId);
    follow(event);
  });
  stage.addEventListener("pointermove", (event) => { if (event.buttons) follow(event); });
  stage.addEventListener("dragstart", (event) => event.preventDefault());
  setBox.addEventListener("change", () => chooseSet(null, name(leftBox), name(rightBox)));
  for (const box of [sceneBox, leftBox, rightBox]) box.addEventListener("change", show);
  zoomBox.addEventListener("change", size);
  at("previous").addEventListener("click", () => step(-1));
  at("next").addEventListener("click", () => step(1));
  at("swap").addEventListener("click", swap);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    const action = { n: () => step(1), p: () => step(-1), x: swap }[event.key];
    if (action) { action(); event.preventDefault(); }
  });
  frame.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || zoomBox.value !== "fit") return;
    slide(Number(slider.value) + by);
    event.preventDefault();
  });

  for (const table of document.querySelectorAll("table.ranking")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const first = head.firstElementChild.dataset.first === "up" ? "ascending" : "descending";
      const order = now ? (now === "ascending" ? "descending" : "ascending") : first;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const value = (row) => row.cells[column].dataset.value;
      const compare = (a, b) => {
        if (!column) return sign * a.cells[0].textContent.localeCompare(b.cells[0].textContent);
        const [x, y] = [value(a), value(b)];
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
        return sign * (Number(x) - Number(y));
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(compare));
    }));
  }

  const wanted = new URLSearchParams(location.hash.slice(1));
  fill(setBox, sets.map((set) => set.name), wanted.get("set"));
  const set = theSet();
  chooseSet(wanted.get("scene"), wanted.get("left") ?? set.models[0], wanted.get("right") ?? set.models[1] ?? set.sources.at(-1));
  slide(50);
})();
