// Behaviour of pages beyond links and forms; without scripts all content is there.
"use strict";

document.documentElement.classList.add("scripted");

// A choice made with the pointer is shown at once; one made with keys waits for the button, as each arrow key is a change.
for (const form of document.querySelectorAll("[data-submit-on-change]")) {
  let isByKeys = false;
  form.addEventListener("keydown", () => { isByKeys = true; });
  form.addEventListener("pointerdown", () => { isByKeys = false; });
  form.addEventListener("change", () => { if (!isByKeys) form.requestSubmit(); });
}

// The matrix is one stop of the Tab key; arrow keys move between its tiles.
const walked = new WeakSet();
function walk(matrix) {
  if (walked.has(matrix)) return;
  walked.add(matrix);
  const rows = [...matrix.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((cell) => cell.firstElementChild));
  const place = new Map(rows.flatMap((row, y) => row.map((tile, x) => [tile, [y, x]])));
  place.delete(null);
  const tiles = [...place.keys()];
  tiles.forEach((tile, index) => { tile.tabIndex = index ? -1 : 0; });

  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const next = (tile, key) => {
    let [y, x] = place.get(tile);
    if (key === "Home") return rows[y].find(Boolean);
    if (key === "End") return rows[y].findLast(Boolean);
    if (!(key in steps)) return undefined;
    const [down, right] = steps[key];
    do { y += down; x += right; } while (rows[y] && x in rows[y] && !rows[y][x]);
    return rows[y]?.[x] ?? tile;
  };
  matrix.addEventListener("keydown", (event) => {
    const found = event.target.closest("td > a") && next(event.target, event.key);
    if (!found) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    found.tabIndex = 0;
    found.focus();
  });
}
document.querySelectorAll("[data-matrix]").forEach(walk);

// The tooltip of a tile shows the label that a screen reader reads: "pair: figure; figure".
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);

function showTip(pair, figures, box) {
  const title = document.createElement("b");
  title.textContent = pair;
  tip.replaceChildren(title, ...figures.flatMap((text) => [text, document.createElement("br")]));
  tip.hidden = false;
  const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  const left = Math.min(Math.max(box.left + box.width / 2 - tip.offsetWidth / 2, 8), Math.max(room, 8));
  const above = box.top - tip.offsetHeight - 8;
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${(above > 60 ? above : box.bottom + 8) + scrollY}px`;
}

function hideTip() { tip.hidden = true; }

for (const kind of ["pointerover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    if (event.target instanceof HTMLCanvasElement) return;
    const tile = event.target.closest?.(".matrix td > a");
    if (!tile) { hideTip(); return; }
    const [, pair, figures] = tile.getAttribute("aria-label").match(/^(.*?): (.*)$/s);
    showTip(pair, figures.split("; "), tile.getBoundingClientRect());
  });
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
