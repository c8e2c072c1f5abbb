// Tables that are wider than their card: first set tighter, then each row a block of headings and values.
"use strict";

// Laid out as blocks, a table stays one for who listens to it.
function prepare(table) {
  const plain = [...[...table.tHead.rows].at(-1).cells].map((cell) => cell.textContent.replace(/\s+/g, " ").trim());
  // an interval is headed alike whatever it is of: the column before it says
  const headings = plain.map((text, column) => (plain.indexOf(text) < column ? `${text} of ${plain[column - 1]}` : text));
  table.setAttribute("role", "table");
  for (const part of [table.tHead, ...table.tBodies]) part.setAttribute("role", "rowgroup");
  for (const row of table.rows) {
    row.setAttribute("role", "row");
    const isHead = row.parentElement === table.tHead;
    [...row.cells].forEach((cell, column) => {
      if (!isHead) cell.dataset.heading = headings[column];
      if (!isHead && ["", "-"].includes(cell.textContent.trim()) && !cell.querySelector("svg")) cell.dataset.nothing = "";
      cell.setAttribute("role", isHead && cell.tagName === "TH" ? "columnheader" : cell.tagName === "TH" ? "rowheader" : "cell");
    });
  }
}

const isWide = (table) => table.scrollWidth > table.parentElement.clientWidth;

function fit() {
  const tables = [...document.querySelectorAll("table.figures")].filter((table) => table.tHead);
  for (const table of tables) table.classList.remove("tight", "carded");
  let wide = tables.filter(isWide);
  for (const table of wide) table.classList.add("tight");
  wide = wide.filter(isWide);
  for (const table of wide) {
    prepare(table);
    table.classList.add("carded");
  }
}

addEventListener("resize", fit);
document.addEventListener("toggle", fit, true); // what is folded away has no width yet
document.addEventListener("dragoman-renewed", fit);
document.fonts?.ready.then(fit);
fit();
