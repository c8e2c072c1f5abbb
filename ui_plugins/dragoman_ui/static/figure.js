// Charts to take away: each figure of a page as SVG, or as PNG.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight", "text-anchor", "dominant-baseline"];
const SHARPNESS = 2;

// A heat map that is written as a table, drawn.
function ofTable(table) {
  const origin = table.getBoundingClientRect();
  const svg = document.createElementNS(SVG, "svg");
  const add = (kind, attributes, text = "") => {
    const node = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    svg.append(node);
  };
  const ink = getComputedStyle(document.body).color;
  for (const cell of table.querySelectorAll("td:not(.gap):not(.corner)")) {
    const box = cell.getBoundingClientRect();
    const style = getComputedStyle(cell);
    const [x, y] = [box.left - origin.left, box.top - origin.top];
    add("rect", { x, y, width: box.width, height: box.height, fill: style.backgroundColor });
    for (const [side, x1, y1, x2, y2] of [["et", 0, 0, 1, 0], ["er", 1, 0, 1, 1], ["eb", 0, 1, 1, 1], ["el", 0, 0, 0, 1]]) {
      if (cell.classList.contains(side)) add("line", { x1: x + x1 * box.width, y1: y + y1 * box.height, x2: x + x2 * box.width, y2: y + y2 * box.height, stroke: ink, "stroke-width": 1.5 });
    }
    add("text", { x: x + box.width / 2, y: y + box.height / 2, fill: style.color, "font-size": 12, "text-anchor": "middle", "dominant-baseline": "central" }, cell.textContent.trim());
  }
  for (const head of table.querySelectorAll("th")) {
    const box = head.getBoundingClientRect();
    const isRow = head.scope === "row";
    const [x, y] = [isRow ? box.right - origin.left - 8 : box.left - origin.left + box.width / 2, box.top - origin.top + (isRow ? box.height / 2 : box.height - 8)];
    add("text", { x, y, fill: ink, "font-size": 12, "text-anchor": isRow ? "end" : "middle", "dominant-baseline": isRow ? "central" : "auto" }, isRow ? head.textContent.replace(/\s+/g, " ").trim() : head.textContent.trim());
  }
  size(svg, table.offsetWidth, table.offsetHeight);
  return svg;
}

// A drawing of the page with the colours that its style sheet gives it.
function ofDrawing(drawn) {
  const svg = drawn.cloneNode(true);
  const [from, to] = [drawn, svg].map((each) => [each, ...each.querySelectorAll("*")]);
  from.forEach((node, index) => {
    const style = getComputedStyle(node);
    for (const name of KEPT) to[index].setAttribute(name, style.getPropertyValue(name));
    to[index].removeAttribute("class");
  });
  const box = drawn.getBoundingClientRect();
  size(svg, box.width, box.height);
  return svg;
}

function size(svg, width, height) {
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  if (!svg.hasAttribute("viewBox")) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("font-family", "system-ui, sans-serif");
}

async function painted(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = svg.getAttribute("width") * SHARPNESS;
  canvas.height = svg.getAttribute("height") * SHARPNESS;
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(document.body).backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const asBlob = (canvas) => new Promise((done) => { canvas.toBlob(done, "image/png"); });

function forms(figure) {
  const canvas = figure.querySelector("canvas");
  if (canvas) return { png: () => asBlob(canvas) };
  const svg = () => (figure.querySelector("table.matrix") ? ofTable(figure.querySelector("table.matrix")) : ofDrawing(figure.querySelector("svg.chart")));
  return {
    svg: () => new Blob([new XMLSerializer().serializeToString(svg())], { type: "image/svg+xml" }),
    png: async () => asBlob(await painted(svg())),
  };
}

function offer(figure) {
  const tools = document.createElement("p");
  tools.className = "take";
  for (const [form, make] of Object.entries(forms(figure))) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = form.toUpperCase();
    button.setAttribute("aria-label", `The chart as ${form.toUpperCase()}`);
    button.addEventListener("click", async () => save(await make(), `${figure.dataset.figure}.${form}`));
    tools.append(button);
  }
  figure.append(tools);
}

document.querySelectorAll("[data-figure]").forEach(offer);
document.addEventListener("dragoman-renewed", (event) => {
  event.target.querySelectorAll("[data-figure]").forEach(offer);
});
