// A search tree, root on the left: numbers are the order of expansion, colours the measure the search goes by, the chosen branch runs along the top.

const STATES = {
  expanded: "expanded", open: "open (frontier)", goal: "end with an answer", dead_end: "end without an answer", pruned: "given up", dropped: "thrown away at once", written: "written to its end",
};
const SMALL = { open: 6.5, dead_end: 5.5, pruned: 5.5, dropped: 2.5, written: 7, goal: 8, expanded: 9 };
const ROW = 22;

function treeView(drawn, view) {
  const { nodes, measure: name, low, expansions } = drawn;
  place(nodes);
  const values = [...new Set(nodes.map((node) => node.values[name]).filter((value) => value !== undefined))].sort((a, b) => a - b);
  const [least, most] = [values[0], values[values.length - 1]];
  const good = (node) => { // by rank: one outlier would make all others look alike
    const value = node.values[name];
    if (value === undefined) return null;
    const share = values.length > 1 ? values.indexOf(value) / (values.length - 1) : 0.5;
    return low ? 1 - share : share;
  };
  const line = nodes.filter((node) => node.chosen);
  const rest = () => reading.show(h("b", {}, line.length ? "The chosen branch" : "No branch was chosen"), null, line.length > 0 && h("ol", { class: "branch" }, line.filter((node) => node.parent !== undefined).map((node) => h("li", {}, h("span", { class: "words" }, wordsOf(node, view).trim().replace(/\n\s*\n/g, "\n") || "\u2013"), " ", h("small", {}, valuesOf(node))))), false);
  const reading = reader("");
  rest();
  const holder = h("div", { class: "scroll holder" });
  const state = { upTo: expansions, pinned: null };
  const redraw = () => swap(holder, treeOf(nodes, state.upTo, holder.clientWidth || 640, good, (node) => wordsOf(node, view), show, pin));
  function show(node) {
    if (node === null) return state.pinned ? show(state.pinned) : rest();
    const order = node.order ? `expanded as number ${node.order}` : STATES[node.state];
    const facts = [order, node.order && node.state !== "expanded" && STATES[node.state], `depth ${node.depth}`, valuesOf(node), node.reason, node.answer !== undefined && `answers ${node.answer}`, node.chosen && "chosen branch"];
    return reading.show([toPath(node.path, view), node.verdict && pip(node.verdict), ` ${facts.filter(Boolean).join(" \u00b7 ")}`], wordsOf(node, view).trim() || (node.parent === undefined ? "the bare prompt" : "nothing"));
  }
  function pin(node) {
    state.pinned = state.pinned === node ? null : node;
    show(node);
  }
  const count = h("output", {}, `${expansions} of ${expansions}`);
  const slider = expansions > 1 && h("label", { class: "replay" }, "Expansions shown ", h("input", { type: "range", min: 0, max: expansions, value: expansions, oninput: (event) => { state.upTo = Number(event.target.value); count.textContent = `${state.upTo} of ${expansions}`; redraw(); } }), " ", count);
  drawnForWidth(holder, redraw);
  const kinds = Object.keys(STATES).filter((kind) => nodes.some((node) => node.state === kind));
  return drawing("search", "Search tree", h("ul", { class: "legend" }, kinds.map((kind) => h("li", {}, s("svg", { width: 22, height: 20, "aria-hidden": true }, mark({ state: kind, order: 0, values: {} }, 11, 10, () => null)), STATES[kind])),
    values.length > 0 && h("li", {}, h("span", { class: "ramp" }), `${name}: ${low ? "low" : "high"} is better (${short(low ? most : least)} to ${short(low ? least : most)})`)), slider, holder, reading.box);
}

const short = (value) => String(Number(value.toPrecision(3)));
const valuesOf = (node) => [...Object.entries(node.values).map(([name, value]) => `${name} ${short(value)}`), node.score !== undefined && `score ${short(node.score)}`].filter(Boolean).join(", ");
const wordsOf = (node, view) => (node.text || []).map(view.text).join("");

// Rows and columns. The first child shares its parent's row, so that the chosen branch is straight; a subtree goes as high as its columns are free.
// Steps thrown away at once get no row: they hang below their parent.
function place(nodes) {
  const children = nodes.map(() => []);
  const thrown = nodes.map(() => 0);
  nodes.forEach((node, i) => {
    if (node.parent === undefined) return;
    if (node.state === "dropped") node.hangs = thrown[node.parent]++;
    else children[node.parent].push(i);
  });
  const rank = (node) => (node.chosen ? 0 : node.order ? 1 : node.state === "pruned" ? 3 : 2);
  for (const own of children) own.sort((a, b) => rank(nodes[a]) - rank(nodes[b]) || (nodes[a].order || 0) - (nodes[b].order || 0) || a - b);
  const free = [];
  const settle = (i, column, least) => {
    const node = nodes[i];
    node.column = column;
    node.row = Math.max(least, free[column] || 0);
    children[i].forEach((child, k) => {
      const row = settle(child, column + 1, k ? nodes[children[i][k - 1]].row + 1 : node.row);
      if (!k) node.row = row;
    });
    free[column] = node.row + 1;
    return node.row;
  };
  nodes.forEach((node, i) => node.parent === undefined && settle(i, 0, 0));
  for (const node of nodes.filter((one) => one.hangs !== undefined)) Object.assign(node, { column: nodes[node.parent].column, row: nodes[node.parent].row });
}

function treeOf(nodes, upTo, room, good, textOf, show, pin) {
  const columns = Math.max(1, ...nodes.map((node) => node.column));
  const gap = Math.max(34, Math.min(74, (room - 36) / columns));
  const width = Math.max(room, 36 + columns * gap);
  const shown = nodes.filter((node) => node.born <= upTo);
  const height = 26 + Math.max(...nodes.map((node) => node.row)) * ROW;
  const X = (node) => 18 + node.column * gap + (node.hangs === undefined ? 0 : 12 + 6 * node.hangs);
  const Y = (node) => 13 + node.row * ROW + (node.hangs === undefined ? 0 : 9);
  const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Search tree" });
  for (const node of shown.filter((one) => one.parent !== undefined && one.hangs === undefined)) {
    const [x1, y1, x2, y2] = [X(nodes[node.parent]), Y(nodes[node.parent]), X(node), Y(node)];
    const bend = x1 + Math.min(gap * 0.55, 24);
    svg.append(s("path", { class: `edge${node.chosen ? " chosen" : ""} to-${node.state}`, d: y1 === y2 ? `M${x1} ${y1}H${x2}` : `M${x1} ${y1}C${bend} ${y1} ${bend - 6} ${y2} ${Math.min(bend + 14, x2)} ${y2}H${x2}` }));
  }
  const marks = shown.map((node, i) => {
    const then = node.order && node.order > upTo ? { ...node, order: 0, state: "open" } : node; // as it stood at that time
    const words = `${then.order ? `expansion ${then.order}` : STATES[then.state]}, depth ${node.depth}, ${valuesOf(node) || "no values"}${node.chosen ? ", on the chosen branch" : ""}`;
    return s("g", { class: "tree-node", tabindex: i ? -1 : 0, role: "img", "aria-label": words, onmouseenter: () => show(node), onmouseleave: () => show(null), onfocus: () => show(node), onclick: () => pin(node), onkeydown: (event) => event.key === "Enter" && pin(node) }, mark(then, X(node), Y(node), good), s("title", {}, `${words}\n${excerpt(textOf(node), 300)}`));
  });
  svg.append(...marks);
  roving(svg, () => marks, { next: ["ArrowRight", "ArrowDown"], previous: ["ArrowLeft", "ArrowUp"] });
  return svg;
}

function mark(node, x, y, good) {
  const r = SMALL[node.state];
  const shape = s("circle", { class: `node s-${node.state}${node.chosen ? " chosen" : ""}`, cx: x, cy: y, r });
  const value = good(node);
  if (value === null) shape.classList.add("unknown");
  else shape.style.setProperty("--s", value);
  const cross = { dead_end: 3, pruned: 3 }[node.state];
  return [node.state === "goal" && s("circle", { class: "ring", cx: x, cy: y, r: r + 2.5 }), shape,
    cross && s("path", { class: "cross", d: `M${x - cross} ${y - cross}l${2 * cross} ${2 * cross}m0 ${-2 * cross}l${-2 * cross} ${2 * cross}` }),
    node.order > 0 && s("text", { class: "order", x, y: y + 3.5, "text-anchor": "middle" }, node.order)];
}
