// Tables on narrow screens: each row a block of headings and values, in place of columns that run out of the page.
"use strict";

for (const table of document.querySelectorAll("table.figures")) {
  const headings = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  table.classList.add("stacked");
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
