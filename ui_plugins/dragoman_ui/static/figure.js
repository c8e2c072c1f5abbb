// Downloads of charts: each figure of a page, with its title, its scale and its notes, as SVG or PNG.
"use strict";

const MARGIN = 16, NARROWEST = 480;

// Figures are for paper: dark on white, whatever the page looks like.
function inLight(make) {
  const { style } = document.documentElement, kept = style.colorScheme;
  style.colorScheme = "light";
  try { return make(); } finally { style.colorScheme = kept; }
}

function drawn(section) {
  const table = section.querySelector("table.matrix"), canvas = section.querySelector("canvas[data-tiles]");
  return table ? ofTable(table) : canvas ? ofTiles(canvas.tiles, canvas.axes) : ofChart(section.querySelector("svg.chart"));
}

// Lines of a text that are no wider than some pixels.
function wrapped(text, width, size) {
  const lines = [];
  for (const word of text.replace(/\s+/g, " ").trim().split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && measured(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// The legend: the scale, and the swatches of tiles without a number and of partitions, as on the page.
function keyOf(section, width) {
  const group = element("g");
  let y = 0;
  const unit = section.querySelector(".scale .unit");
  if (unit) {
    group.append(element("text", { x: 0, y: 9, "font-size": 11 }, unit.textContent));
    y = 16;
  }
  const steps = [...section.querySelectorAll(".scale .steps i")], ticks = [...section.querySelectorAll(".scale .ticks span")];
  const step = 280 / steps.length;
  steps.forEach((each, index) => group.append(...tileLike(each, { x: index * step, y, width: step + 0.3, height: 12 })));
  ticks.forEach((tick, index) => {
    const place = index / (ticks.length - 1), anchor = place === 0 ? "start" : place === 1 ? "end" : "middle";
    group.append(element("text", { x: 280 * place, y: y + 26, "font-size": 11, "text-anchor": anchor }, tick.textContent));
  });
  if (steps.length) y += 40;
  const shown = section.querySelectorAll(".states li:not([hidden]), .chips li:not([hidden]), .bands li:has(i)");
  let x = 0;
  for (const item of shown) {
    const swatch = item.querySelector("canvas, i, .chip"), mark = swatch.matches("i") ? swatch.textContent.trim() : "";
    const text = item.textContent.replace(/\s+/g, " ").trim().slice(mark.length).trim();
    const length = 42 + measured(text, 11) + 18;
    if (x && x + length > width) { x = 0; y += 24; }
    if (swatch.matches("canvas")) {
      const { tiles } = section.querySelector("canvas[data-tiles]");
      const sheet = tiles.swatch(document.createElement("canvas"), item.dataset.state, 16, SHARPNESS);
      group.append(element("image", { x: x + 20, y, width: 16, height: 16, href: sheet.toDataURL() }));
    } else {
      group.append(...tileLike(swatch, { x, y, width: 36, height: 16 }));
    }
    group.append(element("text", { x: x + 18, y: y + 8, "font-size": 10, "text-anchor": "middle", "dominant-baseline": "central", ...HALO }, mark));
    group.append(element("text", { x: x + 42, y: y + 8, "font-size": 11, "dominant-baseline": "central" }, text));
    x += length;
  }
  return { group, height: shown.length ? y + 26 : y };
}

function plate(section) {
  const body = drawn(section), width = Math.max(body.width, NARROWEST);
  const ink = plain(getComputedStyle(document.body).color);
  const svg = element("svg", { xmlns: SVG, "font-family": TYPE, fill: ink });
  let y = MARGIN;
  const put = (group, height) => {
    group.setAttribute("transform", `translate(${MARGIN} ${y.toFixed(2)})`);
    svg.append(group);
    y += height;
  };
  const write = (text, size, weight) => {
    for (const line of wrapped(text, width, size)) {
      put(element("text", { y: size, "font-size": size, "font-weight": weight }, line), size * 1.4);
    }
  };
  svg.append(hatches());
  write(section.dataset.title, 15, 600);
  y += 8;
  put(body.group, body.height + 14);
  const key = keyOf(section, width);
  put(key.group, key.height);
  const beside = document.getElementById(section.getAttribute("aria-describedby"));
  for (const note of [...section.querySelectorAll("[data-caption]:not([hidden])"), beside]) if (note) write(note.textContent, 11, 400);
  const [across, down] = [width + 2 * MARGIN, Math.ceil(y + MARGIN)];
  svg.prepend(element("title", {}, section.dataset.title), element("desc", {}, said(section)), about(section), element("rect", { width: across, height: down, fill: "#fff" }));
  for (const [name, value] of Object.entries({ width: across, height: down, viewBox: `0 0 ${across} ${down}` })) svg.setAttribute(name, value);
  return svg;
}

// What is drawn, and what it was measured on: the notes below a figure.
function said(section) {
  const beside = document.getElementById(section.getAttribute("aria-describedby"));
  const notes = [...section.querySelectorAll("[data-caption]:not([hidden])"), beside].filter(Boolean);
  return notes.map((note) => note.textContent.replace(/\s+/g, " ").trim()).join(" ");
}

const MADE_BY = document.querySelector("footer, meta[name=generator]");
const version = () => (MADE_BY.content ?? MADE_BY.textContent.trim().split("·")[0]).trim();

// The page that a figure was taken from, without its host, and without what lets one in; nothing for a file's.
function source() {
  if (!location.protocol.startsWith("http")) return "";
  const asked = new URLSearchParams(location.search);
  asked.delete("token");
  return `${location.pathname}?${asked}`;
}

// The same as metadata (Dublin Core), with the address of the page that it was taken from.
function about(section) {
  const DC = "http://purl.org/dc/elements/1.1/", RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
  const make = (space, name, text = "") => Object.assign(document.createElementNS(space, name), { textContent: text });
  const facts = { title: section.dataset.title, description: said(section), creator: version(), source: source() };
  const [metadata, rdf, work] = [element("metadata"), make(RDF, "rdf:RDF"), make(RDF, "rdf:Description")];
  work.append(...Object.entries(facts).filter(([, text]) => text).map(([name, text]) => make(DC, `dc:${name}`, text)));
  rdf.append(work);
  metadata.append(rdf);
  return metadata;
}

const written = (section) => new XMLSerializer().serializeToString(inLight(() => plate(section)));

async function painted(section) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(written(section))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width * SHARPNESS;
  canvas.height = image.height * SHARPNESS;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/png"); });
  return withText(blob, { Title: section.dataset.title, Description: said(section), Software: version(), Source: source() });
}

// A PNG with texts in its head: chunks of the kind iTXt (PNG 3, section 11.3.3.4).
async function withText(blob, texts) {
  const bytes = new Uint8Array(await blob.arrayBuffer()), HEAD = 33; // the signature and the first chunk
  const chunks = Object.entries(texts).filter(([, text]) => text).map(([name, text]) => {
    const body = new TextEncoder().encode(`iTXt${name}\0\0\0\0\0${text}`);
    const chunk = new Uint8Array(body.length + 8), view = new DataView(chunk.buffer);
    view.setUint32(0, body.length - 4);
    chunk.set(body, 4);
    view.setUint32(body.length + 4, checksum(body));
    return chunk;
  });
  return new Blob([bytes.slice(0, HEAD), ...chunks, bytes.slice(HEAD)], { type: "image/png" });
}

function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

const FORMS = {
  svg: (section) => new Blob([written(section)], { type: "image/svg+xml" }),
  png: painted,
};

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// The buttons below a figure, once there is one.
function offer(section) {
  const isThere = section.querySelector("table.matrix, svg.chart") ?? section.querySelector("canvas[data-tiles]")?.tiles;
  if (!isThere || section.querySelector(".take")) return;
  const tools = document.createElement("p");
  tools.className = "take";
  for (const [form, make] of Object.entries(FORMS)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = form.toUpperCase();
    button.setAttribute("aria-label", `The chart as ${form.toUpperCase()}`);
    button.addEventListener("click", async () => save(await make(section), `${section.dataset.figure}.${form}`));
    tools.append(button);
  }
  for (const [form, address] of [["pdf", section.dataset.pdf], ["csv", section.dataset.table]]) {
    if (!address) continue;
    const link = document.createElement("a");
    Object.assign(link, { href: address, className: "button", textContent: form.toUpperCase() });
    link.setAttribute("aria-label", form === "csv" ? "What the chart shows as CSV" : `The chart as ${form.toUpperCase()}`);
    tools.append(link);
  }
  section.append(tools);
}

document.querySelectorAll("[data-figure]").forEach(offer);
document.addEventListener("dragoman-renewed", ({ target }) => {
  for (const section of [target.closest("[data-figure]"), ...target.querySelectorAll("[data-figure]")]) if (section) offer(section);
});
