// The sides of a matrix on a canvas: language codes, and bands of families and scripts; both stay in sight.
"use strict";

const CODE = 9; // pixels of a tile from which each language has its code in one line; below, codes are staggered
const LEVELS = 2; // lines of codes at most: of smaller tiles none has room
const FAMILY = 7, SCRIPT = 5, GAP = 2; // pixels of the bands and between them
const NAMED = 15; // pixels for the names of groups
const HUES = 8; // colours of the largest groups; the rest share one

// The languages of one side that stand side by side and are of one group: [name, first, after the last].
function runs(tags, group) {
  const found = [];
  tags.forEach((tag, place) => {
    if (found.length && found.at(-1)[0] === group[tag]) found.at(-1)[2] = place + 1;
    else found.push([group[tag], place, place + 1]);
  });
  return found;
}

// The class of each group's colour: the largest have their own.
function hues(tags, group) {
  const counts = new Map();
  for (const tag of tags) counts.set(group[tag], (counts.get(group[tag]) ?? 0) + 1);
  const order = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  return { order, look: new Map(order.map(([name], place) => [name, place < HUES ? `b-${place}` : "b-rest"])) };
}

function axesOf(matrix, place) {
  const { sources, targets, families, scripts } = matrix;
  const every = [...new Set([...sources, ...targets])];
  const kinds = [["Families", families, FAMILY], ["Scripts", scripts, SCRIPT]].map(([title, group, width]) => ({ title, group, width, ...hues(every, group) }));
  const named = { family: families, script: scripts }[place.dataset.order]; // groups stand together in this order
  const longest = Math.max(...every.map((tag) => measured(tag, CODE)));

  const levels = (size) => Math.ceil(CODE / size);
  const codeSize = (size) => Math.max(CODE - 0.5, Math.min(11, size - 1));
  const hasCodes = (size) => levels(size) <= LEVELS;
  function depth(size) {
    const codes = hasCodes(size) ? (longest * codeSize(size) / CODE + 4) * levels(size) + 2 : 0;
    return Math.ceil(codes + FAMILY + SCRIPT + 2 * GAP + (named ? NAMED : 0)) + 2;
  }

  function colours() {
    const probes = document.createElement("div");
    place.append(probes);
    const read = (look, property) => {
      probes.className = look;
      return getComputedStyle(probes)[property];
    };
    const looks = new Map([...Array(HUES).keys(), "rest"].map((hue) => [`b-${hue}`, read(`b-${hue}`, "backgroundColor")]));
    probes.className = "";
    const inks = ["--ink", "--quiet"].map((name) => { probes.style.color = `var(${name})`; return getComputedStyle(probes).color; });
    probes.remove();
    return { looks, ink: inks[0], quiet: inks[1] };
  }

  // One side: `u` runs along it, `v` towards the tiles.
  function side(pen, tags, size, found, chosen, isLeft) {
    const fill = (u, v, along, deep) => (isLeft ? pen.fillRect(v, u, deep, along) : pen.fillRect(u, v, along, deep));
    // across: written towards the tiles, ending there; else along the side
    const write = (text, u, v, isAcross) => {
      pen.save();
      pen.translate(...(isLeft ? [v, u] : [u, v]));
      if (isAcross !== isLeft) pen.rotate(-Math.PI / 2);
      pen.textAlign = isLeft ? "right" : "left";
      pen.fillText(text, 0, 0);
      pen.restore();
    };
    let at = depth(size) - 1;
    for (const { group, width, look } of [...kinds].reverse()) {
      at -= width;
      for (const [name, from, to] of runs(tags, group)) {
        pen.fillStyle = found.looks.get(look.get(name));
        fill(from * size, at, (to - from) * size - (named === group && to < tags.length ? 1 : 0), width);
      }
      at -= GAP;
    }
    pen.textBaseline = "middle";
    if (hasCodes(size)) {
      const type = codeSize(size), step = longest * type / CODE + 4;
      tags.forEach((tag, index) => {
        pen.font = `${index === chosen ? "700 " : ""}${type}px ${TYPE}`;
        pen.fillStyle = index === chosen ? found.ink : found.quiet;
        write(tag, (index + 0.5) * size, at - (index % levels(size)) * step, true);
      });
    }
    if (!named) return;
    pen.font = `11px ${TYPE}`;
    pen.fillStyle = found.ink;
    for (const [name, from, to] of runs(tags, named)) {
      if (measured(name, 11) + 4 < (to - from) * size) write(name, from * size + 1, NAMED / 2, false);
    }
  }

  // Both sides, by the pens of the targets' and of the sources'.
  function draw([across, down], size, at = null) {
    const found = colours();
    side(across, targets, size, found, at?.[1], false);
    side(down, sources, size, found, at?.[0], true);
  }

  function paint(canvases, size, ratio, at = null) {
    const whole = depth(size);
    const put = (canvas, width, height) => {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      return pen;
    };
    draw([put(canvases.targets, targets.length * size, whole), put(canvases.sources, whole, sources.length * size)], size, at);
    const corner = put(canvases.corner, whole, whole);
    corner.font = `10px ${TYPE}`;
    corner.fillStyle = colours().quiet;
    corner.textAlign = "right";
    if (whole < 62) return;
    corner.fillText("target →", whole - 6, whole - 20);
    corner.fillText("source ↓", whole - 6, whole - 7);
  }

  // What the colours of the bands mean.
  function explain(list) {
    list.replaceChildren(...kinds.filter(({ order }) => order.length > 1).map(({ title, order, look }) => {
      const line = document.createElement("ul");
      line.setAttribute("aria-label", title);
      const head = document.createElement("li");
      head.innerHTML = "<b></b>";
      head.firstChild.textContent = title;
      const rest = order.slice(HUES), shown = order.slice(0, HUES);
      if (rest.length) shown.push([`${rest.length} more`, rest.reduce((sum, [, count]) => sum + count, 0)]);
      line.append(head, ...shown.map(([name, count], index) => {
        const item = document.createElement("li"), swatch = document.createElement("i");
        swatch.className = index < HUES ? look.get(name) : "b-rest";
        item.append(swatch, `${name} (${count})`);
        return item;
      }));
      return line;
    }));
    list.hidden = !list.childElementCount;
  }

  return { depth, draw, paint, explain, families };
}
