// What the drawings of a solve share: their frame, the line that reads out what is pointed at, links to the paths below.

// Which drawings a solve has is said by its data; `reveal` opens a path in the list below.
function drawings(trace, data, reveal) {
  const drawn = trace.drawings || {};
  const paths = new Set(trace.nodes.map((node) => node.id));
  const view = { text: (i) => data.texts[i], has: (path) => paths.has(path), reveal };
  return [drawn.messages && messagesView(drawn.messages, view), drawn.tree && treeView(drawn.tree, view), drawn.dialogue && dialogueView(drawn.dialogue, view), drawn.drafts && draftsView(drawn.drafts, view)];
}

const drawing = (name, title, key, ...children) => h("section", { class: `drawing ${name}`, "aria-label": title }, h("div", { class: "drawing-head" }, h("h4", {}, title), key), children);

// A box that shows the words of what is pointed at, and `rest` otherwise.
function reader(rest) {
  const box = h("div", { class: "reader", "aria-live": "polite" }, h("p", { class: "note" }, rest));
  const show = (head, text, more, pointing = true) => { box.classList.toggle("pointing", pointing); swap(box, h("p", { class: "reader-head" }, head), text !== null && words(text), more); };
  return { box, show };
}

const toPath = (path, view) => (view.has(path) ? h("button", { type: "button", class: "to-path", title: `Open path ${path} in the list below`, onclick: (event) => { event.preventDefault(); view.reveal(path); } }, `path ${path}`) : h("code", {}, path));

// A text as its paragraphs, which take less room than empty lines.
const words = (text) => h("div", { class: "words" }, text.trim().split(/\n\s*\n/).map((part) => h("p", {}, part)));

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const excerpt = (text, most) => {
  const clean = text.trim();
  return clean.length > most ? `${Array.from(clean).slice(0, most).join("").trimEnd()} \u2026` : clean || "\u2013";
};

// As much of a word as fits into so many pixels, its end kept: what tells paths apart stands there.
function shortened(word, room) {
  if (measure(word) <= room) return word;
  const letters = Array.from(word);
  while (letters.length > 1 && measure(`\u2026${letters.join("")}`) > room) letters.shift();
  return `\u2026${letters.join("")}`;
}

// Draws for the width at hand, and again when it changes.
function drawnForWidth(holder, draw) {
  let seen = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth && holder.clientWidth !== seen) {
      seen = holder.clientWidth;
      draw(seen);
    }
  }).observe(holder);
}
