// Buttons that change something: shown to those who may, sent with the token that the session hands out.
"use strict";

const ANSWER = "dragoman-answer";
const ROLES = ["viewer", "submitter", "promoter"];

async function session(place) {
  const response = await fetch(place.dataset.session);
  return response.ok ? response.json() : null;
}

for (const place of document.querySelectorAll("[data-session]")) {
  place.querySelector("[data-answer]").textContent = sessionStorage.getItem(ANSWER) ?? "";
  sessionStorage.removeItem(ANSWER);
  session(place).then((known) => {
    if (!known) return;
    for (const form of place.querySelectorAll("[data-write]")) {
      const may = ROLES.indexOf(known[form.dataset.role]) >= ROLES.indexOf(form.dataset.needs);
      form.hidden = !may;
      if (may) place.hidden = false;
    }
  });
  place.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const answer = place.querySelector("[data-answer]");
    const buttons = place.querySelectorAll("button");
    buttons.forEach((button) => { button.disabled = true; });
    answer.className = "";
    answer.textContent = "Asking …";
    const known = await session(place);
    const response = await fetch(form.dataset.write, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Dragoman-Token": known?.token ?? "" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    const said = await response.json().catch(() => ({}));
    answer.textContent = said.message ?? said.sentence ?? form.dataset.done;
    answer.className = response.ok ? "" : "alert";
    buttons.forEach((button) => { button.disabled = false; });
    if (response.ok) {
      sessionStorage.setItem(ANSWER, answer.textContent);
      location.reload();
    }
  });
}
