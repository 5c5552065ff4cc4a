// Building blocks. All text goes through text nodes and attributes: what a model wrote is never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const swap = (node, ...children) => {
  node.replaceChildren();
  return fill(node, {}, children);
};

// A method's label, breakable where its words end.
const label = (text) => text.split(/(?<=[:,=])/).flatMap((part) => [part, h("wbr")]);

const percent = (value, digits = 1) => (100 * value).toFixed(digits);
const signed = (value) => (value > 0 ? "+" : value < 0 ? "\u2212" : "") + Math.abs(100 * value).toFixed(1);
const whole = (value) => Math.round(value).toLocaleString("en");
const seconds = (value) => (value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3));
const plural = (count, word, many = `${word}s`) => `${whole(count)} ${count === 1 ? word : many}`;

const VERDICTS = {
  correct: ["\u2713", "correct"],
  wrong: ["\u2717", "wrong"],
  no_answer: ["\u2205", "no answer"],
  truncated: ["\u2026", "cut"],
  timeout: ["\u231b", "grader timed out"],
  error: ["!", "error"],
};
const verdictName = (verdict) => (VERDICTS[verdict] || ["?", verdict])[1];
const pip = (verdict, label) =>
  h("span", { class: `pip v-${verdict}`, role: "img", title: label, "aria-label": label || verdictName(verdict) }, (VERDICTS[verdict] || ["?"])[0]);

// Arrow keys move the focus among `items()`; one of them is in the tab order at a time.
function roving(container, items, keys) {
  container.addEventListener("keydown", (event) => {
    const list = items();
    const at = list.indexOf(document.activeElement);
    if (at < 0) return;
    let to = null;
    if (keys.next.includes(event.key)) to = Math.min(at + 1, list.length - 1);
    else if (keys.previous.includes(event.key)) to = Math.max(at - 1, 0);
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = list.length - 1;
    if (to === null) return;
    event.preventDefault();
    focusOne(list, list[to]);
  });
}

function focusOne(list, item, focus = true) {
  for (const other of list) other.tabIndex = other === item ? 0 : -1;
  if (focus && item) item.focus();
}
