// The scatter plots (accuracy against a cost) and the bars. Drawn for the width at hand, redrawn when it changes.

const HEIGHT = 340;
const FONT = 12;
const measure = (() => {
  const pen = document.createElement("canvas").getContext("2d");
  return (text) => {
    pen.font = `600 ${FONT}px system-ui, sans-serif`;
    return pen.measureText(text).width;
  };
})();

function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((candidate) => candidate >= raw * 0.999);
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}

const overlap = (a, b) => Math.max(0, Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1)) * Math.max(0, Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1));

function crossing(box, line) {
  let hits = 0;
  for (let i = 0; i <= 24; i++) {
    const x = line[0] + ((line[2] - line[0]) * i) / 24;
    const y = line[1] + ((line[3] - line[1]) * i) / 24;
    if (x > box.x1 && x < box.x2 && y > box.y1 && y < box.y2) hits += 1;
  }
  return hits;
}

// Each label takes the place near its point that covers least: other labels and points first, interval bars and the Pareto line after.
function placeLabels(points, lines, frame) {
  const placed = [];
  const dots = points.map((p) => ({ x1: p.x - 7, x2: p.x + 7, y1: p.y - 7, y2: p.y + 7 }));
  const bars = points.map((p) => [p.x, p.top, p.x, p.bottom]);
  const order = points.map((p, i) => i).sort((a, b) => points[a].y - points[b].y);
  for (const i of order) {
    const point = points[i];
    const width = measure(point.label) + 4;
    let best = null;
    for (const reach of [0, 14, 30, 48, 68, 90]) {
      for (const [dx, dy] of [[1, 0], [-1, 0], [1, -1], [1, 1], [-1, -1], [-1, 1], [0, -1], [0, 1]]) {
        const x = point.x + dx * (10 + reach * (dy ? 0.6 : 0.8)) + (dx < 0 ? -width : dx ? 0 : -width / 2);
        const y = point.y + dy * ((dx ? 4 : 14) + reach);
        const box = { x1: x, x2: x + width, y1: y - FONT * 0.65, y2: y + FONT * 0.65 };
        if (box.x1 < frame.x1 || box.x2 > frame.x2 || box.y1 < frame.y1 || box.y2 > frame.y2) continue;
        let cost = reach * 0.35;
        for (const other of placed) cost += overlap(box, other) ? 4000 + overlap(box, other) : 0;
        dots.forEach((dot, j) => (cost += overlap(box, dot) ? (j === i ? 60 : 600) : 0));
        bars.forEach((bar) => (cost += 9 * crossing(box, bar)));
        lines.forEach((line) => (cost += 4 * crossing(box, line)));
        const leader = [point.x, point.y, (box.x1 + box.x2) / 2, y];
        if (reach > 14) for (const other of placed) cost += 80 * crossing(other, leader);
        if (!best || cost < best.cost) best = { cost, box, x, y, reach, dx };
      }
    }
    best ||= { box: { x1: 0, x2: 0, y1: 0, y2: 0 }, x: point.x, y: point.y, reach: 0, dx: 0 };
    placed.push(best.box);
    point.place = best;
  }
}

function scatter(rows, chart) {
  const figure = h("figure", { class: "chart" });
  const holder = h("div", { class: "holder" });
  const reading = h("p", { class: "reading", "aria-live": "polite" });
  figure.append(h("figcaption", {}, chart.title), holder, reading);
  const rest = "Filled points: nothing cheaper is as good (Pareto line). Bars: 95 % intervals over problems. Tab and arrow keys step through the points.";
  reading.textContent = rest;

  function draw() {
    const width = Math.max(280, holder.clientWidth);
    const narrow = width < 520;
    const frame = { x1: 46, x2: width - 12, y1: 10, y2: HEIGHT - 46 };
    const values = rows.map((row) => row[chart.key]);
    const left = Math.min(...values);
    const right = Math.max(...values);
    const log = left > 0 && right / left > 30;
    const low = Math.max(0, Math.min(...rows.map((row) => row.ci95[0])) - 0.02);
    const high = Math.min(1, Math.max(...rows.map((row) => row.ci95[1])) + 0.02);
    const xLow = log ? left / 1.4 : 0;
    const xHigh = (log ? right * 1.4 : right * (narrow ? 1.08 : 1.12)) || 1;
    const at = log ? (v) => (Math.log(v) - Math.log(xLow)) / (Math.log(xHigh) - Math.log(xLow)) : (v) => v / xHigh;
    const X = (v) => frame.x1 + at(v) * (frame.x2 - frame.x1);
    const Y = (v) => frame.y2 - ((v - low) / (high - low || 1)) * (frame.y2 - frame.y1);

    const points = rows.map((row, i) => ({
      row, i, x: X(row[chart.key]), y: Y(row.accuracy), top: Y(row.ci95[1]), bottom: Y(row.ci95[0]), label: narrow ? String(i + 1) : row.method, best: chart.line.includes(i),
    }));
    spread(points, narrow ? 9 : 11, frame);
    const line = chart.line.map((i) => points[i]);
    const stairs = line.slice(1).map((p, j) => [line[j].x, line[j].y, p.x, p.y]);
    placeLabels(points, stairs, frame);

    const svg = s("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "group", "aria-label": chart.title });
    for (const tick of ticks(low, high, 5)) {
      svg.append(s("line", { class: "grid", x1: frame.x1, x2: frame.x2, y1: Y(tick), y2: Y(tick) }), s("text", { class: "tick", x: frame.x1 - 6, y: Y(tick) + 4, "text-anchor": "end" }, percent(tick, 0)));
    }
    const xTicks = log ? ticksOfLog(xLow, xHigh) : ticks(0, xHigh, narrow ? 4 : 6);
    for (const tick of xTicks) {
      svg.append(s("line", { class: "grid", x1: X(tick), x2: X(tick), y1: frame.y1, y2: frame.y2 }), s("text", { class: "tick", x: X(tick), y: frame.y2 + 16, "text-anchor": "middle" }, chart.format(tick)));
    }
    svg.append(
      s("line", { class: "axis", x1: frame.x1, x2: frame.x2, y1: frame.y2, y2: frame.y2 }),
      s("line", { class: "axis", x1: frame.x1, x2: frame.x1, y1: frame.y1, y2: frame.y2 }),
      s("text", { class: "unit", x: (frame.x1 + frame.x2) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, chart.unit + (log ? ", logarithmic" : "")),
      s("text", { class: "unit", transform: `translate(12 ${(frame.y1 + frame.y2) / 2}) rotate(-90)`, "text-anchor": "middle" }, "accuracy, %"),
    );
    if (line.length > 1) svg.append(s("polyline", { class: "pareto", points: line.map((p) => `${p.x},${p.y}`).join(" ") }));
    for (const p of points) svg.append(s("line", { class: `bar m${p.i % 8}`, x1: p.x, x2: p.x, y1: p.top, y2: p.bottom }));
    for (const p of points) {
      const { x, y, reach, dx, box } = p.place;
      if (reach > 0) svg.append(s("line", { class: `leader m${p.i % 8}`, x1: p.x, y1: p.y, x2: dx > 0 ? box.x1 : dx < 0 ? box.x2 : x + (box.x2 - box.x1) / 2, y2: y }));
    }
    const dots = points.map((p) => {
      const words = `${p.row.method}: accuracy ${percent(p.row.accuracy)} % [${percent(p.row.ci95[0])}, ${percent(p.row.ci95[1])}], ${chart.format(p.row[chart.key])} ${chart.unit}`;
      const show = () => (reading.textContent = words);
      return s("circle", { class: `dot m${p.i % 8}${p.best ? " best" : ""}`, cx: p.x, cy: p.y, r: 5.5, tabindex: p.i ? -1 : 0, role: "img", "aria-label": words, onfocus: show, onmouseenter: show, onmouseleave: () => (reading.textContent = rest) }, s("title", {}, words));
    });
    svg.append(...dots);
    for (const p of points) svg.append(s("text", { class: `label m${p.i % 8}${p.best ? " best" : ""}`, x: p.place.x + 2, y: p.place.y + 4 }, p.label));
    roving(svg, () => dots, { next: ["ArrowRight", "ArrowDown"], previous: ["ArrowLeft", "ArrowUp"] });
    const key = narrow && h("ol", { class: "key" }, rows.map((row, i) => h("li", { class: `m${i % 8}` }, label(row.method))));
    swap(holder, svg, key);
  }
  let seen = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth !== seen) {
      seen = holder.clientWidth;
      draw();
    }
  }).observe(holder);
  return figure;
}

// Methods at one budget have nearly the same cost: their bars would hide each other, so they are moved apart by a few pixels.
function spread(points, gap, frame) {
  const order = [...points].sort((a, b) => a.x - b.x);
  for (let round = 0; round < 40; round++) {
    let moved = false;
    for (let i = 1; i < order.length; i++) {
      const short = gap - (order[i].x - order[i - 1].x);
      if (short > 0.01) {
        order[i].x += short / 2;
        order[i - 1].x -= short / 2;
        moved = true;
      }
    }
    if (!moved) break;
  }
  const beyond = Math.max(0, order[order.length - 1].x + 6 - frame.x2);
  for (const p of order) p.x = Math.max(frame.x1 + 6, p.x - (p.x > frame.x2 - 60 ? beyond : 0));
}

function ticksOfLog(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) for (const m of [1, 2, 5]) found.push(m * 10 ** power);
  const inside = found.filter((v) => v >= low && v <= high);
  return inside.length > 6 ? inside.filter((v) => /^1/.test(v.toExponential())) : inside;
}

// One bar a row, split into parts: [{name, value, class}]; `total` is the full width.
function bars(rows, total, words) {
  return h("div", { class: "bars" }, rows.map((row) => h("div", { class: "bar-row" },
    h("span", { class: "bar-name" }, label(row.name)),
    h("span", { class: "bar-track", role: "img", "aria-label": `${row.name}: ${row.parts.filter((p) => p.value).map((p) => `${p.name} ${words(p.value)}`).join(", ")}` },
      row.parts.filter((part) => part.value > 0).map((part) => {
        const piece = h("span", { class: `bar-part ${part.class}`, title: `${part.name}: ${words(part.value)}` });
        piece.style.width = `${(100 * part.value) / total}%`;
        return piece;
      })),
    h("span", { class: "bar-value" }, row.note))));
}

const legend = (entries) => h("ul", { class: "legend" }, entries.map(([name, cls]) => h("li", {}, h("span", { class: `swatch ${cls}` }), name)));
