// Tables that are wider than the page: each row a block of headings and values, in place of columns out of sight.
"use strict";

const tables = [...document.querySelectorAll("table.figures")];

for (const table of tables) {
  const headings = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  // laid out as blocks, it stays a table for who listens to it
  table.setAttribute("role", "table");
  for (const part of [table.tHead, ...table.tBodies]) part.setAttribute("role", "rowgroup");
  for (const row of table.rows) {
    row.setAttribute("role", "row");
    [...row.cells].forEach((cell, column) => {
      const isHead = row.parentElement === table.tHead;
      cell.setAttribute("role", isHead ? "columnheader" : cell.tagName === "TH" ? "rowheader" : "cell");
      if (!isHead) cell.dataset.heading = headings[column];
    });
  }
}

function fit() {
  for (const table of tables) table.classList.remove("stacked");
  const wide = tables.filter((table) => table.scrollWidth > table.parentElement.clientWidth);
  for (const table of wide) table.classList.add("stacked");
}

addEventListener("resize", fit);
document.addEventListener("toggle", fit, true); // what is folded away has no width yet
fit();
