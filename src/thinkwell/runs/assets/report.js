// The page: head line, plots, table, levels, tokens, verdicts, problems, how it was made.

const data = JSON.parse(document.getElementById("data").textContent);
const { comparison } = data;
const rows = comparison.rows;
const section = (id, title, ...children) => h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), children);
const scroll = (label, table) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
const budget = Object.entries(comparison.budget).map(([name, value]) => `${whole(value)} ${name.replace("_", " ")}`).join(", ") || "no ceiling";

const names = (list) => list.map((row, i) => [i ? (i === list.length - 1 ? " and " : ", ") : "", h("b", {}, label(row.method))]);

function lead() {
  const top = Math.max(...rows.map((row) => row.accuracy));
  const leaders = rows.filter((row) => row.accuracy === top).sort((a, b) => a.generated_tokens - b.generated_tokens);
  const best = leaders[0];
  const base = rows.find((row) => row.method === comparison.baseline);
  const gain = leaders.includes(base) ? "" : `; ${signed(best.difference)} points against ${base.method} [${best.difference_ci95.map(signed).join(", ")}], at ${whole(best.generated_tokens)} generated tokens a problem instead of ${whole(base.generated_tokens)}`;
  const failed = rows.filter((row) => row.errors);
  const cut = rows.filter((row) => row.truncated > 0.05);
  return h("header", {},
    h("h1", {}, comparison.task, h("small", {}, `${plural(rows.length, "method")} on ${plural(comparison.problems, "problem")}`)),
    h("p", { class: "lead" }, names(leaders), leaders.length > 1 ? " are" : " is", ` right most often: ${percent(top)} % [${best.ci95.map((v) => percent(v)).join(", ")}]${gain}.`),
    h("dl", { class: "facts-line" }, [["model", comparison.model], ["engine", comparison.engine], ["budget a problem", budget], ["prompt", comparison.preset], ["seed", comparison.seed], ["samples", comparison.samples]].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    (comparison.notes.length > 0 || failed.length > 0 || cut.length > 0) && h("ul", { class: "warnings" },
      comparison.notes.map((note) => h("li", {}, note)),
      failed.map((row) => h("li", {}, h("b", {}, label(row.method)), `: ${plural(row.errors, "problem")} ended in an error and count as not solved; the first: `, h("code", {}, row.first_error))),
      cut.length > 0 && h("li", {}, "Cut before they answered: ", cut.map((row, i) => [i ? ", " : "", h("b", {}, label(row.method)), ` ${percent(row.truncated, 0)} %`]), " of the problems. A larger budget may change the order.")));
}

function table() {
  const heads = ["Method", "Accuracy, % [95 %]", `Against ${comparison.baseline}`, "pass@1, %", "Generated tokens", "Prompt tokens", "Scorer calls", "Seconds", "No answer, %", "Cut, %", "Errors"];
  const best = Math.max(...rows.map((row) => row.accuracy));
  return scroll("Comparison table", h("table", {},
    h("thead", {}, h("tr", {}, heads.map((head, i) => h("th", { scope: "col", class: i ? "number" : null }, head)))),
    h("tbody", {}, rows.map((row, i) => h("tr", { class: row.accuracy === best ? "best" : null },
      h("th", { scope: "row" }, h("span", { class: `swatch m${i % 8}` }), label(row.method)),
      [`${percent(row.accuracy)} [${row.ci95.map((v) => percent(v)).join(", ")}]`,
        row.difference === null ? "\u2013" : `${signed(row.difference)} [${row.difference_ci95.map(signed).join(", ")}]${row.difference_ci95[0] > 0 || row.difference_ci95[1] < 0 ? " *" : ""}`,
        percent(row.pass_at_1), whole(row.generated_tokens), whole(row.prompt_tokens), row.scorer_calls.toFixed(1), seconds(row.seconds), percent(row.no_answer), percent(row.truncated), row.errors].map((cell) => h("td", {}, cell)))))));
}

function atK() {
  const with_k = rows.filter((row) => row.at_k.length);
  if (!with_k.length) return null;
  const groups = new Map(); // methods that drew the same samples have the same numbers: one line for all
  for (const row of with_k) groups.set(JSON.stringify(row.at_k), [...(groups.get(JSON.stringify(row.at_k)) || []), row]);
  const sizes = [...new Set(with_k.flatMap((row) => row.at_k.map((at) => at.k)))].sort((a, b) => a - b);
  const cell = (at, name) => at ? [percent(at[name]), h("small", {}, at[`${name}_ci95`].map((v) => percent(v, 0)).join("\u2013") + (at.problems < comparison.problems ? `, ${at.problems} problems` : ""))] : "";
  return section("samples", "More samples",
    h("p", { class: "note" }, "pass@k: at least one of k samples is right (unbiased). maj@k: expected credit of a vote among k, ties shared. Over the paths each method sampled, where they are plain samples of one prompt."),
    scroll("maj@k and pass@k", h("table", { class: "at-k" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Method"), h("th", { scope: "col", class: "left" }, "%"), sizes.map((k) => h("th", { scope: "col", class: "number" }, `k = ${k}`)))),
      h("tbody", {}, [...groups.values()].flatMap((same) => [["maj_at_k", "maj@k"], ["pass_at_k", "pass@k"]].map(([name, words]) => h("tr", {},
        h("th", { scope: "row" }, same.map((row, i) => [i ? ", " : "", label(row.method)])), h("td", { class: "left" }, words), sizes.map((k) => h("td", {}, cell(same[0].at_k.find((at) => at.k === k), name))))))))));
}

function levels() {
  const names = Object.keys(rows[0].levels);
  if (names.length < 2) return null;
  names.sort((a, b) => a - b || (a < b ? -1 : 1));
  return section("levels", `Accuracy by ${data.level_key}`, scroll("Accuracy by level", h("table", { class: "heat" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Method"), names.map((name) => h("th", { scope: "col", class: "number" }, name, h("small", {}, plural(rows[0].levels[name].problems, "problem")))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, label(row.method)), names.map((name) => {
      const { accuracy, ci95 } = row.levels[name];
      const cell = h("td", { title: `${row.method}, ${name}: ${percent(accuracy)} % [${ci95.map((v) => percent(v)).join(", ")}]` }, percent(accuracy, 0));
      cell.style.setProperty("--a", accuracy);
      return cell;
    })))))), h("p", { class: "note" }, "Per cent of problems. Few problems a cell: intervals (hover a cell) are wide."));
}

function tokens() {
  const roles = Object.keys(rows[0].tokens_by_role).filter((role) => rows.some((row) => row.tokens_by_role[role]));
  const parts = (row) => [...roles.map((role) => ({ name: role, value: row.tokens_by_role[role], class: `r-${role}` })),
    { name: "injected", value: row.injected_tokens, class: "o-injected" }, { name: "tool", value: row.tool_tokens, class: "o-tool" }];
  const all = rows.map((row) => ({ name: row.method, parts: parts(row), note: `${whole(row.generated_tokens)}` }));
  const total = Math.max(...all.map((row) => row.parts.reduce((sum, part) => sum + part.value, 0)), 1);
  const names = new Map(all.flatMap((row) => row.parts.filter((part) => part.value > 0).map((part) => [part.name, part.class])));
  return section("tokens", "Where the tokens went", legend([...names].map(([name, cls]) => [["injected", "tool"].includes(name) ? name : `${name} (generated)`, cls])),
    bars(all, total, whole), h("p", { class: "note" }, "Means a problem; the number is generated tokens, kept or thrown away."),
    scroll("Token accounts", h("table", {},
      h("thead", {}, h("tr", {}, ["Method", ...roles, "injected", "tool", "prompt", "scored", "prefill computed", "prefill reused", "engine calls", "paths"].map((head, i) => h("th", { scope: "col", class: i ? "number" : null }, head)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, label(row.method)),
        [...roles.map((role) => row.tokens_by_role[role]), row.injected_tokens, row.tool_tokens, row.prompt_tokens, row.scored_tokens, comparison.timing[row.method].prefill_computed, comparison.timing[row.method].prefill_reused].map((value) => h("td", {}, whole(value))),
        [row.engine_calls, row.paths].map((value) => h("td", {}, value.toFixed(1)))))))));
}

function verdicts() {
  const total = comparison.problems * comparison.samples;
  const used = Object.keys(VERDICTS).filter((verdict) => rows.some((row) => row.verdicts[verdict]));
  const all = rows.map((row) => ({ name: row.method, note: `${percent(row.accuracy, 0)} %`, parts: used.map((verdict) => ({ name: verdictName(verdict), value: (row.verdicts[verdict] || 0) / total, class: `v-${verdict}` })) }));
  return section("verdicts", "How answers ended", legend(used.map((verdict) => [verdictName(verdict), `v-${verdict}`])), bars(all, 1, (value) => `${percent(value)} %`));
}

function making() {
  const pairs = (entries) => h("dl", { class: "pairs" }, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, typeof value === "object" && value ? JSON.stringify(value) : String(value)))));
  return section("making", "How this was made",
    data.command && [h("h3", {}, "Command"), h("pre", { class: "command", tabindex: 0 }, data.command)],
    h("h3", {}, "Versions"), pairs(Object.entries(data.versions)),
    h("h3", {}, "Engine"), pairs(Object.entries(data.engine).flatMap(([name, value]) => name === "details" ? Object.entries(value || {}) : [[name, value === null ? "\u2013" : value]])),
    h("h3", {}, "Methods"), data.methods.map((method) => h("details", {}, h("summary", {}, method.label, h("small", {}, method.summary)), pairs(Object.entries(method.config)))),
    h("details", {}, h("summary", {}, `Prompt ${comparison.preset}`), pairs(Object.entries(data.preset))),
    h("p", { class: "note" }, `Report written ${data.written}. Intervals: 95 % bootstrap over problems, differences paired by problem; a star marks a difference whose interval excludes zero.`));
}

const capped = data.traced_problems < data.problems.length && h("p", { class: "note" }, `Paths are shown for ${whole(data.traced_problems)} of ${whole(data.problems.length)} problems, to keep this file small; all of them are in the run folder.`);
swap(document.getElementById("page"),
  lead(),
  section("accuracy", "Accuracy against cost", h("div", { class: "charts" },
    scatter(rows, { title: "Accuracy against tokens", key: "generated_tokens", unit: "generated tokens a problem", format: whole, line: data.pareto.tokens }),
    scatter(rows, { title: "Accuracy against time", key: "seconds", unit: "seconds a problem", format: (v) => String(Number(v.toPrecision(3))), line: data.pareto.seconds })), table()),
  atK(), levels(), verdicts(), tokens(),
  section("problems", "Problem by problem", capped, browser(data)),
  making());
