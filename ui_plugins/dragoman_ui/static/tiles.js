// The tiles of a matrix on a canvas: the look of each, and painting at any size.
"use strict";

const STEPS = 20;
const NOTHING = -32768;
const NO_PAIR = 255;
const CORNERED = 9; // pixels of a tile from which its corner has the colour of its partition

// Marks of tiles without a number, where they are too small for text: a line over a tile of one by one.
const RISING = [0, 1, 1, 0], FALLING = [0, 0, 1, 1];
const STROKES = { rising: [RISING], falling: [FALLING], level: [[0, 0.5, 1, 0.5]], upright: [[0.5, 0, 0.5, 1]], crossed: [RISING, FALLING] };
const DOTS = { dotted: 4, speck: 9 }; // or a dot of this part of its width
const LOOKS = { ...STATES, "s-no-base": { hatching: "speck" } };

// The bytes at an address; a published site, whose files can't be fetched, has a function of its own for that.
async function fetched(address) {
  const response = await fetch(address);
  return response.ok ? response.arrayBuffer() : Promise.reject(response.status);
}
const bytesAt = globalThis.publishedBytes ?? fetched;

// The bytes of /dragoman/drawing: its head, and one column for each property of a pair, row by row.
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

function tilesOf(matrix, place) {
  const { sources, targets, value, other, partition, state, significant } = matrix;
  const { only, show } = place.dataset;
  const width = targets.length, height = sources.length, count = width * height;

  const difference = (index) => {
    const [own, theirs] = [value(index), other(index)];
    return own === null || theirs === null ? null : matrix.sign * (own - theirs);
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
  const occurring = new Set(looks);

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
  const isCornered = show !== "partition"; // tiles have the colour of their partition in a corner, where there is room

  // The style sheet has the colours: one probe element for each look reads them, in light and in dark.
  function colours() {
    const probes = document.createElement("div");
    probes.className = "steps";
    probes.hidden = true;
    place.append(probes);
    const found = new Map();
    for (const look of occurring) {
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
    const fixed = { ink: resolve("--ink"), alarm: resolve("--alarm"), quiet: resolve("--quiet"), surface: resolve("--surface") };
    fixed.partitions = matrix.partitions.map((name) => {
      probes.className = `steps in-${name}`;
      return resolve("--part");
    });
    probes.remove();
    return [found, fixed];
  }

  function tile(pen, look, [left, top, across, down], size, [found, fixed]) {
    pen.fillStyle = found.get(look)[0];
    pen.fillRect(left, top, across, down);
    const { hatching, isAlarm } = LOOKS[look] ?? {};
    pen.strokeStyle = pen.fillStyle = isAlarm ? fixed.alarm : fixed.quiet;
    pen.beginPath();
    if (hatching in STROKES) {
      for (const line of STROKES[hatching]) {
        const [x1, y1, x2, y2] = line.map((share) => share * size);
        pen.moveTo(left + x1, top + y1);
        pen.lineTo(left + x2, top + y2);
      }
      pen.stroke();
    } else if (hatching in DOTS) {
      pen.arc(left + size / 2, top + size / 2, Math.max(0.7, size / DOTS[hatching]), 0, 7);
      pen.fill();
    }
  }

  function corner(pen, [left, top], size, fixed, colour) {
    for (const [leg, fill] of [[Math.min(9, size * 0.42) + 1.2, fixed.surface], [Math.min(9, size * 0.42), colour]]) {
      pen.fillStyle = fill;
      pen.beginPath();
      pen.moveTo(left, top);
      pen.lineTo(left + leg, top);
      pen.lineTo(left, top + leg);
      pen.fill();
    }
  }

  // Paints all tiles onto a canvas, `size` pixels of the page each.
  function paint(sheet, size, ratio) {
    const known = colours(), [found, fixed] = known;
    sheet.width = Math.round(width * size * ratio);
    sheet.height = Math.round(height * size * ratio);
    const pen = sheet.getContext("2d");
    pen.scale(ratio, ratio);
    const edge = (place) => Math.round(place * size * ratio) / ratio; // tiles begin at whole pixels of the screen
    looks.forEach((look, index) => {
      if (!look) return;
      const [x, y] = [index % width, Math.floor(index / width)];
      const [left, top] = [edge(x), edge(y)];
      pen.globalAlpha = only && matrix.partitions[partition[index]] !== only ? 0.12 : 1;
      tile(pen, look, [left, top, edge(x + 1) - left, edge(y + 1) - top], size, known);
      if (isCornered && size >= CORNERED) corner(pen, [left, top], size, fixed, fixed.partitions[partition[index]]);
      if (significant[index] && !look.startsWith("s-")) {
        pen.fillStyle = found.get(look)[1];
        pen.beginPath();
        pen.arc(left + size / 2, top + size / 2, Math.max(0.8, size / 7), 0, 7);
        pen.fill();
      }
    });
    pen.globalAlpha = 0.8;
    pen.fillStyle = fixed.ink;
    for (const [x, y, right] of isOutlined ? lines : []) {
      if (right) pen.fillRect((x + 1) * size - 0.5, y * size, 1, size);
      else pen.fillRect(x * size, (y + 1) * size - 0.5, size, 1);
    }
  }

  // Paints one tile of a kind, for the legend.
  function swatch(sheet, look, size, ratio) {
    sheet.width = sheet.height = size * ratio;
    const pen = sheet.getContext("2d");
    pen.scale(ratio, ratio);
    tile(pen, look, [0, 0, size, size], size, colours());
    return sheet;
  }

  return { sources, targets, difference, occurring, isOutlined, isCornered, paint, swatch, ink: () => colours()[1].ink };
}
