// Histograms and the filter's curve, by uPlot; under each a line that says what is under the pointer, and its numbers.

const charts = [];

function axis(extra) {
  return {
    stroke: () => css("--quiet"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { show: false },
    font: "11px system-ui, sans-serif", labelFont: "11px system-ui, sans-serif", labelSize: 18, ...extra,
  };
}

function marksPlugin(marks) {
  return { hooks: { draw: (chart) => {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css("--ink");
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    for (const [value, name] of marks) {
      const x = chart.valToPos(value, "x", true);
      if (!(x >= bbox.left - 1 && x <= bbox.left + bbox.width + 1)) continue;
      ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
      const right = x > bbox.left + bbox.width - 60 * ratio;
      ctx.textAlign = right ? "right" : "left";
      ctx.fillText(name, x + (right ? -4 : 4) * ratio, bbox.top + 11 * ratio);
    }
    ctx.restore();
  } } };
}

function mount(figure, options, data) {
  const width = () => Math.max(figure.clientWidth, 200);
  const holder = figure.querySelector(".plot");
  const chart = new uPlot({ width: width(), legend: { show: false }, ...options }, data, holder);
  charts.push(chart);
  new ResizeObserver(() => {
    if (Math.abs(chart.width - width()) > 1) chart.setSize({ width: width(), height: options.height });
  }).observe(figure);
}
themeListeners.push(() => { for (const chart of charts) chart.redraw(false, true); });

function numbers(head, rows) {
  return h("details", { class: "numbers" }, h("summary", {}, "numbers"),
    h("table", {}, h("thead", {}, h("tr", {}, ...head.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((value) => h("td", { class: "n" }, value)))))));
}

function middle(edges, counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let before = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    if (counts[bin] && before + counts[bin] >= total / 2) {
      return edges[bin] + ((total / 2 - before) / counts[bin]) * (edges[bin + 1] - edges[bin]);
    }
    before += counts[bin];
  }
  return null;
}

function histogram({ key, title, unit, edges, kept, dropped, marks, note }) {
  const total = kept.map((count, bin) => count + dropped[bin]);
  if (!total.some((count) => count)) return null;
  const centres = kept.map((_, bin) => (edges[bin] + edges[bin + 1]) / 2);
  const median = middle(edges, kept);
  const rest = () => `half of the kept lie under ${shown(median, unit === "dB" ? 0 : 1)} ${unit}`;
  const line = h("p", { class: "quiet line" }, rest());
  const figure = h("figure", { class: "chart", "data-key": key },
    h("figcaption", { title: note }, title, h("small", {}, ` ${unit}`)), h("div", { class: "plot" }), line,
    numbers([unit, "kept", "dropped"], kept.map((count, bin) => [`${edges[bin]} to ${edges[bin + 1]}`, count, dropped[bin]])));
  const bars = uPlot.paths.bars({ size: [0.92, 60] });
  const options = {
    height: 150, cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: [edges[0], edges[edges.length - 1]] }, y: { range: (_, low, high) => [0, high * 1.12 || 1] } },
    axes: [axis({ size: 26 }), axis({ size: 44, space: 32 })],
    series: [{}, { paths: bars, fill: () => css("--c-dropped"), width: 0, points: { show: false } },
      { paths: bars, fill: () => css("--c-kept"), width: 0, points: { show: false } }],
    plugins: [marksPlugin(marks)],
    hooks: { setCursor: [(chart) => {
      const bin = chart.cursor.idx;
      line.textContent = bin === null || bin === undefined ? rest()
        : `${edges[bin]} to ${edges[bin + 1]} ${unit}: ${kept[bin].toLocaleString("en")} kept, ${dropped[bin].toLocaleString("en")} dropped`;
    }] },
  };
  return { figure, mount: () => mount(figure, options, [centres, total, kept]) };
}

function curve(figure, { points, thresholds, chosen }) {
  const upper = points.map(([, value]) => 100 * value);
  const shares = points.map(([, , share]) => 100 * share);
  // Both error rates on one axis: two tables of (rate, share) joined by rate.
  const order = points.map((_, at) => at).sort((a, b) => points[a][0] - points[b][0]);
  const data = uPlot.join([[upper, shares], [order.map((at) => 100 * points[at][0]), order.map((at) => shares[at])]]);
  const text = (at) => `${percent(points[at][2])} of the words kept at ${percent(points[at][0], 2)} word errors, at most ${percent(points[at][1], 2)}; `
    + `thresholds: word ${shown(thresholds[at][0])}, utterance ${thresholds[at][1] < -1e6 ? "none" : shown(thresholds[at][1])}`;
  const rest = () => (chosen === null ? "" : `chosen: ${text(chosen)}`);
  const line = h("p", { class: "quiet line" }, rest());
  figure.append(h("figcaption", {}, "words kept, %, against word errors, %",
    h("small", {}, " – upper bound  ", h("span", { class: "dashes" }, "- - measured"))),
    h("div", { class: "plot" }), line,
    numbers(["word errors", "at most", "kept"], points.map(([wer, bound, share]) => [percent(wer, 2), percent(bound, 2), percent(share)])));
  const ring = { hooks: { draw: (chart) => {
    if (chosen === null) return;
    const { ctx } = chart;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.strokeStyle = css("--ink");
    ctx.fillStyle = css("--c-kept");
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.arc(chart.valToPos(upper[chosen], "x", true), chart.valToPos(shares[chosen], "y", true), 5 * ratio, 0, 7);
    ctx.fill(); ctx.stroke(); ctx.restore();
  } } };
  const widest = Math.max(...upper);
  mount(figure, {
    height: 280, cursor: { points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: [0, widest * 1.03] }, y: { range: [0, 100] } },
    axes: [axis({ size: 30 }), axis({ size: 40 })],
    series: [{}, { stroke: () => css("--c-kept"), width: 2, spanGaps: true, points: { show: false } },
      { stroke: () => css("--quiet"), width: 1.2, dash: [4, 4], spanGaps: true, points: { show: false } }],
    plugins: [ring],
    hooks: { setCursor: [(chart) => {
      if (chart.cursor.left < 0) { line.textContent = rest(); return; }
      const wanted = chart.posToVal(chart.cursor.left, "x");
      let nearest = 0;
      upper.forEach((value, at) => { if (Math.abs(value - wanted) < Math.abs(upper[nearest] - wanted)) nearest = at; });
      line.textContent = text(nearest);
    }] },
  }, data);
}

function buildCharts() {
  const made = DATA.histograms.map(histogram).filter((one) => one);
  $("histograms").append(...made.map((one) => one.figure));
  for (const one of made) one.mount();
  if (DATA.curve && $("curve")) curve($("curve"), DATA.curve);
}
