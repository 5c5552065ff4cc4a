// Accepted drafts: the text of a path, in which every run that one call of the target kept of a guess is shaded; what is not shaded took a call a token.

function draftsView(drawn, view) {
  const runs = Object.entries(drawn.lengths);
  const several = runs.reduce((sum, [, count]) => sum + count, 0);
  const mean = drawn.n_tokens / drawn.calls;
  const most = Math.max(2, ...runs.map(([tokens]) => Number(tokens)));
  const all = [["1", drawn.calls - several], ...runs];
  const peak = Math.max(...all.map(([, count]) => count), 1);
  const bars = h("ol", { class: "lengths", "aria-label": "Target calls by the tokens they wrote" }, all.map(([tokens, count]) => {
    const bar = shade(h("span", { class: "length-bar" }), Number(tokens), most);
    bar.style.setProperty("height", `${Math.max(1, Math.round((56 * count) / peak))}px`);
    return h("li", { title: `${plural(count, "target call")} wrote ${plural(Number(tokens), "token")}` }, h("small", {}, whole(count)), bar, tokens);
  }));
  const paths = [...drawn.paths];
  const gain = (path) => sum(path, "n_tokens") / Math.max(1, sum(path, "calls"));
  const best = paths.reduce((a, b) => (gain(b) > gain(a) ? b : a));
  return drawing("drafts", "Accepted drafts", null,
    h("p", { class: "drafts-caption" }, h("b", {}, mean.toFixed(2)), " tokens a target call: ", `${plural(drawn.n_tokens, "token")} in ${plural(drawn.calls, "target call")}, ${whole(several)} of which kept a guess.`, several === 0 && " Nothing was drafted that stood: where a forward pass costs as much as its tokens, drafts do not pay and none are made."),
    several > 0 && [bars, h("p", { class: "note" }, "Target calls by the tokens they wrote. In the texts every shaded run came of one call, the longer the darker; what is not shaded took a call a token.")],
    several > 0 && paths.map((path) => h("details", { class: "draft", open: path === best },
      h("summary", {}, toPath(path.path, view), ` ${gain(path).toFixed(2)} tokens a call: ${plural(sum(path, "n_tokens"), "token")}, ${plural(sum(path, "calls"), "call")}`),
      path.parts.map((part) => shadedText(part, most, view)))));
}

const sum = (path, name) => path.parts.reduce((total, part) => total + part[name], 0);

const shade = (node, tokens, most) => {
  node.style.setProperty("--n", tokens < 2 ? 0 : 0.25 + (0.75 * (tokens - 1)) / Math.max(1, most - 1));
  return node;
};

// Line ends are written too, since a run may be nothing else; empty lines take no room.
const lines = (text) => text.replace(/\n+/g, (ends) => `${"\u21b5".repeat(ends.length)}\n`);

function shadedText(part, most, view) {
  const letters = Array.from(view.text(part.text)); // places count characters, not halves of them
  const shown = [];
  let at = 0;
  for (const [start, size, tokens] of part.runs) {
    shown.push(lines(letters.slice(at, start).join("")));
    shown.push(shade(h("span", { class: "run", title: `${plural(tokens, "token")} in one target call` }, lines(letters.slice(start, start + size).join(""))), tokens, most));
    at = start + size;
  }
  return h("p", { class: "drafted" }, shown, lines(letters.slice(at).join("")), part.left_out && h("span", { class: "note" }, ` [${whole(part.left_out)} more characters are not drawn]`));
}
