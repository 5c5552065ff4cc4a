// A discussion as a transcript: who said what to whom, round by round, what the method took from it, and what it could not read.

const OPEN_TURNS = 30; // a longer discussion shows its first and last round, the others folded
const OPEN_THREADS = 20; // of a round; the others come on demand
const LONG_TEXT = 380; // characters
const SHORT_TEXT = 90;

const AFFIRMS = ["correct", "right", "agrees", "stop"];
const DENIES = ["wrong", "incorrect", "disagrees", "mistake", "no answer"];

function dialogueView(turns, view) {
  const groups = byRound(turns);
  const unread = turns.filter((turn) => turn.unread).length;
  const speakers = new Set(turns.map((turn) => turn.speaker)).size;
  const roles = [...new Set(turns.map((turn) => turn.role))];
  const all = turns.length <= OPEN_TURNS;
  return drawing("dialogue", "Discussion", legend(roles.map((role) => [role, roleClass(role)])),
    h("p", { class: "note" }, `${plural(turns.length, "remark")} of ${plural(speakers, "speaker")} in ${plural(groups.length, "round")}`, unread > 0 && [", ", h("b", { class: "unread-count" }, `${unread} could not be read`)], "."),
    groups.map((group, i) => h("details", { class: "round", open: all || i === 0 || i === groups.length - 1 },
      h("summary", {}, h("b", {}, sentence(roundName(group.round))), ` ${plural(group.turns.length, "remark")}${decided(group.turns)}`),
      roundView(group.turns, view))));
}

const roleClass = (role) => (role === "tool" ? "o-tool" : `r-${role}`);

// Remarks without a round belong to the one around them.
function byRound(turns) {
  const groups = [];
  for (const turn of turns) {
    const last = groups[groups.length - 1];
    if (!last || (turn.round !== undefined && last.round !== undefined && last.round !== turn.round)) groups.push({ round: turn.round, turns: [turn] });
    else {
      last.turns.push(turn);
      if (last.round === undefined) last.round = turn.round;
    }
  }
  return groups;
}

// What was decided in a round, the most frequent first.
function decided(turns) {
  const counts = new Map();
  for (const turn of turns) if (turn.decision) counts.set(turn.decision, (counts.get(turn.decision) || 0) + 1);
  const order = [...counts].sort((a, b) => b[1] - a[1]);
  const words = order.slice(0, 5).map(([decision, count]) => (count > 1 ? `${count} \u00d7 ${decision}` : decision));
  return words.length ? `: ${words.join("; ")}${order.length > 5 ? " \u2026" : ""}` : "";
}

// A remark to one who spoke before in the round stands beside what it replies to.
function roundView(turns, view) {
  const threads = [];
  for (const turn of turns) {
    const to = turn.to && turn.to.length === 1 ? turn.to[0] : null;
    const before = to === null ? undefined : threads.findLast((thread) => thread.turn.speaker === to && side(thread.turn) === "ours" && side(turn) === "theirs");
    if (before) before.replies.push(turn);
    else threads.push({ turn, replies: [] });
  }
  const list = h("ol", { class: "turns" });
  const draw = (some) => list.append(...some.map((thread) => h("li", { class: "thread" }, turnView(thread.turn, view), thread.replies.length > 0 && h("div", { class: "replies" }, thread.replies.map((turn) => turnView(turn, view, true))))));
  const late = threads.slice(OPEN_THREADS);
  draw(late.length > 3 ? threads.slice(0, OPEN_THREADS) : threads);
  const more = late.length > 3 && h("button", { type: "button", onclick: () => { draw(late); more.remove(); } }, `Show ${late.length} more`);
  return [list, more];
}

const side = (turn) => (["ceo", "recruiter"].includes(turn.role) ? "leads" : ["solver", "aggregator"].includes(turn.role) ? "ours" : "theirs");

// beside: it stands next to what it replies to, so whom it is said to need not be said again.
function turnView(turn, view, beside = false) {
  const text = view.text(turn.text).trim();
  const short = text.length <= SHORT_TEXT && !text.includes("\n");
  const named = turn.speaker === `path ${turn.path}`;
  const says = (list) => turn.decision && list.some((word) => turn.decision.startsWith(word));
  const tone = says(AFFIRMS) ? " yes" : says(DENIES) ? " no" : "";
  return h("div", { class: `turn ${side(turn)} ${roleClass(turn.role)}${turn.unread ? " unread" : ""}${short ? " short" : ""}` },
    h("p", { class: "turn-head" }, !named && h("b", {}, turn.speaker), turn.path && toPath(turn.path, view),
      turn.to && !beside && h("span", { class: "to" }, `to ${turn.to.join(", ")}`), turn.how && h("span", { class: "to" }, turn.how),
      turn.decision && h("span", { class: `decision${tone}` }, turn.decision), turn.verdict && says(["answers", "no answer"]) && pip(turn.verdict),
      turn.unread && h("span", { class: "decision flag" }, "could not be read")),
    folded(text, LONG_TEXT));
}

// Long texts are shown to their beginning, with a button for the rest.
function folded(text, most) {
  if (text.length <= most * 1.2) return words(text || "\u2013");
  const box = words(excerpt(text, most));
  box.append(h("button", { type: "button", onclick: () => box.replaceWith(words(text)) }, `Show all ${whole(text.length)} characters`));
  return box;
}
