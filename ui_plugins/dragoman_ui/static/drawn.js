// SVG export of figures: a matrix in HTML, one on a canvas, or a chart of the page.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight", "text-anchor", "dominant-baseline"];
const SHARPNESS = 2;
const TYPE = "system-ui, sans-serif";
const GREY = "#767676", RED = "#b3261e";

// The style sheet's hatching of tiles without a number, in squares of six.
const LINES = {
  rising: { d: "M-1,1l2,-2M0,6l6,-6M5,7l2,-2" },
  falling: { d: "M-1,5l2,2M0,0l6,6M5,-1l2,2" },
  level: { d: "M0,3h6" },
  upright: { d: "M3,0v6" },
  crossed: { d: "M-1,1l2,-2M0,6l6,-6M5,7l2,-2M-1,5l2,2M0,0l6,6M5,-1l2,2" },
  dotted: { d: "M2.2,3h1.6", "stroke-width": 1.6 },
};
const hatched = Object.entries(STATES).filter(([, { hatching }]) => hatching in LINES);
const HATCHES = Object.fromEntries(hatched.map(([look, { hatching, isAlarm }]) => [look, { ...LINES[hatching], stroke: isAlarm ? RED : GREY }]));

const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });

// A colour as #rrggbb, which every program reads, unlike the notations of style sheets.
const known = new Map();
function plain(colour) {
  if (!known.has(colour)) {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    known.set(colour, `#${[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part.toString(16).padStart(2, "0")).join("")}`);
  }
  return known.get(colour);
}

function measured(text, size) {
  pen.font = `${size}px ${TYPE}`;
  return pen.measureText(text).width;
}

function element(kind, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, typeof value === "number" ? Number(value.toFixed(2)) : value);
  made.textContent = text;
  return made;
}

function hatches() {
  const defined = element("defs");
  for (const [look, stroke] of Object.entries(HATCHES)) {
    const pattern = element("pattern", { id: look, width: 6, height: 6, patternUnits: "userSpaceOnUse" });
    pattern.append(element("path", { fill: "none", "stroke-width": 1, ...stroke }));
    defined.append(pattern);
  }
  return defined;
}

const HALO = { stroke: "#fff", "stroke-width": 3, "paint-order": "stroke" }; // keeps text on hatching legible

// A tile in the colour, and with the hatching, of a page's element.
function tileLike(shown, box) {
  const look = [...shown.classList].find((name) => name in HATCHES);
  const tile = element("rect", { ...box, fill: plain(getComputedStyle(shown).backgroundColor) });
  return look ? [tile, element("rect", { ...box, fill: `url(#${look})` })] : [tile];
}

function ofTable(table) {
  const pane = table.parentElement, scrolled = pane.scrollLeft;
  pane.scrollLeft = 0; // sticky headers would cover tiles
  const group = element("g"), origin = table.getBoundingClientRect();
  const ink = plain(getComputedStyle(document.body).color);
  const isTurned = !table.classList.contains("large");
  for (const cell of table.querySelectorAll("tbody td:not(.gap)")) {
    const { left, top, width, height } = cell.getBoundingClientRect();
    const [x, y] = [left - origin.left, top - origin.top];
    const style = getComputedStyle(cell);
    const tile = element("g", cell.classList.contains("dim") ? { opacity: 0.2 } : {});
    const size = parseFloat(style.fontSize);
    const filled = tileLike(cell, { x, y, width, height }), isHatched = filled.length > 1;
    tile.append(...filled);
    const colour = style.getPropertyValue("--part");
    if (colour) {
      const leg = Math.min(9, width * 0.3);
      tile.append(element("path", { d: `M${x.toFixed(2)},${y.toFixed(2)}h${leg.toFixed(2)}l${-leg.toFixed(2)},${leg.toFixed(2)}z`, fill: plain(colour), stroke: "#fff", "stroke-width": 0.8 }));
    }
    tile.append(element("text", { x: x + width / 2, y: y + height / 2, fill: plain(style.color), "font-size": size, "text-anchor": "middle", "dominant-baseline": "central", ...(isHatched ? HALO : {}) }, cell.textContent.trim()));
    group.append(tile);
  }
  for (const cell of table.querySelectorAll("tbody td:not(.gap)")) {
    const { left, top, width, height } = cell.getBoundingClientRect();
    const [x, y] = [left - origin.left, top - origin.top];
    for (const [side, x1, y1, x2, y2] of [["et", 0, 0, 1, 0], ["er", 1, 0, 1, 1], ["eb", 0, 1, 1, 1], ["el", 0, 0, 0, 1]]) {
      if (cell.classList.contains(side)) group.append(element("line", { x1: x + x1 * width, y1: y + y1 * height, x2: x + x2 * width, y2: y + y2 * height, stroke: ink, "stroke-width": 1.5 }));
    }
  }
  for (const head of table.querySelectorAll("th, .corner")) {
    const { left, right, top, width, height } = head.getBoundingClientRect();
    const text = head.textContent.replace(/\s+/g, " ").trim();
    if (head.tagName === "TH" && head.scope === "col") {
      const [x, y] = [left - origin.left + width / 2, top - origin.top + height - 6];
      const turn = isTurned ? { transform: `rotate(-90 ${x} ${y})`, "dominant-baseline": "central" } : {};
      group.append(element("text", { x, y, fill: ink, "font-size": 12, "text-anchor": isTurned ? "start" : "middle", ...turn }, text));
    } else {
      const isCorner = head.tagName !== "TH";
      const y = top - origin.top + (isCorner ? height - 6 : height / 2);
      group.append(element("text", { x: right - origin.left - 8, y, fill: isCorner ? GREY : ink, "font-size": isCorner ? 11 : 12, "text-anchor": "end", "dominant-baseline": isCorner ? "auto" : "central" }, text));
    }
  }
  pane.scrollLeft = scrolled;
  return { group, width: table.offsetWidth, height: table.offsetHeight };
}

// A pen of a canvas that writes SVG: as much of one as the sides of a matrix are drawn with.
class VectorPen {
  constructor(group) {
    Object.assign(this, { group, at: [0, 0], turn: 0, kept: [], fillStyle: "#000", font: "11px sans-serif", textAlign: "left" });
  }

  save() { this.kept.push([this.at, this.turn]); }

  restore() { [this.at, this.turn] = this.kept.pop(); }

  translate(x, y) { this.at = [this.at[0] + x, this.at[1] + y]; }

  rotate(angle) { this.turn += angle * 180 / Math.PI; }

  fillRect(x, y, width, height) {
    this.group.append(element("rect", { x, y, width, height, fill: plain(this.fillStyle) }));
  }

  fillText(text) {
    const [x, y] = this.at.map((place) => Number(place.toFixed(2)));
    const anchor = this.textAlign === "right" ? "end" : "start";
    const turn = this.turn ? { transform: `rotate(${this.turn} ${x} ${y})` } : {};
    this.group.append(element("text", { x, y, "font-size": parseFloat(this.font.match(/([\d.]+)px/)[1]), fill: plain(this.fillStyle), "text-anchor": anchor, "dominant-baseline": "central", ...turn }, text));
  }
}

// Tiles that are drawn: a picture of them, with the languages and bands along its sides.
function ofTiles({ sources, targets, paint }, axes) {
  const most = Math.max(sources.length, targets.length);
  const size = Math.max(most <= 300 ? 9 : 4, Math.min(24, Math.floor(1800 / most)));
  const beside = axes.depth(size);
  const [width, height] = [targets.length * size, sources.length * size];
  const sheet = document.createElement("canvas");
  paint(sheet, size, SHARPNESS);
  const group = element("g");
  group.append(element("image", { x: beside, y: beside, width, height, href: sheet.toDataURL() }));
  const sides = ["targets", "sources"].map((side) => element("g", { transform: side === "targets" ? `translate(${beside} 0)` : `translate(0 ${beside})` }));
  group.append(...sides);
  axes.draw(sides.map((side) => new VectorPen(side)), size);
  group.append(element("text", { x: 0, y: 10, "font-size": 10, fill: GREY }, "source ↓ target →"));
  return { group, width: Math.max(beside + width, 160), height: beside + height };
}

// A chart of the page with the colours that its style sheet gives it.
function ofChart(chart) {
  const copy = chart.cloneNode(true);
  const [from, to] = [chart, copy].map((each) => [...each.querySelectorAll("*")]);
  from.forEach((node, index) => {
    const style = getComputedStyle(node);
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      to[index].setAttribute(name, ["fill", "stroke"].includes(name) && value !== "none" ? plain(value) : value);
    }
    to[index].removeAttribute("class");
  });
  const group = element("g");
  group.append(...copy.childNodes);
  const { width, height } = chart.viewBox.baseVal;
  return { group, width, height };
}
