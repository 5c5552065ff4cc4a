// Messages between paths: a lane for every path over its tokens, arrows from what one wrote to where another reads it, and a card for every reading.

const PIECES = { model: ["written", "o-model"], summary: ["summary for the peers", "r-summary"], injected: ["put in by the method", "o-injected"], tool: ["from a tool", "o-tool"] };
const LANE = 30; // pixels from lane to lane
const WRITTEN = ["model", "summary"];

function messagesView(drawn, view) {
  const { lanes, sent } = drawn;
  const used = Object.keys(PIECES).filter((kind) => lanes.some((lane) => lane.pieces.some((piece) => piece[0] === kind)));
  const told = sent.reduce((sum, message) => sum + message.to.length, 0);
  const rest = `${plural(sent.length, "summary", "summaries")} of ${plural(lanes.length, "path")} in ${plural(rounds(sent).length, "round")}, read ${plural(told, "time")}. Point at a piece or step through them with the arrow keys.`;
  const reading = reader(rest);
  const holder = h("div", { class: "scroll holder" });
  const lit = (test) => {
    for (const arrow of holder.querySelectorAll(".arrow")) arrow.classList.toggle("lit", test !== null && test(Number(arrow.dataset.from), Number(arrow.dataset.to)));
    holder.classList.toggle("choosing", test !== null);
  };
  drawnForWidth(holder, (width) => swap(holder, lanesOf(drawn, width, reading, lit, view)));
  return drawing("messages", "Messages between paths", legend(used.map((kind) => PIECES[kind])), holder, reading.box, rounds(sent).map((round, i) => readings(lanes, sent.filter((message) => message.round === round), round, i === 0, lit, view)));
}

const rounds = (sent) => [...new Set(sent.map((message) => message.round))];
const roundName = (round) => (round === null || round === undefined ? "without a round" : `round ${round + 1}`);
const placed = (lanes, [lane, piece]) => lanes[lane] && lanes[lane].pieces[piece];

function lanesOf({ lanes, sent }, room, reading, lit, view) {
  const narrow = room < 520;
  const left = 12 + Math.min(narrow ? 64 : 110, Math.max(...lanes.map((lane) => measure(lane.path))) + 8);
  const right = narrow ? 54 : 84;
  const width = Math.max(room, left + right + 240);
  const last = Math.max(1, ...lanes.flatMap((lane) => lane.pieces.map(([, at, n]) => at + n)));
  const X = (at) => left + (at / last) * (width - left - right);
  const Y = (lane) => 40 + lane * LANE;
  const height = Y(lanes.length - 1) + 44;
  const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Lanes of the paths" });
  for (const round of rounds(sent)) {
    const starts = sent.filter((message) => message.round === round).flatMap((message) => message.to).map((place) => placed(lanes, place)).filter(Boolean).map((piece) => piece[1]);
    if (!starts.length) continue;
    const x = X(Math.min(...starts));
    svg.append(s("line", { class: "block", x1: x, x2: x, y1: 20, y2: height - 26 }), s("text", { class: "tick", x, y: 14, "text-anchor": "middle" }, roundName(round)));
  }
  svg.append(...ticks(0, last, narrow ? 3 : 6).flatMap((tick) => [s("line", { class: "axis", x1: X(tick), x2: X(tick), y1: height - 26, y2: height - 21 }), s("text", { class: "tick", x: X(tick), y: height - 8, "text-anchor": "middle" }, tick ? whole(tick) : "0 tokens")]));
  const marks = [];
  lanes.forEach((lane, i) => {
    const end = lane.pieces.length ? lane.pieces[lane.pieces.length - 1] : null;
    const name = `path ${lane.path}`;
    const over = () => lit((from, to) => from === i || to === i);
    const head = s("text", { class: `lane-name${lane.fate === "chosen" ? " best" : ""}`, x: 4, y: Y(i) + 4, onmouseenter: over, onmouseleave: () => lit(null) }, shortened(lane.path, left - 12), s("title", {}, name));
    svg.append(head, s("line", { class: "lane", x1: X(lane.pieces.length ? lane.pieces[0][1] : 0), x2: X(end ? end[1] + end[2] : 0), y1: Y(i), y2: Y(i) }));
    for (const [kind, at, n, text, cut] of lane.pieces) {
      const words = `${name}, ${PIECES[kind][0]}: ${plural(n, "token")}${cut ? ", the rest cut off" : ""}`;
      const show = () => { over(); reading.show([h("b", {}, words), " ", toPath(lane.path, view)], view.text(text)); };
      marks.push(s("rect", { class: `piece-bar ${PIECES[kind][1]}${cut ? " cut" : ""}`, x: X(at), y: Y(i) - 8, width: Math.max(1.5, X(at + n) - X(at) - 0.75), height: 16, rx: 2, tabindex: marks.length ? -1 : 0, role: "img", "aria-label": words, onfocus: show, onmouseenter: show, onmouseleave: () => lit(null), onblur: () => lit(null) }));
    }
    if (end) svg.append(...ended(lane, X(end[1] + end[2]) + 6, Y(i)));
  });
  const arrows = sent.flatMap((message) => message.to.map((place) => [message.from, place])).filter(([from, to]) => placed(lanes, from) && placed(lanes, to)).map(([from, to]) => {
    const a = placed(lanes, from);
    const b = placed(lanes, to);
    const [x1, y1, x2, y2] = [X(a[1] + a[2] / 2), Y(from[0]), X(b[1]) + 1, Y(to[0])];
    const down = y2 > y1 ? 1 : -1;
    return s("path", { class: "arrow", "data-from": from[0], "data-to": to[0], d: `M${x1} ${y1 + down * 8} C${x1} ${y1 + down * 22} ${x2 - 14} ${y2 - down * 22} ${x2} ${y2 - down * 9}`, "marker-end": "url(#tip)" });
  });
  svg.append(s("defs", {}, s("marker", { id: "tip", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" }, s("path", { class: "tip", d: "M0 0L8 4L0 8z" }))), ...marks, ...arrows);
  roving(svg, () => marks, { next: ["ArrowRight", "ArrowDown"], previous: ["ArrowLeft", "ArrowUp"] });
  return svg;
}

// What stands at the end of a lane: the answer and its verdict, or why it was given up.
function ended(lane, x, y) {
  const words = lane.answer !== undefined ? lane.answer : lane.fate === "pruned" ? "given up" : "";
  const mark = lane.verdict ? VERDICTS[lane.verdict][0] : "";
  return [s("text", { class: `lane-end v-${lane.verdict || ""}`, x, y: y + 4 }, `${mark} ${shortened(words, 60)}`, s("title", {}, `${words}${lane.reason ? `: ${lane.reason}` : ""}${lane.verdict ? `, ${verdictName(lane.verdict)}` : ""}`))];
}

// One round: for every reader what it was told, by whom, and what it wrote then.
function readings(lanes, sent, round, open, lit, view) {
  const readers = [...new Set(sent.flatMap((message) => message.to.map(([lane]) => lane)))].sort((a, b) => a - b);
  const unheard = sent.filter((message) => !message.to.length);
  const says = (message) => h("li", {}, h("span", { class: "who" }, toPath(lanes[message.from[0]].path, view)), words(view.text(message.text)));
  const cards = readers.map((reader) => {
    const heard = sent.filter((message) => message.to.some(([lane]) => lane === reader));
    const place = heard[0].to.find(([lane]) => lane === reader)[1];
    const lane = lanes[reader];
    const after = lane.pieces.slice(place + 1);
    const next = after.findIndex(([kind]) => !WRITTEN.includes(kind)); // until the method puts something in again
    const then = after.slice(0, next < 0 ? after.length : next).map((piece) => view.text(piece[3])).join("");
    const mine = (from, to) => to === reader && heard.some((message) => message.from[0] === from);
    return h("li", { class: "card", onmouseenter: () => lit(mine), onmouseleave: () => lit(null) },
      h("p", { class: "card-head" }, toPath(lane.path, view), " read"),
      h("ul", { class: "heard" }, heard.map(says)),
      h("div", { class: "then" }, then ? ["and wrote", words(excerpt(then, 260))] : "and wrote no more"),
      lane.answer !== undefined && h("p", { class: "then" }, "in the end ", h("b", {}, lane.answer), " ", lane.verdict && pip(lane.verdict)));
  });
  const rule = [...new Set(sent.map((message) => message.how).filter(Boolean))].join(", ");
  return h("details", { class: "round", open },
    h("summary", {}, h("b", {}, sentence(roundName(round))), ` ${plural(sent.length, "summary", "summaries")}, ${plural(readers.length, "reader")}${rule ? `, chosen by the rule ${rule}` : ""}`),
    h("ul", { class: "cards" }, cards, unheard.length > 0 && h("li", { class: "card" }, h("p", { class: "card-head" }, "Read by nobody"), h("ul", { class: "heard" }, unheard.map(says)))));
}
