// The sentences of a pair: every system side by side, searched, filtered and ordered in the browser.
"use strict";

const PAGE = 50;
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]/gu;
const visible = (text) => text.replace(HIDDEN, (found) => `\\u${found.codePointAt(0).toString(16).padStart(4, "0")}`);

function node(kind, attributes = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  made.append(...children);
  return made;
}

// Expects the words of another text, in their order (`Guide` of dragoman_ui.publishing.sentences).
const NEAR = 8, FIRST = 3;
class Guide {
  constructor(words) { this.words = words; this.at = 0; }
  get next() { return this.words[this.at]; }
  follow(word) {
    const found = this.words.indexOf(word, this.at);
    this.at = found >= 0 && found < this.at + NEAR ? found + 1 : this.at + 1;
  }
}

// The hypotheses of every sentence from the numbers of their words: 0 ends a text; 1 is the word that the reference has
// there, 2 that of the system before. A number is in base 128, the lowest digits first.
function decoded(bytes, words, joint, references, systems) {
  const divided = (text) => (joint ? text.split(joint) : Array.from(text));
  const lines = [];
  let at = 0;
  const number = () => {
    let found = 0, factor = 1, byte;
    do { byte = bytes[at++]; found += (byte & 127) * factor; factor *= 128; } while (byte & 128);
    return found;
  };
  for (const reference of references) {
    const texts = [];
    let before = null;
    for (let system = 0; system < systems; system++) {
      const text = [], guides = [new Guide(divided(reference)), ...(before ? [new Guide(before)] : [])];
      for (let code = number(); code; code = number()) {
        const word = code < FIRST ? guides[code - 1].next : words[code - FIRST];
        for (const guide of guides) guide.follow(word);
        text.push(word);
      }
      texts.push(text.join(joint));
      before = text;
    }
    lines.push(texts);
  }
  return lines;
}

async function sentencesOf(name) {
  const data = await publishedBytes(name);
  const length = new DataView(data).getUint32(0, true);
  const about = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  const [sources, references, words, ...further] = await Promise.all([about.source, about.reference, about.words, ...about.further].map(publishedText));
  const texts = decoded(new Uint8Array(data, 4 + length), words, about.joint, references, about.systems.length);
  const systems = about.systems.map(({ name: called, scores, labels }) => ({ name: called, scores, labels: Object.entries(labels).map(([label, places]) => [label, new Set(places)]) }));
  return {
    systems,
    lines: sources.map((source, place) => ({ place, source, references: [references[place], ...further.map((each) => each[place]).filter((each) => each !== null)], texts: texts[place] })),
  };
}

function field(label, control) { return node("label", { class: "field" }, label, control); }
function select(name, options) { return node("select", { name }, ...options.map(([value, text]) => node("option", { value }, text))); }

function begin(place, { systems, lines }) {
  const { by, source, target } = place.dataset, digits = Number(place.dataset.digits);
  const spoken = JSON.parse(place.dataset.labels), better = place.dataset.higher === "yes" ? 1 : -1;
  const present = Object.keys(spoken).filter((label) => systems.some((each) => each.labels.some(([name]) => name === label)));
  const orders = [["file", "as in the test set"], ["worst", "worst first"], ["apart", "systems furthest apart first"]];
  for (const { name, scores } of systems) if (scores) orders.push([`worst ${name}`, `worst of ${name} first`], [`best ${name}`, `best of ${name} first`]);
  const form = node("form", { class: "choices", role: "search" },
    field("Search ", node("input", { type: "search", name: "search", dir: "auto", placeholder: "in any of the texts" })),
    field("Label ", select("label", [["", "any or none"], ...present.map((label) => [label, spoken[label]])])),
    field("Order ", select("order", orders)));
  if (systems.length > 1) {
    form.append(node("details", { class: "beside-which" }, node("summary", {}, "Systems side by side"),
      node("fieldset", {}, node("legend", { class: "hidden" }, "Systems side by side"),
        ...systems.map(({ name }, index) => node("label", {}, node("input", { type: "checkbox", name: "system", value: index, checked: true }), ` ${name}`)))));
  }
  const count = node("p", { class: "quiet found", role: "status" }), list = node("ol", { class: "segments" });
  const pages = node("nav", { class: "pages", "aria-label": "Pages of sentences" });
  place.replaceChildren(form, count, list, pages);
  let found = lines, shown = systems.map((_, index) => index), page = 0;

  const scoresOf = (line) => shown.map((index) => systems[index].scores?.[line.place]).filter((score) => score != null).map((score) => better * score);
  const ranks = {
    file: () => 0,
    worst: (line) => Math.min(...scoresOf(line)),
    apart: (line) => Math.min(...scoresOf(line)) - Math.max(...scoresOf(line)),
  };
  function rankBy(order) {
    const [kind, ...name] = order.split(" ");
    const own = systems.find((each) => each.name === name.join(" "));
    return own && kind in { worst: 1, best: 1 } ? (line) => own.scores[line.place] == null ? Infinity : (kind === "worst" ? 1 : -1) * better * own.scores[line.place] : ranks[kind];
  }
  const labelsOf = (index, line) => systems[index].labels.filter(([, places]) => places.has(line.place)).map(([label]) => label);

  function choose() {
    const asked = new FormData(form), wanted = asked.get("search").toLocaleLowerCase(), label = asked.get("label");
    shown = systems.length > 1 ? asked.getAll("system").map(Number) : [0];
    const rank = rankBy(asked.get("order"));
    found = lines.filter((line) => (!wanted || [line.source, ...line.references, ...shown.map((index) => line.texts[index])].some((text) => text.toLocaleLowerCase().includes(wanted)))
      && (!label || shown.some((index) => labelsOf(index, line).includes(label))));
    if (asked.get("order") !== "file") found = found.map((line) => [rank(line), line]).sort(([one], [two]) => one - two).map(([, line]) => line);
    page = 0;
    show();
  }

  function segment(line) {
    const number = line.place + 1;
    const made = shown.map((index) => {
      const { name, scores } = systems[index], labels = labelsOf(index, line), text = line.texts[index];
      const head = node("dt", {}, name);
      if (scores && scores[line.place] !== null) head.append(" ", node("span", { class: "score" }, (scores[line.place] / 10 ** digits).toFixed(digits)));
      for (const label of labels) head.append(" ", node("span", { class: "flag" }, spoken[label]));
      const parts = text ? stretches(text, line.references[0], target).map(([part, isCommon]) => (isCommon ? visible(part) : node("mark", {}, visible(part)))) : [node("span", { class: "empty" }, "nothing")];
      return node("div", {}, head, node("dd", { lang: labels.includes("language") ? "" : target, dir: "auto" }, ...parts));
    });
    return node("li", { class: "segment", id: `s${number}` },
      node("a", { class: "place", href: `#s${number}`, "aria-label": `Sentence ${number}` }, String(number)),
      node("dl", { class: "given" },
        node("div", {}, node("dt", {}, "Source"), node("dd", { lang: source, dir: "auto" }, visible(line.source))),
        ...line.references.map((reference, index) => node("div", {}, node("dt", {}, index ? `Reference ${index + 1}` : "Reference"), node("dd", { lang: target, dir: "auto" }, visible(reference))))),
      node("dl", { class: "made" }, ...made));
  }

  function show() {
    const last = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(page, last - 1);
    count.textContent = `${found.length.toLocaleString("en")} of ${lines.length.toLocaleString("en")} sentences. Underlined: not in the reference at this place. The ${by} beside a system is that of the sentence alone; the pair's score is not their mean.`;
    list.replaceChildren(...(shown.length ? found.slice(page * PAGE, (page + 1) * PAGE).map(segment) : []));
    const turn = (text, step) => {
      const button = node("button", { type: "button" }, text);
      button.addEventListener("click", () => { page += step; show(); list.scrollIntoView(); });
      return button;
    };
    pages.replaceChildren(...(page > 0 ? [turn("← Earlier", -1)] : []), node("span", {}, `Page ${page + 1} of ${last}`), ...(page + 1 < last ? [turn("Later →", 1)] : []));
    pages.hidden = last === 1;
  }

  // #s12 is a sentence, #label-empty those with a label
  function go() {
    const [, number, label] = location.hash.match(/^#(?:s(\d+)|label-(\w+))$/) ?? [];
    if (label && present.includes(label)) { form.elements.label.value = label; choose(); }
    if (!number || document.getElementById(`s${number}`)?.matches(":target")) return;
    if (!found.some((line) => line.place + 1 === Number(number))) { form.reset(); choose(); }
    page = Math.max(0, Math.floor(found.findIndex((line) => line.place + 1 === Number(number)) / PAGE));
    show();
    location.replace(`#s${number}`); // it is there only now: made the target, and scrolled to
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", choose);
  addEventListener("hashchange", go);
  choose();
  go();
}

for (const place of document.querySelectorAll("[data-sentences]")) {
  sentencesOf(place.dataset.sentences).then((found) => begin(place, found)).catch((reason) => {
    const status = node("p", { class: "sentence", role: "status" }, globalThis.DecompressionStream ? `The sentences can't be shown: ${reason.message ?? reason}.` : "This browser is too old to unpack the sentences.");
    place.replaceChildren(status);
  });
}
