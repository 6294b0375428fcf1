// Tabs and sorting, for pointer and keyboard. Without scripts all panels are shown and tables stand as written.
"use strict";

function makeTabs(set) {
  const panels = [...set.querySelectorAll(":scope > .panel")];
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = panel.id + "-tab";
    tab.textContent = panel.dataset.tab;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    list.append(tab);
    return tab;
  });
  function choose(chosen, focus) {
    tabs.forEach((tab, place) => {
      tab.setAttribute("aria-selected", String(place === chosen));
      tab.tabIndex = place === chosen ? 0 : -1;
      panels[place].hidden = place !== chosen;
    });
    if (focus) tabs[chosen].focus();
  }
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => choose(place, false));
    tab.addEventListener("keydown", (event) => {
      const last = tabs.length - 1;
      const next = {
        ArrowRight: place === last ? 0 : place + 1,
        ArrowLeft: place === 0 ? last : place - 1,
        Home: 0,
        End: last,
      }[event.key];
      if (next !== undefined) {
        event.preventDefault();
        choose(next, true);
      }
    });
  });
  set.prepend(list);
  choose(0, false);
  return { panels, choose };
}

const tabsets = [...document.querySelectorAll(".tabset")].map(makeTabs);

// a link to something inside a hidden panel opens that panel first
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (const { panels, choose } of tabsets) {
    const place = panels.findIndex((panel) => panel.contains(target));
    if (place >= 0) choose(place, false);
  }
  target.scrollIntoView();
}
window.addEventListener("hashchange", reveal);
reveal();

// numbers are written with a true minus sign and commas; what follows them is unit and interval
function sortKey(row, column) {
  const text = row.cells[column].textContent.trim();
  const found = text.replaceAll("\u2212", "-").replaceAll(",", "").match(/^-?\d+(\.\d+)?/);
  return found ? Number(found[0]) : text;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number") return -1;
  if (typeof b === "number") return 1;
  return a.localeCompare(b);
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => (down ? -1 : 1) * compare(sortKey(a, column), sortKey(b, column)));
      table.tBodies[0].append(...rows);
    });
  });
}

document.querySelectorAll(".sortable table").forEach(makeSortable);
document.querySelectorAll("thead th").forEach((head) => head.setAttribute("scope", "col"));
// tables wider than the page scroll; the keyboard must reach them
document.querySelectorAll("table").forEach((table) => {
  if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
});
