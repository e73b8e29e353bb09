"use strict";
// What a page can do beyond being read. Everything is in the page without it.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, given, ...inside) => {
  const made = Object.assign(document.createElement(tag), given);
  made.append(...inside);
  return made;
};
const tool = (text, about, onclick) => {
  const button = make("button", { type: "button", className: "tool", onclick }, text);
  button.setAttribute("aria-label", `${text}: ${about}`);
  return button;
};
const named = (element) => element.querySelector(".label")?.textContent.replace(/\.$/, "") ?? "";
const copy = async (button, text) => {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser does not allow it";
  }
  setTimeout(() => (button.textContent = before), 2000);
};

// The way to each section: folded where it would cover the text, and following the scroll.
const side = document.querySelector(".ways details");
const narrow = matchMedia("(max-width: 1079.9px)");
const fold = () => (side.open = !narrow.matches);
narrow.addEventListener("change", fold);
fold();
const ways = all(".ways a[href^='#']");
const marks = ways.map((way) => document.getElementById(way.hash.slice(1)));
const follow = () => {
  const passed = marks.findLastIndex((mark) => mark && mark.getBoundingClientRect().top < innerHeight / 4);
  ways.forEach((way, n) => (n === passed ? way.setAttribute("aria-current", "true") : way.removeAttribute("aria-current")));
  if (passed >= 0 && !narrow.matches) {
    const nav = side.parentElement, at = ways[passed].offsetTop;
    if (at < nav.scrollTop || at > nav.scrollTop + nav.clientHeight - 40) nav.scrollTop = at - nav.clientHeight / 2;
  }
};
let waiting = 0;
addEventListener("scroll", () => (waiting ||= requestAnimationFrame(() => { waiting = 0; follow(); })), { passive: true });
follow();
side.addEventListener("click", (event) => event.target.closest("a") && narrow.matches && (side.open = false));

// Light or dark: the system's choice until another one is made.
const kept = (theme) => { try { return theme ? localStorage.setItem("theme", theme) : localStorage.getItem("theme"); } catch { return null; } };
const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
if (kept()) document.documentElement.dataset.theme = kept();
side.append(make("button", { type: "button", className: "tool", onclick() {
  kept((document.documentElement.dataset.theme = isDark() ? "light" : "dark"));
} }, "Light or dark"));

// Figures open large.
const large = make("dialog");
const close = make("button", { type: "button", className: "tool", onclick: () => large.close() }, "Close");
document.body.append(large);
all("figure[id]").forEach((figure) => {
  const open = () => {
    const shown = figure.cloneNode(true);
    shown.removeAttribute("id");
    all(".tool", shown).forEach((button) => button.remove());
    large.setAttribute("aria-label", named(figure));
    large.replaceChildren(close, shown);
    large.showModal();
  };
  all("img.plot, img.drawing, .strip img", figure).forEach((image) => image.addEventListener("click", open));
  figure.querySelector("figcaption")?.append(" ", tool("Enlarge", named(figure), open));
});

// Tables sort by a column, where rows are independent, and copy.
const words = (cell) => cell.innerText.replace(/\s+/g, " ").trim();
const value = (cell) => parseFloat(words(cell).replace(/\u2212/g, "-").replace(/(?<=\d)[\s,](?=\d{3})/g, ""));
const sort = (table, head, column) => {
  const up = head.getAttribute("aria-sort") !== "ascending", body = table.tBodies[0];
  all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const compared = (a, b) => (value(a) - value(b)) || words(a).localeCompare(words(b), "en", { numeric: true });
  const rows = [...body.rows].sort((a, b) => compared(a.cells[column], b.cells[column]));
  body.append(...(up ? rows : rows.reverse()));
};
all(".scroll > table").forEach((table) => {
  const heads = table.tHead?.rows.length === 1 ? [...table.tHead.rows[0].cells] : [];
  if (table.tBodies.length === 1 && table.tBodies[0].rows.length > 2 && !table.querySelector("[colspan], [rowspan]"))
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort", title: "Sort", onclick: () => sort(table, head, column) });
      // A link stays beside the button, not in it.
      if (head.querySelector("a")) {
        button.setAttribute("aria-label", `Sort by ${words(head)}`);
        button.append(" ↕");
      } else button.append(...head.childNodes);
      head.append(button);
    });
  const csv = () => [...table.rows].map((row) => [...row.cells].map((cell) => `"${words(cell).replace(/"/g, '""')}"`).join(",")).join("\r\n");
  const button = tool("Copy as CSV", named(table), () => copy(button, csv()));
  table.parentElement.after(button);
  if (table.parentElement.scrollWidth <= table.parentElement.clientWidth) table.parentElement.removeAttribute("tabindex");
});

// An equation that is wider than the window can be reached and scrolled with keys.
all(".equation").filter((one) => one.scrollWidth > one.clientWidth).forEach((one) => {
  one.tabIndex = 0;
  one.setAttribute("role", "group");
  one.setAttribute("aria-label", `Equation ${one.querySelector(".equation-number")?.textContent ?? ""}`);
});

// Code copies, and is printed whole.
all(".listing").forEach((listing) => {
  const button = tool("Copy", named(listing), () => copy(button, listing.querySelector("pre").textContent));
  listing.querySelector("pre").after(button);
});
addEventListener("beforeprint", () => all(".listing details").forEach((details) => (details.open = true)));

// Each number says where it comes from.
const known = JSON.parse(document.getElementById("origins").textContent);
const card = make("div", { className: "origin-of", id: "origin-of", hidden: true });
document.getElementById("content").append(card);
let about = null, leaving = 0;
const hide = () => { card.hidden = true; about?.removeAttribute("aria-describedby"); about = null; };
const show = (number) => {
  clearTimeout(leaving);
  const entry = known.numbers[number.hash.slice(1)];
  if (!entry || number === about) return;
  hide();
  const [place, meaning, text, values, field] = entry, [experiments, runs, file] = known.origins[place];
  const links = runs.flatMap(([label, href]) => [" ", make("a", { href }, label)]);
  card.replaceChildren(make("p", {}, `${meaning}: `, make("b", {}, text)));
  if (values.length) card.append(make("p", {}, values.map(([seed, one]) => `seed ${seed}: ${one}`).join(", ")));
  card.append(runs.length ? make("p", {}, `${experiments}, runs`, ...links) : make("p", {}, "published by others"));
  card.append(make("p", {}, `${file} · ${field}`), make("p", {}, make("a", { href: number.getAttribute("href") }, "In the list of numbers")));
  card.hidden = false;
  about = number;
  number.setAttribute("aria-describedby", card.id);
  const box = number.getClientRects()[0], above = box.bottom + card.offsetHeight + 8 > innerHeight;
  card.style.left = `${Math.max(8, Math.min(box.left, document.documentElement.clientWidth - card.offsetWidth - 8)) + scrollX}px`;
  card.style.top = `${(above ? box.top - card.offsetHeight - 4 : box.bottom + 4) + scrollY}px`;
};
const leave = () => { clearTimeout(leaving); leaving = setTimeout(hide, 250); };
all("a.number").forEach((number) => {
  number.addEventListener("pointerenter", () => show(number));
  number.addEventListener("focus", () => show(number));
  number.addEventListener("pointerleave", leave);
  number.addEventListener("blur", leave);
});
card.addEventListener("pointerenter", () => clearTimeout(leaving));
card.addEventListener("pointerleave", leave);
addEventListener("keydown", (event) => event.key === "Escape" && hide());
