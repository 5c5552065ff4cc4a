// The curve page of a training run: state, curves over steps, share of time, samples. Loads itself anew while the run goes on.

const data = JSON.parse(document.getElementById("data").textContent);
const { run, steps, evaluations, samples } = data;
const kept = history.state || {}; // what the reader chose, carried over a reload
const knobs = run.knobs || {};
const section = (id, title, ...children) => h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), children);
const short = (value) => value === null || value === undefined ? "\u2013" : value === 0 ? "0" : Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
const share = (value) => (value === null || value === undefined ? "\u2013" : `${percent(value)} %`);
const number = (value) => typeof value === "number" && Number.isFinite(value);
const span = (value) => value < 90 ? `${Math.round(value)} s` : value < 5400 ? `${Math.round(value / 60)} min` : `${(value / 3600).toFixed(1)} h`;

// ---- curves --------------------------------------------------------------------------------------------------------------

const PLOT = 220; // height of a plot in pixels
const drawn = []; // every curve's {redraw, point}
let window_ = kept.window ?? (steps.length >= 20 ? 5 : 1); // steps in a running mean
const stages = steps.filter((row, i) => i === 0 || row.stage !== steps[i - 1].stage).map((row) => ({ step: row.step, name: row.stage }));
const first = Math.min(...steps.map((row) => row.step), ...evaluations.map((row) => row.step));
const last = Math.max(...steps.map((row) => row.step), ...evaluations.map((row) => row.step));

// The mean of the last `window_` values that there are, within a stage.
function smoothed(points) {
  if (window_ < 2) return points;
  return points.map(([x, y, stage], i) => {
    if (y === null) return [x, null, stage];
    const near = points.slice(Math.max(0, i - window_ + 1), i + 1).filter((p) => p[1] !== null && p[2] === stage);
    return [x, near.reduce((sum, p) => sum + p[1], 0) / near.length, stage];
  });
}

// Runs of points that follow each other: a line breaks where a value is missing and where a stage ends.
function runsOf(points) {
  const runs = [];
  let open = null;
  for (const p of points) {
    if (p[1] === null) open = null;
    else if (open && open[0][2] === p[2]) open.push(p);
    else runs.push((open = [p]));
  }
  return runs;
}

const column = (key) => steps.map((row) => [row.step, number(row[key]) ? row[key] : null, row.stage]);
const has = (key) => steps.some((row) => number(row[key]));

// Wilson's 95 % interval of a share of n problems.
function wilson(p, n) {
  const z = 1.96;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return [middle - half, middle + half];
}

function heldOut(key, intervals = false) {
  const points = evaluations.filter((row) => number(row[key])).map((row) => [row.step, row[key], "held-out", intervals && row.problems ? wilson(row[key], row.problems) : null]);
  return points.length ? [{ name: "held-out problems", points, held: true }] : [];
}

// chart: {title, unit, series: [{name, points: [[step, value or null, stage, interval?]], held?, part?}], format, floor?, ceiling?}
function curve(chart) {
  const holder = h("div", { class: "holder" });
  const values = h("ul", { class: "values" });
  const figure = h("figure", { class: "curve" }, h("figcaption", {}, chart.title, h("small", {}, chart.unit)), holder, values);
  chart.series.forEach((one, i) => (one.color = `m${i % 8}`));
  let cursor = null;
  let X = null;

  function read(step) {
    const at = (one) => {
      const known = one.points.filter((p) => p[1] !== null && (step === null || p[0] <= step));
      const found = known[known.length - 1];
      return !found || (step !== null && !one.held && found[0] !== step) ? null : found;
    };
    swap(values, h("li", { class: "at" }, step === null ? "last" : `step ${whole(step)}`), chart.series.map((one) => {
      const found = at(one);
      const interval = found && found[3] ? ` [${found[3].map((v) => percent(v)).join(", ")}]` : "";
      return h("li", { class: one.color }, h("span", { class: `swatch${one.held ? " ring" : one.part ? " dashed" : ""}` }), one.name, h("b", {}, found ? chart.format(found[1]) + interval : "\u2013"));
    }));
  }

  function point(step) {
    if (cursor) {
      cursor.setAttribute("visibility", step === null ? "hidden" : "visible");
      if (step !== null) for (const end of ["x1", "x2"]) cursor.setAttribute(end, X(step));
    }
    read(step);
  }

  function redraw() {
    const width = Math.max(260, holder.clientWidth);
    const frame = { x1: 50, x2: width - 10, y1: stages.length > 1 ? 20 : 8, y2: PLOT - 38 };
    const lines = chart.series.map((one) => (one.held ? one.points : smoothed(one.points)));
    const all = chart.series.flatMap((one, i) => [...one.points, ...lines[i]]).flatMap((p) => [p[1], ...(p[3] || [])]).filter((v) => v !== null);
    let [low, high] = [Math.min(...all), Math.max(...all)];
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    [low, high] = [Math.max(chart.floor ?? -Infinity, low - room), Math.min(chart.ceiling ?? Infinity, high + room)];
    if (high <= low) [low, high] = [low - room, low + room];
    X = (v) => frame.x1 + (last === first ? 0.5 : (v - first) / (last - first)) * (frame.x2 - frame.x1);
    const Y = (v) => frame.y2 - ((v - low) / (high - low)) * (frame.y2 - frame.y1);
    const svg = s("svg", { width, height: PLOT, viewBox: `0 0 ${width} ${PLOT}`, role: "group", tabindex: 0, "aria-label": `${chart.title}, ${chart.unit}, over steps; arrow keys read it step by step` });
    axes(svg, frame, X, Y, low, high, chart.format);
    chart.series.forEach((one, i) => {
      const group = s("g", { class: `${one.color}${one.part ? " part" : ""}` });
      const path = (points, name) => runsOf(points).map((run_) => run_.length === 1 ? s("circle", { class: "spot", cx: X(run_[0][0]), cy: Y(run_[0][1]), r: 2.5 })
        : s("polyline", { class: name, points: run_.map((p) => `${X(p[0]).toFixed(1)},${Y(p[1]).toFixed(1)}`).join(" ") }));
      if (one.held) {
        fill(group, {}, [one.points.filter((p) => p[3]).map((p) => s("line", { class: "interval", x1: X(p[0]), x2: X(p[0]), y1: Y(p[3][0]), y2: Y(p[3][1]) })), path(one.points, "raw"),
          one.points.map((p) => s("circle", { class: "held", cx: X(p[0]), cy: Y(p[1]), r: 3.5 }))]);
      } else {
        const smooth = window_ > 1;
        fill(group, {}, [path(one.points, smooth ? "raw faint" : "raw"), smooth && path(lines[i], "smooth")]);
      }
      svg.append(group);
    });
    cursor = follow(svg, frame, X);
    swap(holder, svg);
    read(null);
  }
  read(null); // before anything is drawn, so that the page has its height at once
  observe(holder, redraw);
  drawn.push({ redraw: () => holder.clientWidth && redraw(), point });
  return figure;
}

function axes(svg, frame, X, Y, low, high, format) {
  for (const tick of ticks(low, high, 4)) {
    svg.append(s("line", { class: "grid", x1: frame.x1, x2: frame.x2, y1: Y(tick), y2: Y(tick) }), s("text", { class: "tick", x: frame.x1 - 6, y: Y(tick) + 4, "text-anchor": "end" }, format(tick).replace(/\.0 %$/, " %")));
  }
  const at = last > first ? ticks(first, last, 6).filter(Number.isInteger) : [last];
  for (const tick of at) svg.append(s("text", { class: "tick", x: X(tick), y: frame.y2 + 15, "text-anchor": "middle" }, whole(tick)));
  svg.append(
    s("line", { class: "axis", x1: frame.x1, x2: frame.x2, y1: frame.y2, y2: frame.y2 }),
    s("line", { class: "axis", x1: frame.x1, x2: frame.x1, y1: frame.y1, y2: frame.y2 }),
    s("text", { class: "unit", x: (frame.x1 + frame.x2) / 2, y: PLOT - 6, "text-anchor": "middle" }, "step"),
  );
  if (stages.length < 2) return;
  let free = -Infinity; // names that would cover each other are left to the list of stages above
  for (const stage of stages) {
    const x = stage === stages[0] ? frame.x1 : X(stage.step);
    if (stage !== stages[0]) svg.append(s("line", { class: "stage-line", x1: x, x2: x, y1: frame.y1 - 12, y2: frame.y2 }));
    if (x > free && x + measure(stage.name) < frame.x2 + 10) {
      svg.append(s("text", { class: "stage-name", x: x + 4, y: 12 }, stage.name));
      free = x + measure(stage.name) + 8;
    }
  }
}

// The line under the pointer, the same step in every plot; arrow keys move it.
function follow(svg, frame, X) {
  const line = s("line", { class: "cursor", y1: frame.y1, y2: frame.y2, visibility: "hidden" });
  const known = [...new Set([...steps.map((row) => row.step), ...evaluations.map((row) => row.step)])].sort((a, b) => a - b);
  let chosen = null;
  const choose = (step) => {
    chosen = step;
    for (const one of drawn) one.point(step);
  };
  svg.append(line);
  svg.addEventListener("pointermove", (event) => {
    const x = event.clientX - svg.getBoundingClientRect().left;
    choose(known.reduce((best, step) => (Math.abs(X(step) - x) < Math.abs(X(best) - x) ? step : best)));
  });
  svg.addEventListener("pointerleave", () => choose(null));
  svg.addEventListener("blur", () => choose(null));
  svg.addEventListener("keydown", (event) => {
    const at = chosen === null ? known.length - 1 : known.indexOf(chosen);
    const to = { ArrowLeft: chosen === null ? at : at - 1, ArrowRight: at + 1, Home: 0, End: known.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(known[Math.max(0, Math.min(known.length - 1, to))]);
  });
  return line;
}

function observe(holder, redraw) {
  let seen = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth && holder.clientWidth !== seen) {
      seen = holder.clientWidth;
      redraw();
    }
  }).observe(holder);
}

// Share of a step's time by phase: stacked, each step as wide as it is.
function phases(all_) {
  const totals_ = new Map(all_.map((key) => [key, steps.reduce((sum, row) => sum + (number(row[key]) ? row[key] : 0), 0)]));
  const whole_ = [...totals_.values()].reduce((sum, value) => sum + value, 0) || 1;
  const small = all_.filter((key) => totals_.get(key) < 0.01 * whole_);
  const keys = all_.filter((key) => !small.includes(key)).sort((a, b) => totals_.get(b) - totals_.get(a));
  if (small.length) {
    for (const row of steps) row["time/all else"] = small.reduce((sum, key) => sum + (number(row[key]) ? row[key] : 0), 0);
    keys.push("time/all else");
  }
  const sums = steps.map((row) => keys.reduce((sum, key) => sum + (number(row[key]) ? row[key] : 0), 0));
  const series = keys.map((key) => ({ name: words(key), points: steps.map((row, i) => [row.step, sums[i] ? (row[key] || 0) / sums[i] : null, row.stage]) }));
  const holder = h("div", { class: "holder" });
  const values = h("ul", { class: "values" });
  let cursor = null;
  let X = null;
  const read = (step) => {
    const i = step === null ? steps.length - 1 : steps.findIndex((row) => row.step === step);
    swap(values, h("li", { class: "at" }, step === null ? "last" : `step ${whole(step)}`),
      series.map((one, k) => h("li", { class: `m${k % 8}` }, h("span", { class: "swatch" }), one.name, h("b", {}, i < 0 ? "\u2013" : share(one.points[i][1])))));
  };
  const redraw = () => {
    const width = Math.max(260, holder.clientWidth);
    const frame = { x1: 50, x2: width - 10, y1: stages.length > 1 ? 20 : 8, y2: PLOT - 38 };
    X = (v) => frame.x1 + (last === first ? 0.5 : (v - first) / (last - first)) * (frame.x2 - frame.x1);
    const Y = (v) => frame.y2 - v * (frame.y2 - frame.y1);
    const half = last === first ? (frame.x2 - frame.x1) / 2 : 0;
    const svg = s("svg", { width, height: PLOT, viewBox: `0 0 ${width} ${PLOT}`, role: "group", tabindex: 0, "aria-label": "Share of a step's time by phase; arrow keys read it step by step" });
    const below = steps.map(() => 0);
    series.forEach((one, k) => {
      const top = [];
      const bottom = [];
      steps.forEach((row, i) => {
        const value = one.points[i][1] || 0;
        for (const x of half ? [X(row.step) - half, X(row.step) + half] : [X(row.step)]) {
          top.push(`${x.toFixed(1)},${Y(below[i] + value).toFixed(1)}`);
          bottom.unshift(`${x.toFixed(1)},${Y(below[i]).toFixed(1)}`);
        }
        below[i] += value;
      });
      svg.append(s("polygon", { class: `area m${k % 8}`, points: [...top, ...bottom].join(" ") }));
    });
    axes(svg, frame, X, Y, 0, 1, share);
    cursor = follow(svg, frame, X);
    swap(holder, svg);
    read(null);
  };
  read(null); // before anything is drawn, so that the page has its height at once
  observe(holder, redraw);
  drawn.push({
    redraw: () => {},
    point: (step) => {
      if (cursor) cursor.setAttribute("visibility", step === null ? "hidden" : "visible");
      if (cursor && step !== null) for (const end of ["x1", "x2"]) cursor.setAttribute(end, X(step));
      read(step);
    },
  });
  const totals = keys.map((key) => steps.reduce((sum, row) => sum + (number(row[key]) ? row[key] : 0), 0));
  const all = totals.reduce((sum, value) => sum + value, 0) || 1;
  return h("figure", { class: "curve" }, h("figcaption", {}, "Time by phase", h("small", {}, "share of a step")), holder, values,
    h("div", { class: "whole-run" }, bars([{ name: "whole run", note: span(data.spent), parts: keys.map((key, k) => ({ name: words(key), value: totals[k], class: `m${k % 8}` })) }], all, (value) => share(value / all))));
}

// ---- which curves --------------------------------------------------------------------------------------------------------

const WORDS = {
  reward: "mean reward", accuracy: "training samples", tokens: "training samples", cut: "training samples", grad_norm: "gradient norm", approx_kl: "to the policy that sampled (estimate)",
  kl: "to the reference", approx_kl_k1: "the same, estimate k1", mismatch_kl: "engine against trainer", entropy: "of the next token", entropy_estimate: "of the next token (estimate)", loss: "total", seconds: "with everything", loss_rl: "reinforcement", loss_sft: "supervised",
  loss_pref: "preference", loss_quality: "quality", loss_gen: "likelihood", zero_gradient_fraction: "tokens without gradient", outside_fraction: "weights outside the bounds",
};
const KINDS = { rl: "reinforcement", sft: "supervised", preference: "preference" };
const words = (key) => WORDS[key] || key.split("/").slice(key.includes("/") ? 1 : 0).join(" / ").replaceAll("_", " ");
const keys = [...new Set(steps.flatMap((row) => Object.keys(row)))].filter((key) => key !== "step" && has(key));
const taken = new Set();
const take = (test) => keys.filter((key) => !taken.has(key) && test(key) && taken.add(key));
const lines = (found, part = () => false, kind = null) => found.map((key) => ({ name: words(key), points: column(key).map((p, i) => (kind === null || steps[i].kind === kind ? p : [p[0], null, p[2]])), part: part(key) }));

function plan() {
  const charts = [];
  const add = (title, unit, series, more = {}) => series.length && charts.push({ title, unit, series, format: short, ...more });
  const shares = { format: share, floor: 0, ceiling: 1 };
  add("Reward", "mean over the step's samples; dashed: its parts", lines([...take((k) => k === "reward"), ...take((k) => k.startsWith("reward/"))], (k) => k !== "reward"));
  add("Accuracy", "right answers; bars: 95 % over problems", [...lines(take((k) => k === "accuracy")), ...heldOut("accuracy", true)], shares);
  add("Length of a response", "tokens", [...lines(take((k) => k === "tokens")), ...heldOut("tokens")], { floor: 0 });
  const losses = [...take((k) => k === "loss"), ...take((k) => /^(\w+\/)?loss[_/]/.test(k))];
  const kinds = [...new Set(steps.map((row) => row.kind))]; // their losses have nothing in common, the scale least of all
  for (const kind of kinds) add(kinds.length > 1 ? `Loss, ${KINDS[kind] || kind}` : "Loss", "", lines(losses.filter((key) => steps.some((row) => row.kind === kind && number(row[key]))), (k) => k !== "loss", kind));
  add("KL divergence", "nats a token", lines(take((k) => /(^|[/_])kl($|[/_])/.test(k))));
  add("Entropy", "nats a token", lines(take((k) => /entropy/.test(k))), { floor: 0 });
  add("Clipped", "share of tokens", lines(take((k) => /clip|zero_gradient/.test(k))), shares);
  add("Gradient norm", "before clipping", lines(take((k) => k === "grad_norm")), { floor: 0 });
  add("Cut at the limit", "share of responses", [...lines(take((k) => k === "cut")), ...heldOut("cut")], shares);
  const time = take((k) => k.startsWith("time/"));
  add("Time", "seconds a step", lines(take((k) => k === "seconds")), { floor: 0 });
  const main = charts.splice(0);
  const families = new Map();
  for (const key of take(() => true)) families.set(key.includes("/") ? key.split("/")[0] : key, [...(families.get(key.includes("/") ? key.split("/")[0] : key) || []), key]);
  for (const [family, found] of families) add(words(family), "", lines(found));
  return { main, time, more: charts };
}

// ---- head line -----------------------------------------------------------------------------------------------------------

function change(values, format) {
  const known = values.filter(number);
  if (known.length < 2) return null;
  const mean = (list) => list.reduce((sum, v) => sum + v, 0) / list.length;
  const few = Math.min(5, Math.floor(known.length / 2));
  return [format(mean(known.slice(0, few))), format(mean(known.slice(-few)))];
}

function lead() {
  const tested = evaluations.filter((row) => number(row.accuracy));
  const [from, to] = [tested[0], tested[tested.length - 1]];
  if (tested.length > 1) {
    const tokens = number(from.tokens) && number(to.tokens) ? `; a response from ${whole(from.tokens)} to ${whole(to.tokens)} tokens` : "";
    return h("p", { class: "lead" }, "On ", h("b", {}, `${whole(to.problems)} held-out problems`), ` accuracy went from ${percent(from.accuracy)} % at step ${whole(from.step)} to ${percent(to.accuracy)} % at step ${whole(to.step)}${tokens}.`);
  }
  const reward = change(steps.map((row) => row.reward), short);
  const tokens = change(steps.map((row) => row.tokens), whole);
  const said = [reward && `mean reward from ${reward[0]} to ${reward[1]}`, tokens && `a response from ${tokens[0]} to ${tokens[1]} tokens`].filter(Boolean);
  return said.length ? h("p", { class: "lead" }, `In training samples: ${said.join(", ")} (means of the first and last steps). Nothing has been measured on held-out problems twice yet.`) : null;
}

function status() {
  const age = Date.now() / 1000 - data.written;
  const over = !data.live && !data.stopped && (data.total === null || data.done >= data.total);
  const name = data.live ? "running" : over ? "finished" : "stopped";
  const recent = steps.slice(-10).filter((row) => number(row.seconds));
  const pace = recent.length ? recent.reduce((sum, row) => sum + row.seconds, 0) / recent.length : null;
  const left = data.live && data.total !== null && pace ? `, about ${span(pace * (data.total - data.done))} to go` : "";
  const follows = h("button", { type: "button", "aria-pressed": following, onclick: () => {
    following = !following;
    follows.setAttribute("aria-pressed", String(following));
    follows.textContent = following ? "stop following" : "follow";
  } }, following ? "stop following" : "follow");
  const means = h("select", { "aria-label": "Thick lines are means of", onchange: (event) => {
    window_ = Number(event.target.value);
    for (const one of drawn) one.redraw();
  } }, [1, 5, 10, 25].map((n) => h("option", { value: n, selected: n === window_ }, n === 1 ? "every step" : `means of ${n} steps`)));
  return [
    h("p", { class: "status" }, h("span", { class: `state ${name}` }, name), h("span", {}, `step ${whole(data.done)}${data.total === null ? "" : ` of ${whole(data.total)}`}, ${span(data.spent)}${left}`),
      h("span", {}, `written ${new Date(data.written * 1000).toLocaleTimeString()}`), data.live && follows, h("label", {}, "Lines: ", means)),
    data.total !== null && !over && h("div", { class: "progress", role: "img", "aria-label": `step ${data.done} of ${data.total}` }, h("span", { id: "bar" })),
    (name === "stopped" || (data.live && age > 900)) && h("p", { class: "warnings" }, data.live ? `Nothing new for ${span(age)}: the run may have been stopped. ` : "The run ended before its last step. ", "To go on: ", h("code", {}, data.resume)),
    data.reward_errors > 0 && h("p", { class: "warnings" }, `${plural(data.reward_errors, "sample")} got no reward (the reward or the grader failed) and were left out, as --on-reward-error count asks for.`),
  ];
}

// ---- samples -------------------------------------------------------------------------------------------------------------

const THOUGHT = /^\s*(?:<(?:think|thinking|thought)>)?([\s\S]*?)<\/(?:think|thinking|thought)>([\s\S]*)$/;
const OPEN = /^\s*<(?:think|thinking|thought)>([\s\S]*)$/;

function response(sample) {
  const [, thought, rest] = THOUGHT.exec(sample.text) || OPEN.exec(sample.text)?.concat("") || [null, null, sample.text];
  const said = rest.trim();
  const start = thought === null ? "" : thought.trim().replace(/\s+/g, " ").slice(0, 90);
  return h("div", { class: `response ${sample.right ? "right" : "wrong"}` },
    thought !== null && h("details", {}, h("summary", {}, `Thought: ${start}${thought.trim().length > 90 ? "\u2026" : ""}`), h("p", {}, thought.trim())),
    h("p", {}, said || (thought === null ? "(nothing)" : "(no answer after the thought)")));
}

function rollouts(chosen) {
  const groups = new Map();
  for (const sample of chosen) groups.set(sample.problem + "\0" + sample.question, [...(groups.get(sample.problem + "\0" + sample.question) || []), sample]);
  const largest = Math.max(...samples.map((one) => Math.abs(one.advantage || 0)), 1e-9);
  const verdict = (one) => one.right === null || one.right === undefined ? "not judged" : [pip(one.right ? "correct" : "wrong", one.right ? "right" : "wrong"), one.right ? " right" : " wrong"];
  const advantage = (value) => {
    if (!number(value)) return "\u2013";
    const pill = h("span", { class: `advantage ${value > 0 ? "up" : value < 0 ? "down" : ""}` }, `${value > 0 ? "+" : value < 0 ? "\u2212" : ""}${Math.abs(value).toFixed(2)}`);
    pill.style.setProperty("--a", Math.abs(value) / largest);
    return pill;
  };
  return [...groups.values()].map((group) => {
    const parts = [...new Set(group.flatMap((one) => Object.keys(one.parts || {})))];
    const heads = ["answer", "reward", ...parts.map((part) => part.replaceAll("_", " ")), "advantage", "tokens"];
    return h("div", { class: "prompt-of" }, h("h3", {}, h("small", {}, group[0].problem)), h("p", { class: "question" }, group[0].question),
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Samples of ${group[0].problem}` }, h("table", { class: "rollouts" },
        h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
        group.map((one) => h("tbody", {},
          h("tr", {}, h("td", { class: "left verdict" }, verdict(one)), h("td", {}, short(one.reward)), parts.map((part) => h("td", {}, short((one.parts || {})[part]))), h("td", {}, advantage(one.advantage)), h("td", {}, number(one.tokens) ? whole(one.tokens) : "\u2013")),
          h("tr", {}, h("td", { class: "text", colspan: heads.length }, response(one))))))));
  });
}

const chosen = { step: kept.step ?? "newest", verdict: kept.verdict ?? "all", order: kept.order ?? "written" };

function sampleTable() {
  if (!samples.length) return h("p", { class: "note" }, "No sample has been recorded yet.");
  const known = [...new Set(samples.map((one) => one.step))].sort((a, b) => b - a);
  const box = h("div", {});
  const count = h("p", { class: "count", "aria-live": "polite" });
  const show = () => {
    const step = chosen.step === "newest" ? known[0] : Number(chosen.step);
    const found = samples.filter((one) => one.step === step && (chosen.verdict === "all" || (chosen.verdict === "right") === Boolean(one.right)));
    const by = { written: () => 0, best: (a, b) => (b.advantage || 0) - (a.advantage || 0), worst: (a, b) => (a.advantage || 0) - (b.advantage || 0), longest: (a, b) => (b.tokens || 0) - (a.tokens || 0) };
    count.textContent = `${plural(found.length, "sample")} of step ${whole(step)}`;
    swap(box, rollouts([...found].sort(by[chosen.order])));
  };
  const select = (name, title, options) => h("label", {}, title, h("select", { onchange: (event) => {
    chosen[name] = event.target.value;
    show();
  } }, options.map(([value, text]) => h("option", { value, selected: String(value) === String(chosen[name]) }, text))));
  show();
  return [
    h("div", { class: "chooser" }, select("step", "Step", [["newest", `newest (${known[0]})`], ...known.map((step) => [step, step])]),
      select("verdict", "Answers", [["all", "all"], ["right", "right"], ["wrong", "wrong"]]),
      select("order", "Order", [["written", "as written"], ["best", "highest advantage first"], ["worst", "lowest advantage first"], ["longest", "longest first"]])),
    count, box,
    data.steps_without_samples > 0 && h("p", { class: "note" }, `Samples of ${plural(data.steps_without_samples, "step")} are left out to keep this file small; all are in samples.jsonl.`),
  ];
}

// ---- the page ------------------------------------------------------------------------------------------------------------

function making() {
  const text = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));
  const pairs = (entries) => h("dl", { class: "pairs" }, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, text(value)))));
  const other = Object.entries(run).filter(([name, value]) => !["knobs", "versions"].includes(name) && value !== null);
  return section("making", "How this is made", pairs(other), Object.keys(knobs).length > 0 && [h("h3", {}, "Knobs", h("small", {}, "all others have their defaults")), pairs(Object.entries(knobs))], run.versions && [h("h3", {}, "Versions"), pairs(Object.entries(run.versions))],
    h("p", { class: "note" }, "Thin lines: every step; thick lines: the running mean chosen above. Rings: held-out problems, never trained on.", data.steps_a_point > 1 && ` Each point is the mean of ${data.steps_a_point} steps.`));
}

let following = kept.following ?? true;
const { main, time, more } = plan();
swap(document.getElementById("page"),
  h("header", {}, h("h1", {}, data.recipe, h("small", {}, ["training", run.model !== undefined && `of ${run.model}`, run.seed !== undefined && `, seed ${run.seed}`].filter(Boolean).join(" ").replace(" ,", ","))), lead(), status()),
  stages.length > 1 && h("p", { class: "note" }, "Stages: ", stages.map((stage, i) => [i ? ", " : "", h("b", {}, stage.name), ` from step ${whole(stage.step)}`])),
  section("curves", "Curves", steps.length || evaluations.length ? h("div", { class: "curves" }, main.map(curve), time.length > 0 && phases(time)) : h("p", { class: "note" }, "No step is done yet."),
    more.length > 0 && h("details", { class: "more-curves", id: "more" }, h("summary", {}, `${plural(more.length, "more measure")}`), h("div", { class: "curves" }, more.map(curve)))),
  section("samples", "Samples", sampleTable()),
  making());
const bar = document.getElementById("bar");
if (bar) bar.style.width = `${Math.min(100, (100 * data.done) / data.total)}%`;
if (kept.more) document.getElementById("more")?.setAttribute("open", "");
const folded = () => [...document.querySelectorAll(".response details")];
for (const at of kept.thoughts || []) if (kept.shown === folded().length) folded()[at]?.setAttribute("open", "");
if (kept.scroll) {
  history.scrollRestoration = "manual";
  scrollTo(0, kept.scroll);
}

// The older the page, the rarer the look: a run that is gone is not asked for ever. Never while the reader marks text or chooses.
if (data.live) {
  const again = () => setTimeout(() => {
    if (!following || document.hidden || String(getSelection()) || document.activeElement?.tagName === "SELECT") return again();
    const thoughts = folded().flatMap((one, i) => (one.open ? [i] : []));
    history.replaceState({ scroll: scrollY, window: window_, following, more: Boolean(document.getElementById("more")?.open), thoughts, shown: folded().length, ...chosen }, "");
    location.reload();
  }, 1000 * Math.min(60, Math.max(5, (Date.now() / 1000 - data.written) / 8)));
  again();
}
