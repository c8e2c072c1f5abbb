// Data of the site: script files, loaded when they are needed, each one call of `published` with deflated bytes.
"use strict";

const ROOT = document.currentScript.src.replace(/assets\/data\.js.*$/, "");
const waiting = new Map(), arrived = new Map();

function published(name, packed) { waiting.get(name)?.(packed); }
globalThis.published = published;

async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}

// The bytes of a name, from data/NAME.js.
function publishedBytes(name) {
  if (!arrived.has(name)) {
    arrived.set(name, new Promise((done, fail) => {
      const script = document.createElement("script");
      waiting.set(name, (packed) => unpacked(packed).then(done, fail));
      script.onerror = () => fail(new Error(`data/${name}.js is not there`));
      script.src = `${ROOT}data/${name}.js`;
      document.head.append(script);
    }));
  }
  return arrived.get(name);
}
globalThis.publishedBytes = publishedBytes;

const publishedText = async (name) => JSON.parse(new TextDecoder().decode(await publishedBytes(name)));

// A form that opens the page of another pair.
for (const form of document.querySelectorAll("[data-pairs]")) {
  const answer = (text) => { form.querySelector("[data-answer]").textContent = text; };
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const page = (await publishedText(form.dataset.pairs))[`${form.elements.source.value} ${form.elements.target.value}`];
      if (page) location.assign(ROOT + page);
      else answer("There is no such pair.");
    } catch (reason) { answer(`The list of pairs can't be read: ${reason.message ?? reason}.`); }
  });
}
