// The heat map of a grid with so many languages that its tiles are drawn, not written.
"use strict";

const STEPS = 20;
const NOTHING = -32768;
const NO_PAIR = 255;

for (const place of document.querySelectorAll("[data-matrix-of]")) {
  const wait = place.querySelector("[data-wait]");
  fetch(place.dataset.matrixOf)
    .then(async (response) => (response.ok ? read(await response.arrayBuffer()) : Promise.reject(response.status)))
    .then((matrix) => { wait.remove(); draw(place, matrix); })
    .catch((reason) => { wait.textContent = `The pairs can't be shown: ${reason}`; });
}

// The bytes of /dragoman/drawing: its head, and a column for each thing said of a pair, row by row.
function read(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const size = head.sources.length * head.targets.length;
  let at = 4 + length;
  const take = (Kind) => {
    const column = new Kind(buffer, at, size);
    at += column.byteLength;
    return column;
  };
  const number = (column) => (index) => (column[index] === NOTHING ? null : column[index] / head.factor);
  const numbers = Object.fromEntries(head.numbers.map((name) => [name, number(take(Int16Array))]));
  return { ...head, ...numbers, partition: take(Uint8Array), state: take(Uint8Array), significant: take(Uint8Array) };
}

function draw(place, matrix) {
  const { sources, targets, names, value, other, partition, state, significant } = matrix;
  const { metric, only, show } = place.dataset;
  const canvas = place.querySelector("canvas");
  const said = document.getElementById("at");
  const width = targets.length, height = sources.length, count = width * height;
  const room = place.clientWidth - 8;
  const largest = Math.max(4, Math.min(24, Math.floor(8000 / Math.max(width, height) / devicePixelRatio)));
  let size = Math.max(3, Math.min(10, largest, Math.floor(room / width)));
  let at = null;
  const sheet = document.createElement("canvas");

  const difference = (index) => {
    const [own, theirs] = [value(index), other(index)];
    return own === null || theirs === null ? null : own - theirs;
  };
  const shown = matrix.diverging ? difference : value;
  const looks = Array.from({ length: count }, (_, index) => {
    if (state[index] === NO_PAIR) return null;
    if (show === "partition") return `p-${matrix.partitions[partition[index]]}`;
    const number = shown(index);
    if (number === null) return `s-${value(index) === null ? matrix.states[state[index]] : "no-base"}`;
    const share = (number - matrix.worst) / (matrix.best - matrix.worst);
    return (matrix.diverging ? "d" : "q") + Math.round(STEPS * Math.min(1, Math.max(0, share)));
  });

  // Lines part the partitions, unless nearly every tile has a neighbour of another kind.
  const lines = [];
  for (let index = 0; index < count; index++) {
    const [x, y] = [index % width, Math.floor(index / width)];
    for (const [beside, right] of [[x + 1 < width ? index + 1 : -1, true], [y + 1 < height ? index + width : -1, false]]) {
      if (beside < 0 || state[index] === NO_PAIR || state[beside] === NO_PAIR) continue;
      if (partition[index] !== partition[beside]) lines.push([x, y, right]);
    }
  }
  const isOutlined = lines.length < count / 2;
  const note = document.querySelector("[data-said]");
  if (isOutlined && note) note.prepend("Lines part the partitions. ");

  const ticks = document.querySelector(".ticks");
  if (ticks) {
    const digits = Math.max(Math.abs(matrix.worst), Math.abs(matrix.best)) >= 8 ? 0 : 1;
    ticks.replaceChildren(...[0, 1, 2, 3, 4].map((quarter) => {
      const tick = document.createElement("span");
      tick.textContent = (matrix.worst + (matrix.best - matrix.worst) * quarter / 4).toFixed(digits);
      return tick;
    }));
  }

  // The style sheet has the colours: one probe for each look asks for them, in light and in dark.
  function colours() {
    const probes = document.createElement("div");
    probes.className = "steps";
    probes.hidden = true;
    place.append(probes);
    const found = new Map();
    for (const look of new Set(looks)) {
      if (!look) continue;
      const probe = document.createElement("i");
      probe.className = look;
      probes.append(probe);
      const { backgroundColor, color } = getComputedStyle(probe);
      found.set(look, [backgroundColor, color]);
    }
    const resolve = (name) => {
      probes.style.color = `var(${name})`;
      return getComputedStyle(probes).color;
    };
    const fixed = { ink: resolve("--ink"), alarm: resolve("--alarm"), quiet: resolve("--quiet") };
    probes.remove();
    return [found, fixed];
  }

  let fixed;
  function paint() {
    const ratio = window.devicePixelRatio || 1;
    let found;
    [found, fixed] = colours();
    for (const each of [sheet, canvas]) {
      each.width = width * size * ratio;
      each.height = height * size * ratio;
    }
    canvas.style.width = `${width * size}px`;
    canvas.style.height = `${height * size}px`;
    const pen = sheet.getContext("2d");
    pen.scale(ratio, ratio);
    looks.forEach((look, index) => {
      if (!look) return;
      const [left, top] = [index % width * size, Math.floor(index / width) * size];
      pen.globalAlpha = only && matrix.partitions[partition[index]] !== only ? 0.12 : 1;
      pen.fillStyle = found.get(look)[0];
      pen.fillRect(left, top, size, size);
      if (look.startsWith("s-")) {
        // without a number: a stroke, against the grain where it failed
        const failed = matrix.states[state[index]] === "failed";
        pen.strokeStyle = failed ? fixed.alarm : fixed.quiet;
        pen.beginPath();
        pen.moveTo(left, top + (failed ? 0 : size));
        pen.lineTo(left + size, top + (failed ? size : 0));
        pen.stroke();
      } else if (significant[index]) {
        pen.fillStyle = found.get(look)[1];
        pen.beginPath();
        pen.arc(left + size / 2, top + size / 2, Math.max(0.8, size / 7), 0, 7);
        pen.fill();
      }
    });
    pen.globalAlpha = 0.8;
    pen.fillStyle = fixed.ink;
    if (isOutlined) {
      for (const [x, y, right] of lines) {
        if (right) pen.fillRect((x + 1) * size - 0.5, y * size, 1, size);
        else pen.fillRect(x * size, (y + 1) * size - 0.5, size, 1);
      }
    }
    mark();
  }

  function mark() {
    const pen = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(sheet, 0, 0);
    if (!at) return;
    pen.scale(ratio, ratio);
    pen.globalAlpha = 0.35;
    pen.fillStyle = fixed.ink;
    pen.fillRect(0, at[0] * size - 0.5, width * size, 1);
    pen.fillRect(at[1] * size - 0.5, 0, 1, height * size);
    pen.globalAlpha = 1;
    pen.lineWidth = 2;
    pen.strokeStyle = fixed.ink;
    pen.strokeRect(at[1] * size - 1, at[0] * size - 1, size + 2, size + 2);
  }

  const figure = (number) => number.toFixed(1);
  function describe([y, x]) {
    const index = y * width + x;
    const own = value(index), gain = difference(index), why = matrix.reasons[index];
    const [low, high] = [matrix.low(index), matrix.high(index)];
    const figures = [matrix.partitions[partition[index]].replaceAll("_", " ")];
    if (own === null) figures.push([matrix.states[state[index]], why].filter(Boolean).join(", "));
    else figures.push(`${metric} ${figure(own)}` + (low === null ? "" : `, 95% interval ${figure(low)} to ${figure(high)}`));
    if (gain !== null) {
      const sure = significant[index] ? ", significant" : "";
      figures.push(`${place.dataset.other} ${figure(other(index))}, difference ${gain > 0 ? "+" : ""}${figure(gain)}${sure}`);
    }
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
    const pane = canvas.parentElement;
    pane.scrollTo(Math.min(pane.scrollLeft, x * size), Math.min(pane.scrollTop, y * size));
    pane.scrollTo(Math.max(pane.scrollLeft, (x + 1) * size - pane.clientWidth), Math.max(pane.scrollTop, (y + 1) * size - pane.clientHeight));
    move([y, x]);
  });
  for (const button of place.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      size = Math.max(3, Math.min(largest, size + 2 * Number(button.dataset.zoom)));
      paint();
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
  performance.mark("dragoman-drawn");
}
