// The heat map of a grid with so many languages that its tiles are drawn, not written.
"use strict";

for (const drawing of document.querySelectorAll("[data-matrix-of]")) {
  const wait = drawing.querySelector("[data-wait]");
  fetch(drawing.dataset.matrixOf)
    .then((response) => (response.ok ? response.json() : response.json().then(({ message }) => Promise.reject(message))))
    .then((matrix) => { wait.remove(); draw(drawing, matrix); })
    .catch((reason) => { wait.textContent = `The pairs can't be shown: ${reason}`; });
}

function draw(drawing, { sources, targets, names, worst, best, tiles }) {
  const canvas = drawing.querySelector("canvas");
  const said = document.getElementById("at");
  const { metric, only } = drawing.dataset;
  const room = document.querySelector(".map").clientWidth - 60;
  const size = Math.max(4, Math.min(10, Math.floor(room / targets.length)));
  let at = null;

  const ticks = document.querySelector(".ticks");
  if (ticks) {
    ticks.replaceChildren(...[0, 1, 2, 3, 4].map((quarter) => {
      const tick = document.createElement("span");
      tick.textContent = (worst + (best - worst) * quarter / 4).toFixed(0);
      return tick;
    }));
  }

  // The style sheet has the colours: one probe for each look asks for them, in light and in dark.
  function colours() {
    const probes = document.createElement("div");
    probes.className = "steps";
    probes.hidden = true;
    drawing.append(probes);
    const found = new Map();
    for (const look of new Set(tiles.flat().filter(Boolean).map(([look]) => look))) {
      const probe = document.createElement("i");
      probe.className = look;
      probes.append(probe);
      found.set(look, getComputedStyle(probe).backgroundColor);
    }
    const resolve = (name) => {
      probes.style.color = `var(${name})`;
      return getComputedStyle(probes).color;
    };
    const fixed = { ink: resolve("--ink"), alarm: resolve("--alarm"), quiet: resolve("--quiet") };
    probes.remove();
    return [found, fixed];
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    const [found, fixed] = colours();
    canvas.width = targets.length * size * ratio;
    canvas.height = sources.length * size * ratio;
    canvas.style.width = `${targets.length * size}px`;
    canvas.style.height = `${sources.length * size}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    tiles.forEach((row, y) => row.forEach((tile, x) => {
      if (!tile) return;
      const [look, partition, state, value] = tile;
      pen.globalAlpha = only && partition !== only ? 0.12 : 1;
      pen.fillStyle = found.get(look);
      pen.fillRect(x * size, y * size, size, size);
      if (value !== null || look.startsWith("p-")) return;
      // without a score: a stroke, against the grain where it failed
      pen.strokeStyle = state === "failed" ? fixed.alarm : fixed.quiet;
      pen.beginPath();
      pen.moveTo(x * size, y * size + (state === "failed" ? 0 : size));
      pen.lineTo((x + 1) * size, y * size + (state === "failed" ? size : 0));
      pen.stroke();
    }));
    pen.globalAlpha = 1;
    if (at) {
      pen.lineWidth = 2;
      pen.strokeStyle = fixed.ink;
      pen.strokeRect(at[1] * size - 1, at[0] * size - 1, size + 2, size + 2);
    }
  }

  const number = (value) => value.toFixed(1);
  function describe([y, x]) {
    const [, partition, state, value, low, high, base, reason] = tiles[y][x];
    const figures = [partition.replaceAll("_", " ")];
    if (value === null) figures.push(reason ? `${state}, ${reason}` : state);
    else figures.push(`${metric} ${number(value)}` + (low === null ? "" : `, 95% interval ${number(low)} to ${number(high)}`));
    if (value !== null && base !== null) figures.push(`base ${number(base)}, difference ${number(value - base)}`);
    return [`${names[sources[y]]} to ${names[targets[x]]}`, figures];
  }

  function move(place) {
    at = place && tiles[place[0]]?.[place[1]] ? place : null;
    paint();
    if (!at) { hideTip(); return; }
    const [pair, figures] = describe(at);
    const box = canvas.getBoundingClientRect();
    said.textContent = `${pair}: ${figures.join("; ")}`;
    showTip(pair, figures, new DOMRect(box.left + at[1] * size, box.top + at[0] * size, size, size));
  }

  function open() {
    const query = new URLSearchParams({ source: sources[at[0]], target: targets[at[1]] });
    location.assign(`${drawing.dataset.sentences}&${query}`);
  }

  const under = (event) => [Math.floor(event.offsetY / size), Math.floor(event.offsetX / size)];
  canvas.addEventListener("pointermove", (event) => {
    const place = under(event);
    if (String(place) !== String(at)) move(place);
  });
  canvas.addEventListener("pointerleave", () => move(null));
  canvas.addEventListener("click", (event) => { move(under(event)); if (at) open(); });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && at) open();
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    let [y, x] = at ?? [0, -step[1]];
    do { y += step[0]; x += step[1]; } while (tiles[y] && x in tiles[y] && !tiles[y][x]);
    if (tiles[y]?.[x]) move([y, x]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
}
