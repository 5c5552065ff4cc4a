// The browser of single problems: a filtered list, and for the chosen problem every method's answer with its tree of paths.

const PAGE = 150; // problems listed at once

function browser(data) {
  const rows = data.comparison.rows;
  const of = data.problems.map(() => []);
  for (const record of data.records) of[record.p].push(record);
  const state = { problem: 0, method: 0, sample: 0, shown: PAGE, filter: { method: "", verdict: "", level: "", text: "" } };
  const list = h("ul", { class: "problem-list", role: "listbox", "aria-label": "Problems" });
  const count = h("p", { class: "count", "aria-live": "polite" });
  const detail = h("div", { class: "detail" });
  let found = [];

  const option = (value, text) => h("option", { value }, text);
  const select = (name, label, options) =>
    h("label", {}, label, h("select", { onchange: (event) => change(name, event.target.value) }, option("", "any"), options));
  const levels = [...new Set(data.problems.map((p) => p.level).filter(Boolean))].sort((a, b) => a - b || (a < b ? -1 : 1));
  const used = Object.keys(VERDICTS).filter((verdict) => data.records.some((record) => record.verdict === verdict));
  const filters = h("form", { class: "filters", onsubmit: (event) => event.preventDefault() },
    select("method", "Method", rows.map((row, i) => option(i, row.method))),
    select("verdict", "Verdict", used.map((verdict) => option(verdict, verdictName(verdict)))),
    levels.length > 0 && select("level", data.level_key || "level", levels.map((level) => option(level, level))),
    h("label", {}, "Text", h("input", { type: "search", placeholder: "in the question", oninput: (event) => change("text", event.target.value.toLowerCase()) })));

  function change(name, value) {
    state.filter[name] = value;
    state.shown = PAGE;
    update();
  }

  function matches(problem, i) {
    const { method, verdict, level, text } = state.filter;
    if (level && problem.level !== level) return false;
    if (text && !`${problem.id} ${problem.question}`.toLowerCase().includes(text)) return false;
    if (!verdict) return true;
    return of[i].some((record) => record.verdict === verdict && (method === "" || record.m === Number(method)));
  }

  function update() {
    found = data.problems.map((p, i) => i).filter((i) => matches(data.problems[i], i));
    count.textContent = `${plural(found.length, "problem")} of ${whole(data.problems.length)}`;
    if (state.filter.method !== "") state.method = Number(state.filter.method);
    if (found.length && !found.includes(state.problem)) state.problem = found[0];
    while (state.shown < found.length && found.indexOf(state.problem) >= state.shown) state.shown += PAGE;
    draw();
    show();
  }

  function draw() {
    const items = found.slice(0, state.shown).map((i) => {
      const problem = data.problems[i];
      const pips = rows.map((row, m) => {
        const mine = of[i].filter((record) => record.m === m);
        return mine.map((record) => pip(record.verdict, `${row.method}: ${verdictName(record.verdict)}`));
      });
      return h("li", { role: "option", id: `problem-${i}`, "aria-selected": i === state.problem, tabindex: i === state.problem ? 0 : -1, onclick: () => pick(i), onfocus: () => pick(i, false) },
        h("span", { class: "excerpt" }, problem.question), h("span", { class: "pips" }, pips));
    });
    swap(list, items);
    if (found.length > state.shown) list.append(h("li", { class: "more", role: "presentation" }, h("button", { type: "button", onclick: () => { state.shown += PAGE; draw(); } }, `Show ${Math.min(PAGE, found.length - state.shown)} more`)));
  }

  function pick(i, focus = true) {
    if (state.problem !== i) {
      state.problem = i;
      state.sample = 0;
      show();
    }
    const items = [...list.querySelectorAll("[role=option]")];
    for (const item of items) item.setAttribute("aria-selected", item.id === `problem-${i}`);
    focusOne(items, document.getElementById(`problem-${i}`), focus);
  }

  function show() {
    if (!found.length) return swap(detail, h("p", {}, "No problem matches. Change a filter."));
    const problem = data.problems[state.problem];
    const records = of[state.problem];
    const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Methods" }, rows.map((row, m) => {
      const mine = records.filter((record) => record.m === m);
      return h("button", { type: "button", role: "tab", "aria-selected": m === state.method, tabindex: m === state.method ? 0 : -1, onclick: () => open(m), onfocus: () => m !== state.method && open(m) },
        mine.map((record) => pip(record.verdict)), " ", row.method);
    }));
    const all = () => [...tabs.querySelectorAll("[role=tab]")];
    roving(tabs, all, { next: ["ArrowRight", "ArrowDown"], previous: ["ArrowLeft", "ArrowUp"] });
    const body = h("div", { role: "tabpanel", "aria-label": rows[state.method].method });
    function open(m) {
      state.method = m;
      state.sample = 0;
      all().forEach((tab, i) => { tab.setAttribute("aria-selected", i === m); tab.tabIndex = i === m ? 0 : -1; });
      body.setAttribute("aria-label", rows[m].method);
      fillBody();
    }
    function fillBody() {
      const mine = records.filter((record) => record.m === state.method);
      const record = mine[state.sample] || mine[0];
      if (!record) return swap(body, h("p", {}, "Not run."));
      const samples = mine.length > 1 && h("label", { class: "samples" }, "Sample ", h("select", { onchange: (event) => { state.sample = Number(event.target.value); fillBody(); } },
        mine.map((r, i) => h("option", { value: i, selected: r === record }, `${r.s + 1}: ${verdictName(r.verdict)}`))));
      swap(body, samples, summary(record, problem), traceView(record, data));
    }
    swap(detail, 
      h("h3", {}, `Problem ${state.problem + 1}`, h("small", {}, problem.id, problem.level && `, ${data.level_key} ${problem.level}`)),
      h("p", { class: "question" }, problem.question),
      problem.options.length > 0 && h("ol", { class: "options" }, problem.options.map((text) => h("li", {}, text))),
      h("p", { class: "reference" }, "Reference: ", h("b", {}, problem.reference)), tabs, body);
    fillBody();
  }

  const summary = (record, problem) => h("p", { class: `outcome v-${record.verdict}` }, pip(record.verdict), " ",
    record.answer === null ? verdictName(record.verdict) : ["answered ", h("b", {}, record.answer), ` \u2013 ${verdictName(record.verdict)}`],
    h("span", { class: "facts" }, `${plural(record.tokens, "token")}, ${plural(record.calls, "scorer call")}, ${seconds(record.seconds)} s, graded by ${record.stage}`),
    record.detail && h("span", { class: "error-text" }, record.detail));

  roving(list, () => [...list.querySelectorAll("[role=option]")], { next: ["ArrowDown"], previous: ["ArrowUp"] });
  update();
  return h("div", { class: "browser" }, h("div", { class: "finder" }, filters, count, list), detail);
}

function traceView(record, data) {
  if (record.trace === null) return h("p", { class: "note" }, "The paths of this problem were left out to keep the report small; they are in the run folder.");
  const trace = data.traces[record.trace];
  const byId = new Map(trace.nodes.map((node) => [node.id, node]));
  const depth = (node) => (node.parent && byId.has(node.parent) ? 1 + depth(byId.get(node.parent)) : 0);
  const tree = h("div", { class: "tree", role: "tree", "aria-label": "Paths" });
  const few = trace.nodes.length <= 2;
  const items = trace.nodes.map((node, i) => pathView(node, depth(node), few || node.fate === "chosen", i === 0, data));
  tree.append(...items.map((item) => item.box));
  roving(tree, () => items.map((item) => item.head), { next: ["ArrowDown"], previous: ["ArrowUp"] });
  tree.addEventListener("keydown", (event) => {
    const item = items.find((candidate) => candidate.head === document.activeElement);
    if (!item || !["ArrowRight", "ArrowLeft"].includes(event.key)) return;
    event.preventDefault();
    item.toggle(event.key === "ArrowRight");
  });
  const all = (open) => h("button", { type: "button", onclick: () => items.forEach((item) => item.toggle(open)) }, open ? "Open all" : "Close all");
  const reveal = (path) => {
    const item = items[trace.nodes.findIndex((node) => node.id === path)];
    item.toggle(true);
    focusOne(items.map((one) => one.head), item.head);
    item.head.scrollIntoView({ block: "center" });
  };
  return h("section", { class: "trace" }, drawings(trace, data, reveal),
    h("div", { class: "trace-head" }, h("h4", {}, plural(trace.nodes.length, "path")), all(true), all(false),
      legend([["prompt", "o-prompt"], ["model", "o-model"], ["injected", "o-injected"], ["tool", "o-tool"]])),
    tree,
    h("details", { class: "events" }, h("summary", {}, plural(trace.events.length, "event")),
      h("ol", {}, trace.events.map(([kind, path, text]) => h("li", {}, h("code", {}, path || "\u2013"), " ", h("b", {}, kind.replace("_", " ")), " ", data.texts[text])))));
}

const FATES = { chosen: "chosen", candidate: "candidate", pruned: "pruned", left: "not used" };

function pathView(node, depth, open, first, data) {
  const tokens = (node.pieces || []).reduce((sum, [origin, , n]) => sum + (origin === "prompt" ? 0 : n), 0);
  const origin = node.how === "opened" ? "" : `${node.how} from ${node.parent} at token ${node.start}`;
  const words = [FATES[node.fate] + (node.reason ? `: ${node.reason}` : ""), origin, plural(tokens, "token"), node.finish ? `ended by ${node.finish}` : "open", node.role !== "solver" && node.role];
  const head = h("div", { class: "path-head", role: "treeitem", tabindex: first ? 0 : -1, "aria-level": depth + 1, "aria-expanded": open, onclick: () => toggle() },
    h("code", {}, node.id), " ", node.verdict && pip(node.verdict), node.answer !== undefined && h("b", { class: "path-answer" }, node.answer),
    node.rank !== undefined && score(node.rank, "score by which the method ranked it"), h("span", { class: "path-facts" }, words.filter(Boolean).join(" \u00b7 ")));
  head.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      toggle();
    }
  });
  const body = h("div", { class: "path-body", hidden: !open });
  const box = h("div", { class: `path fate-${node.fate} depth-${Math.min(depth, 6)}` }, head, body);
  let drawn = false;
  function draw() {
    drawn = true;
    body.append(...pieces(node, data));
  }
  function toggle(to) {
    const now = to === undefined ? body.hidden : to;
    if (now && !drawn) draw();
    body.hidden = !now;
    head.setAttribute("aria-expanded", now);
  }
  if (open) draw();
  return { box, head, toggle };
}

const score = (value, title = "score of the path up to here") => {
  const chip = h("span", { class: "score", title }, Number(value).toPrecision(2));
  chip.style.setProperty("--s", Math.min(1, Math.max(0, value)));
  return chip;
};

function pieces(node, data) {
  const parts = node.pieces || [];
  const steps = node.steps || [];
  const own = parts.filter(([origin]) => origin === "model");
  const mark = data.preset.step_delimiter || "\n\n";
  const shown = [];
  if (steps.length) shown.push(h("div", { class: "steps" }, h("span", {}, `${node.scorer}, step by step: `), steps.map((value) => score(value))));
  for (const [origin, text, count, value] of parts) {
    const words = data.texts[text];
    const title = `${origin}, ${plural(count, "token")}`;
    if (origin === "prompt") {
      shown.push(h("details", { class: "prompt" }, h("summary", {}, `prompt, ${plural(count, "token")}`), h("pre", { class: "piece o-prompt" }, words)));
      continue;
    }
    const split = own.length === 1 && origin === "model" && node.how === "opened" ? words.split(mark) : [words];
    const body = h("pre", { class: `piece o-${origin}`, title });
    const each = split.length > 1 && (split.length === steps.length || (split[split.length - 1] === "" && split.length - 1 === steps.length));
    if (each) split.forEach((step, i) => body.append(step + (i < split.length - 1 ? mark.replace(/\n+$/, "") : ""), i < steps.length ? score(steps[i]) : "", i < split.length - 1 ? mark : ""));
    else body.append(words.replace(/^\n+|\n+$/g, ""), value === undefined ? "" : score(value));
    shown.push(body);
  }
  if (!parts.length) shown.push(h("p", { class: "note" }, "wrote nothing of its own"));
  return shown;
}
