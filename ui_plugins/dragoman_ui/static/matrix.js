// The heat map of a grid with many languages, drawn on a canvas.
"use strict";

const SWATCH = 16;
const SMALLEST = 2; // pixels of a tile
const FRAME = 4; // pixels of the pane's borders, and to spare

for (const place of document.querySelectorAll("[data-matrix-of]")) {
  const wait = place.querySelector("[data-wait]");
  bytesAt(place.dataset.matrixOf)
    .then((bytes) => { const matrix = read(bytes); wait.remove(); draw(place, matrix); })
    .catch((reason) => { wait.textContent = `The pairs can't be shown: ${reason}`; });
}

// The legend shows what occurs: the numbers of the scale, states with their swatches, partitions.
function explain(legend, matrix, tiles) {
  const end = Math.max(Math.abs(matrix.worst), Math.abs(matrix.best));
  const digits = end >= 8 ? 0 : 1 - Math.min(0, Math.floor(Math.log10(end)));
  legend.querySelector(".ticks")?.replaceChildren(...[0, 1, 2, 3, 4].map((quarter) => {
    const number = matrix.worst + (matrix.best - matrix.worst) * quarter / 4;
    const tick = document.createElement("span");
    tick.textContent = (matrix.diverging && number > 0 ? "+" : "") + number.toFixed(digits);
    return tick;
  }));
  for (const item of legend.querySelectorAll("[data-state]")) item.hidden = !tiles.occurring.has(item.dataset.state);
  const present = new Set(Array.from(matrix.partition, (place) => `p-${matrix.partitions[place]}`));
  for (const chip of legend.querySelectorAll(".chip")) chip.parentElement.hidden = !present.has(chip.classList[1]);
  const outlined = legend.querySelector("[data-outlined]");
  if (outlined) outlined.hidden = !tiles.isOutlined;
}

function draw(place, matrix) {
  const { sources, targets, names, value, other, partition, state, significant } = matrix;
  const { metric } = place.dataset;
  const canvas = place.querySelector("[data-tiles]");
  const canvases = Object.fromEntries([...place.querySelectorAll("[data-side]")].map((each) => [each.dataset.side, each]));
  const legend = place.closest(".matrix-and-legend").querySelector(".legend");
  const said = document.getElementById("at");
  const width = targets.length, height = sources.length;
  const tiles = tilesOf(matrix, place), axes = axesOf(matrix, place);
  const pane = place.querySelector(".pane");
  const largest = Math.max(4, Math.min(24, Math.floor(8000 / Math.max(width, height) / devicePixelRatio)));
  const within = (wished) => Math.max(SMALLEST, Math.min(largest, wished));
  // The largest tiles with which the matrix, with its sides, is no wider, and no higher, than some pixels.
  const fitting = (across, down) => {
    let found = largest;
    while (found > SMALLEST && (axes.depth(found) + width * found > across || axes.depth(found) + height * found > down)) found -= 0.25;
    return found;
  };
  const fits = {
    width: () => fitting(place.clientWidth - FRAME, Infinity),
    whole: () => fitting(place.clientWidth - FRAME, innerHeight * 0.92 - FRAME),
  };
  const wished = Number.parseFloat(new URLSearchParams(location.search).get("tile"));
  let size = wished ? within(wished) : fits.width();
  let at = null, ink = "";
  const sheet = document.createElement("canvas");
  explain(legend, matrix, tiles);
  axes.explain(place.querySelector("[data-bands]"));

  function paint() {
    const ratio = devicePixelRatio || 1;
    tiles.paint(sheet, size, ratio);
    ink = tiles.ink();
    canvas.width = sheet.width;
    canvas.height = sheet.height;
    canvas.style.width = `${canvas.width / ratio}px`;
    canvas.style.height = `${canvas.height / ratio}px`;
    const cornered = legend.querySelector("[data-cornered]");
    if (cornered) cornered.hidden = !tiles.isCornered || size < CORNERED;
    for (const item of legend.querySelectorAll("[data-state]:not([hidden])")) {
      tiles.swatch(item.querySelector("canvas"), item.dataset.state, SWATCH, ratio);
    }
    mark();
  }

  function mark() {
    const pen = canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    axes.paint(canvases, size, ratio, at);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(sheet, 0, 0);
    if (!at) return;
    pen.scale(ratio, ratio);
    pen.globalAlpha = 0.35;
    pen.fillStyle = ink;
    pen.fillRect(0, at[0] * size - 0.5, width * size, 1);
    pen.fillRect(at[1] * size - 0.5, 0, 1, height * size);
    pen.globalAlpha = 1;
    pen.lineWidth = 2;
    pen.strokeStyle = ink;
    pen.strokeRect(at[1] * size - 1, at[0] * size - 1, size + 2, size + 2);
  }

  // The size of the tiles is part of the view: it goes into the address, and along with the form.
  function resize(wanted) {
    size = within(wanted);
    const address = new URL(location.href);
    address.searchParams.set("tile", size);
    history.replaceState(null, "", address);
    keep();
    paint();
  }

  function keep() {
    for (const form of document.querySelectorAll("[data-submit-on-change]")) {
      let kept = form.querySelector("[name=tile]");
      if (!kept) {
        kept = document.createElement("input");
        kept.type = "hidden";
        kept.name = "tile";
        form.append(kept);
      }
      kept.value = size;
    }
  }

  const figure = (number) => number.toFixed(Number(place.dataset.digits));
  function describe([y, x]) {
    const index = y * width + x;
    const own = value(index), gain = tiles.difference(index), why = matrix.reasons[index];
    const [low, high] = [matrix.low(index), matrix.high(index)];
    const figures = [matrix.partitions[partition[index]].replaceAll("_", " ")];
    const family = [sources[y], targets[x]].map((tag) => axes.families[tag]);
    if (own === null) figures.push([matrix.states[state[index]], why].filter(Boolean).join(", "));
    else figures.push(`${metric} ${figure(own)}` + (low === null ? "" : `, 95% interval ${figure(low)} to ${figure(high)}`));
    if (gain !== null) {
      const sure = significant[index] ? ", significant" : "";
      figures.push(`${place.dataset.other} ${figure(other(index))}, ${place.dataset.show === "difference" ? "difference" : "gain"} ${gain > 0 ? "+" : ""}${figure(gain)}${sure}`);
    }
    figures.push(family[0] === family[1] ? family[0] : family.join(" to "));
    return [`${names[sources[y]]} to ${names[targets[x]]}`, figures];
  }

  const isPair = ([y, x]) => y >= 0 && x >= 0 && y < height && x < width && state[y * width + x] !== NO_PAIR;

  function move(found) {
    at = found && isPair(found) ? found : null;
    mark();
    if (!at) { hideTip(); return; }
    const [pair, figures] = describe(at);
    const box = canvas.getBoundingClientRect();
    said.textContent = `${pair}: ${figures.join("; ")}`;
    showTip(pair, figures, new DOMRect(box.left + at[1] * size, box.top + at[0] * size, size, size));
  }

  function open() {
    if (!place.dataset.sentences) return; // a published site of so many pairs has no page for each
    const query = new URLSearchParams({ source: sources[at[0]], target: targets[at[1]] });
    location.assign(`${place.dataset.sentences}&${query}`);
  }

  const under = (event) => [Math.floor(event.offsetY / size), Math.floor(event.offsetX / size)];
  canvas.addEventListener("pointermove", (event) => {
    const found = under(event);
    if (String(found) !== String(at)) move(found);
  });
  canvas.addEventListener("pointerleave", () => move(null));
  canvas.addEventListener("click", (event) => { move(under(event)); if (at) open(); });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && at) open();
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    let [y, x] = at ?? [0, -step[1]];
    do { y += step[0]; x += step[1]; } while (y >= 0 && x >= 0 && y < height && x < width && !isPair([y, x]));
    if (!isPair([y, x])) return;
    const beside = axes.depth(size);
    pane.scrollTo(Math.min(pane.scrollLeft, x * size), Math.min(pane.scrollTop, y * size));
    pane.scrollTo(Math.max(pane.scrollLeft, (x + 1) * size + beside - pane.clientWidth), Math.max(pane.scrollTop, (y + 1) * size + beside - pane.clientHeight));
    move([y, x]);
  });
  for (const button of place.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => resize(Math.floor(size) + 2 * Number(button.dataset.zoom)));
  }
  for (const button of place.querySelectorAll("[data-fit]")) {
    button.addEventListener("click", () => {
      resize(fits[button.dataset.fit]());
      place.scrollIntoView({ block: button.dataset.fit === "whole" ? "start" : "nearest" });
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  if (wished) keep();
  paint();
  Object.assign(canvas, { tiles, axes }); // read by the export of figures
  place.dispatchEvent(new Event("dragoman-renewed", { bubbles: true }));
  performance.mark("dragoman-drawn");
}
