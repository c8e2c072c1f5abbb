// Parts of a page that load late or are refreshed while a grid runs: fetched, and merged into the page in place.
"use strict";

const LONGEST = 60; // seconds between two tries of a server that does not answer
const OURS = ["open", "tabindex"]; // set by readers and by the keyboard script: not overwritten by refreshed parts

const called = (node) => `${node.nodeName} ${node.id ?? ""} ${node.getAttribute?.("aria-labelledby") ?? ""}`;
const isNamed = (node) => Boolean(node.id || node.getAttribute?.("aria-labelledby"));

// Changes an element into another in place, so that what is open, scrolled or focused in it stays so.
function become(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !OURS.includes(name)) old.removeAttribute(name);
  let next = old.firstChild;
  const pass = () => {
    const gone = next;
    next = next.nextSibling;
    if (!gone.classList?.contains("take")) gone.remove(); // figures add their buttons themselves
  };
  for (const child of [...fresh.childNodes]) {
    let same = next;
    while (same && called(same) !== called(child)) same = isNamed(child) ? same.nextSibling : null;
    if (same) {
      while (next !== same) pass();
      next = same.nextSibling;
      become(same, child);
    } else {
      old.insertBefore(child, next);
    }
  }
  while (next) pass();
}

function put(part, fresh) {
  const logs = [...part.querySelectorAll(".log")].map((log) => [log, log.scrollTop + log.clientHeight >= log.scrollHeight - 4]);
  let now = part;
  if (part.nodeName === fresh.nodeName) become(part, fresh);
  else { part.replaceWith(fresh); now = fresh; }
  for (const log of now.dataset.part ? now.querySelectorAll(".log") : []) {
    const [, wasAtEnd] = logs.find(([known]) => known === log) ?? [log, true];
    if (wasAtEnd) log.scrollTop = log.scrollHeight; // a log scrolled to its end stays there
  }
  now.querySelectorAll("[data-matrix]").forEach(walk);
  now.dispatchEvent(new Event("dragoman-renewed", { bubbles: true }));
  return now;
}

// A warning above a part that can't be refreshed: since when, and what happens now.
function warn(part, text) {
  let note = part.previousElementSibling;
  if (!note?.matches("[data-stale]")) {
    note = document.createElement("p");
    note.className = "alert";
    note.setAttribute("role", "status");
    note.dataset.stale = "";
    part.before(note);
  }
  note.textContent = text;
}

function renew(part, failures = 0, since = new Date()) {
  const wait = failures ? Math.min(LONGEST, 2 ** failures) : Number(part.dataset.after);
  setTimeout(async () => {
    let why = "the server can't be reached", isLost = false;
    try {
      const response = await fetch(part.dataset.part);
      if (response.ok) {
        const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body.firstElementChild;
        if (part.previousElementSibling?.matches("[data-stale]")) part.previousElementSibling.remove();
        const now = put(part, fresh);
        if (now.dataset.part) renew(now);
        return;
      }
      why = `the server answered ${response.status}`;
      isLost = response.status < 500 && response.status !== 429; // a retry would not help
    } catch { /* retried */ }
    const next = isLost ? "load the page again" : `tried again in ${Math.min(LONGEST, 2 ** (failures + 1))} seconds`;
    warn(part, `Not updated since ${since.toLocaleTimeString()}: ${why}; ${next}.`);
    if (isLost) delete part.dataset.part;
    else renew(part, failures + 1, since);
  }, 1000 * wait);
}
document.querySelectorAll("[data-part]").forEach((part) => renew(part));
