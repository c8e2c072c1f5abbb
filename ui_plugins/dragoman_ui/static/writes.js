// Forms that write: shown to users with the role, sent with the token of the session.
"use strict";

const ANSWER = "dragoman-answer";
const ROLES = ["viewer", "submitter", "promoter"];

async function session(place) {
  const response = await fetch(place.dataset.session);
  return response.ok ? response.json() : null;
}

// Sends a form; returns the server's message, and whether the write succeeded.
async function send(place, form) {
  const known = await session(place);
  const response = await fetch(form.dataset.write, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Dragoman-Token": known?.token ?? "" },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  const said = await response.json().catch(() => ({})); // a proxy in between may answer with a page of its own
  if (response.ok) return [said.sentence ?? form.dataset.done, true];
  return [said.message ?? `Not done: the server answered ${response.status} ${response.statusText}`.trim(), false];
}

for (const place of document.querySelectorAll("[data-session]")) {
  const answer = place.querySelector("[data-answer]");
  answer.textContent = sessionStorage.getItem(ANSWER) ?? "";
  sessionStorage.removeItem(ANSWER);
  session(place).catch(() => null).then((known) => {
    if (!known) return;
    for (const form of place.querySelectorAll("[data-write]")) {
      const may = ROLES.indexOf(known[form.dataset.role]) >= ROLES.indexOf(form.dataset.needs);
      form.hidden = !may;
      if (may) place.hidden = false;
    }
  });
  place.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = place.querySelectorAll("button");
    buttons.forEach((button) => { button.disabled = true; });
    answer.className = "";
    answer.textContent = "Sending …";
    let isDone = false;
    try {
      [answer.textContent, isDone] = await send(place, event.target);
    } catch {
      answer.textContent = "The server can't be reached, so it is not known whether this was done: load the page again to see.";
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
    }
    answer.className = isDone ? "" : "alert";
    if (isDone) {
      sessionStorage.setItem(ANSWER, answer.textContent);
      location.reload();
    } else {
      event.submitter?.focus(); // a button that is disabled loses the keyboard
    }
  });
}
