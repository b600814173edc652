// The lists of utterances, recordings and failures: filtered, sorted, and shown a page at a time.

const S = DATA.segments;
const exampleOfRow = new Map();
const exampleOfKey = new Map();
DATA.examples.forEach((example, index) => {
  if (example.row !== null) exampleOfRow.set(example.row, index);
  exampleOfKey.set(example.key, index);
});
const rowOfId = new Map(S.id.map((id, row) => [id, row]));
const lowered = S.text.map((text, row) => `${text}\n${S.id[row]}\n${S.speaker[row] || ""}`.toLowerCase());
let matching = [];
let shownRows = 0;

function compare(column, descending) {
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const [x, y] = [column(a), column(b)];
    if (x === y) return a - b;
    if (x === null || x === undefined) return 1;  // what has no value comes last, either way
    if (y === null || y === undefined) return -1;
    return (x < y ? -1 : 1) * sign;
  };
}

const COLUMNS = {
  score: (row) => S.score[row], weakest: (row) => S.weakest[row], seconds: (row) => S.seconds[row],
  rate: (row) => S.rate[row], snr: (row) => S.snr[row], place: (row) => row,
};

function findMatching() {
  const words = state.q.toLowerCase().split(/\s+/).filter((word) => word);
  const found = [];
  for (let row = 0; row < S.id.length; row++) {
    const kept = S.kept[row] === 1;
    if (state.list === "dropped" && kept) continue;
    if (["kept", "worst", "borderline"].includes(state.list) && !kept) continue;
    if (["repaired", "model"].includes(state.list) && !(kept && S.source?.[row] === state.list)) continue;
    if (state.list === "audio" && !exampleOfRow.has(row)) continue;
    if (state.reason && S.reason[row] !== state.reason) continue;
    if (state.rec && DATA.recordingIds[S.recording[row]] !== state.rec) continue;
    if (words.length && !words.every((word) => lowered[row].includes(word))) continue;
    found.push(row);
  }
  return found.sort(compare(COLUMNS[state.sort] || COLUMNS.place, state.dir === "down"));
}

function verdict(row) {
  const kept = S.kept[row] === 1;
  return h("span", { class: "verdict" }, h("i", { class: `dot c-${kept ? "kept" : "dropped"}` }), kept ? "kept" : reasonName(S.reason[row]));
}

function segmentRow(row) {
  const example = exampleOfRow.get(row);
  const chosen = S.id[row] === state.sel;
  return h("tr", {
    "data-id": S.id[row], class: `${S.kept[row] ? "is-kept" : "is-dropped"}${chosen ? " chosen" : ""}`,
    "aria-selected": chosen ? "true" : null, onclick: () => go({ sel: S.id[row] }),
  },
  h("td", { class: "c-play" }, example === undefined ? null : h("button", {
    type: "button", class: "mini", "aria-label": "Play", onclick: (event) => {
      event.stopPropagation();
      go({ sel: S.id[row] });
      viewer?.toggle();
    },
  }, "▶")),
  h("td", { class: "n" }, shown(S.score[row])),
  h("td", { class: "n wide" }, shown(S.weakest[row])),
  h("td", { class: "n" }, shown(S.seconds[row], 1)),
  h("td", { class: "n wide" }, shown(S.rate[row], 1)),
  h("td", { class: "n wide" }, shown(S.snr[row], 0)),
  h("td", { class: "c-text" }, h("a", { href: hashOf({ ...state, sel: S.id[row] }), class: "text", onclick: (event) => event.preventDefault() },
    S.text[row] || "–"), h("span", { class: "place" }, S.kept[row] ? null : verdict(row),
    `${DATA.recordingIds[S.recording[row]]} ${clock(S.start[row])}${S.speaker[row] ? ` ${S.speaker[row]}` : ""}`)));
}

function showMore() {
  const body = $("rows").tBodies[0];
  const next = matching.slice(shownRows, shownRows + PAGE_ROWS);
  body.append(...next.map(segmentRow));
  shownRows += next.length;
  $("more").hidden = shownRows >= matching.length;
}

const FILTER_KEYS = ["q", "list", "reason", "rec", "sort", "dir"];
let listed = null;
function renderUtterances() {
  $("view-utterances").hidden = state.view !== "utterances";
  if (state.view !== "utterances") return;
  const wanted = JSON.stringify(FILTER_KEYS.map((key) => state[key]));
  if (wanted !== listed) {
    listed = wanted;
    matching = findMatching();
    shownRows = 0;
    $("rows").tBodies[0].replaceChildren();
    showMore();
    // A link to an utterance further down shows the list as far as there.
    const chosen = matching.indexOf(rowOfId.get(state.sel));
    while (chosen >= shownRows && shownRows < matching.length) showMore();
    if (chosen > 5) requestAnimationFrame(() => document.querySelector(`#rows tr[data-id="${CSS.escape(state.sel)}"]`)?.scrollIntoView({ block: "center" }));
  }
  for (const key of ["q", "list", "reason"]) if ($(key).value !== state[key]) $(key).value = state[key];
  $("rec").hidden = !state.rec;
  $("rec").textContent = `in ${state.rec} ✕`;
  $("rec").setAttribute("aria-label", `Only in ${state.rec}: show all recordings again`);
  const hours = matching.reduce((sum, row) => sum + S.seconds[row], 0);
  $("count").textContent = `${plural(matching.length, "segment")}, ${clock(hours)}. `;
  for (const head of document.querySelectorAll("#rows th[data-sort]")) {
    const active = head.dataset.sort === state.sort;
    head.setAttribute("aria-sort", active ? (state.dir === "up" ? "ascending" : "descending") : "none");
  }
  renderDetail();
}

let viewer = null;
let detailOf = null;
function renderDetail() {
  for (const line of document.querySelectorAll("#rows tr.chosen")) {
    line.classList.remove("chosen");
    line.removeAttribute("aria-selected");
  }
  const line = state.sel ? document.querySelector(`#rows tr[data-id="${CSS.escape(state.sel)}"]`) : null;
  if (line) { line.classList.add("chosen"); line.setAttribute("aria-selected", "true"); }
  if (detailOf === state.sel) return;
  detailOf = state.sel;
  stop();
  const panel = $("detail");
  forgetDrawings(panel);
  viewer = null;
  panel.classList.toggle("open", Boolean(state.sel));
  const row = rowOfId.get(state.sel);
  const index = exampleOfKey.get(state.sel);
  if (row === undefined && index === undefined) {
    panel.replaceChildren(h("p", { class: "quiet" }, state.sel ? `${state.sel} is not among the segments that this page lists.`
      : "Choose an utterance to see its words. Those with ▶ can be heard."));
    return;
  }
  const recording = DATA.recordingIds[row === undefined ? DATA.examples[index].recording : S.recording[row]];
  if (index !== undefined) viewer = new Viewer(index);
  panel.replaceChildren(detailHead(row, index, recording),
    viewer ? viewer.element : h("div", {}, h("p", { class: "words plain" }, S.text[row]),
      h("p", { class: "quiet" }, "The audio of this one is not in the page, which holds a few examples only.")),
    detailFacts(row, index, recording));
}

function detailHead(row, index, recording) {
  const name = row !== undefined ? verdict(row)
    : h("span", { class: "verdict" }, h("i", { class: `dot c-${DATA.examples[index].group}` }), reasonName(DATA.examples[index].group));
  return h("header", {}, h("h2", {}, name),
    h("button", { type: "button", onclick: (event) => copyLink(event.currentTarget) }, "copy link"),
    h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => go({ sel: "" }) }, "✕"),
    h("p", { class: "quiet id" }, row !== undefined ? S.id[row] : recording));
}

function detailFacts(row, index, recording) {
  const facts = [];
  const start = row === undefined ? DATA.examples[index].start : S.start[row];
  const seconds = row === undefined ? DATA.examples[index].seconds : S.seconds[row];
  facts.push(["place", `${clock(start)} (${shown(start)} s), ${shown(seconds)} s long`]);
  if (row !== undefined && S.speaker[row]) facts.push(["speaker", S.speaker[row]]);
  if (row !== undefined) {
    const threshold = DATA.utteranceThreshold;
    const limit = threshold === null || threshold < -1e6 ? "" : ` against ${shown(threshold)}`;
    facts.push(["score", S.score[row] === null ? "none: cutting dropped it" : shown(S.score[row]) + limit]);
    facts.push(["weakest word", shown(S.weakest[row])], ["speaking rate", `${shown(S.rate[row], 1)} characters/s`]);
    facts.push(["signal to noise", S.snr[row] === null ? "–" : `${shown(S.snr[row], 0)} dB, estimated`]);
  }
  return h("dl", { class: "facts" }, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    h("div", {}, h("dt", {}, "recording"), h("dd", {}, h("a", { href: hashOf({ ...DEFAULTS, view: "recordings", rsel: recording, rq: recording }) }, recording))));
}

async function copyLink(button) {
  let done = true;
  try { await navigator.clipboard.writeText(location.href); } catch { done = false; }
  button.textContent = done ? "copied" : "it is in the address bar";
  setTimeout(() => { button.textContent = "copy link"; }, 1600);
}

// Recordings.
let matchingRecordings = [];
let shownRecordings = 0;
const checkOf = new Map(DATA.checks.map((check) => [check.id, check]));
const RECORDING_COLUMNS = {
  share: (row) => row.share, id: (row) => row.id, seconds: (row) => row.seconds, utterances: (row) => row.utterances,
  untranscribed: (row) => (row.parts.untranscribed || 0) / (row.seconds || 1),
  unspoken: (row) => (row.characters.unspoken || 0) / (row.characters.read || 1),
  cue: (row) => { const shift = checkOf.get(row.id)?.shift ?? null; return shift === null ? null : Math.abs(shift); },
};

function drawStrip(canvas, row) {
  const made = prepared(canvas);
  if (!made) return;
  const { context, width, height } = made;
  context.fillStyle = css("--c-pause");
  context.fillRect(0, 0, width, height);
  const strips = row.strip.map((text) => Array.from(text, (digit) => DIGITS.indexOf(digit) / 63));
  const bins = strips[0].length;
  const colours = DATA.classes.map((name) => css(`--c-${name}`));
  for (let bin = 0; bin < bins; bin++) {
    const [left, right] = [Math.floor((bin * width) / bins), Math.floor(((bin + 1) * width) / bins)];
    let bottom = height;
    strips.forEach((strip, at) => {
      const size = strip[bin] * height;
      context.fillStyle = colours[at];
      context.fillRect(left, bottom - size, Math.max(right - left, 1), size);
      bottom -= size;
    });
  }
}

// The listed segment that is nearest to a place on a strip.
function goToPlace(event, row) {
  const box = event.currentTarget.getBoundingClientRect();
  const seconds = ((event.clientX - box.left) / box.width) * row.seconds;
  const recording = DATA.recordingIds.indexOf(row.id);
  let [nearest, distance] = [-1, Infinity];
  for (let at = 0; at < S.id.length; at++) {
    if (S.recording[at] !== recording) continue;
    const away = Math.max(S.start[at] - seconds, seconds - S.start[at] - S.seconds[at], 0);
    if (away < distance) [nearest, distance] = [at, away];
  }
  if (nearest >= 0) go({ ...DEFAULTS, view: "utterances", rec: row.id, sel: S.id[nearest] });
}

function recordingItem(row) {
  const open = row.id === state.rsel;
  const label = `${row.id}: ${percent(row.share)} of ${clock(row.seconds)} kept, ${percent(RECORDING_COLUMNS.untranscribed(row))} untranscribed`;
  const strip = drawn(h("canvas", { class: "strip", role: "img", "aria-label": label, title: "to the segment here" }), () => drawStrip(strip, row));
  strip.addEventListener("click", (event) => goToPlace(event, row));
  const check = checkOf.get(row.id);
  return h("li", { "data-id": row.id, class: open ? "open" : "" },
    h("button", { type: "button", class: "head", "aria-expanded": String(open), onclick: () => go({ rsel: open ? "" : row.id }) },
      h("span", { class: "name" }, row.id, row.speaker ? h("small", {}, ` ${row.speaker}`) : null),
      h("span", { class: "n share" }, percent(row.share)), h("span", { class: "n" }, clock(row.seconds)),
      h("span", { class: "n" }, plural(row.utterances, "utterance")),
      check?.disagrees ? h("span", { class: "bad cue" }, check.verdict) : null),
    strip, open ? recordingDetail(row, check) : null);
}

function checkFacts(check) {
  const facts = [["transcript", [check.transcript, check.format].filter((part) => part).join(", ")]];
  if (check.verdict) facts.push(["cue times", check.verdict]);
  if (check.compared) facts.push(["cues compared", `${check.compared[0]} of ${check.compared[1]}, drift ${shown(check.drift)} s an hour`]);
  for (const [name, used, words, apart] of check.versions) {
    const seen = words === null ? "cannot be aligned" : `${plural(words, "word")}${used ? "" : `, ${apart} apart from the one used`}`;
    facts.push([used ? "version used" : "other version", `${name}: ${seen}`]);
  }
  for (const problem of check.problems) facts.push(["problem", problem]);
  if (check.problemCount > check.problems.length) facts.push(["", `and ${check.problemCount - check.problems.length} more problems, in transcripts.jsonl`]);
  return h("dl", { class: "facts checks" }, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function recordingDetail(row, check) {
  const ledger = (entries, whole, write) => Object.entries(entries).filter(([key]) => key !== "read").sort((a, b) => b[1] - a[1])
    .map(([key, value]) => h("div", {}, h("dt", {}, reasonName(key).replace(":", ": ")), h("dd", {}, `${write(value)}  ${percent(value / (whole || 1))}`)));
  return h("div", { class: "more" },
    h("div", { class: "ruler", "aria-hidden": "true" }, h("span", {}, "0:00"), h("span", {}, clock(row.seconds / 2)), h("span", {}, clock(row.seconds))),
    h("div", { class: "pair" }, h("dl", { class: "facts" }, ...ledger(row.parts, row.seconds, clock)),
      h("dl", { class: "facts" }, ...ledger(row.characters, row.characters.read, (value) => `${value.toLocaleString("en")} characters`))),
    check ? checkFacts(check) : null,
    h("p", {}, h("a", { href: hashOf({ ...DEFAULTS, view: "utterances", rec: row.id }) }, `its ${plural(row.segments, "segment")}`)));
}

function showMoreRecordings() {
  const next = matchingRecordings.slice(shownRecordings, shownRecordings + PAGE_ROWS);
  $("recordings").append(...next.map(recordingItem));
  shownRecordings += next.length;
  $("rmore").hidden = shownRecordings >= matchingRecordings.length;
}

function renderRecordings() {
  $("view-recordings").hidden = state.view !== "recordings";
  if (state.view !== "recordings") return;
  const words = state.rq.toLowerCase().split(/\s+/).filter((word) => word);
  const names = new Map(DATA.recordings.map((row) => [row, `${row.id} ${row.speaker || ""}`.toLowerCase()]));
  const column = RECORDING_COLUMNS[state.rsort] || RECORDING_COLUMNS.share;
  const order = compare((at) => column(DATA.recordings[at]), state.rdir === "down");
  matchingRecordings = DATA.recordings.map((_, at) => at)
    .filter((at) => words.every((word) => names.get(DATA.recordings[at]).includes(word))).sort(order).map((at) => DATA.recordings[at]);
  const keep = Math.max(shownRecordings, PAGE_ROWS);
  forgetDrawings($("recordings"));
  $("recordings").replaceChildren();
  shownRecordings = 0;
  while (shownRecordings < Math.min(keep, matchingRecordings.length)) showMoreRecordings();
  if (!matchingRecordings.length) $("rmore").hidden = true;
  for (const key of ["rq", "rsort"]) if ($(key).value !== state[key]) $(key).value = state[key];
  $("rdir").textContent = state.rdir === "up" ? "↑ rising" : "↓ falling";
  $("rcount").textContent = `${plural(matchingRecordings.length, "recording")}. `;
}

// Dead letters.
function renderFailures() {
  $("view-failures").hidden = state.view !== "failures";
  if (state.view !== "failures" || !$("letters")) return;
  const words = state.fq.toLowerCase().split(/\s+/).filter((word) => word);
  const found = DATA.letters.filter((letter) => (!state.freason || letter[2] === state.freason)
    && words.every((word) => letter.join(" ").toLowerCase().includes(word)));
  $("letters").tBodies[0].replaceChildren(...found.slice(0, 500).map(([id, stage, reason, message]) => h("tr", {},
    h("td", { class: "id" }, id), h("td", { class: "wide" }, stage), h("td", {}, reason),
    h("td", { class: "message" }, message.includes("\n") ? h("details", {}, h("summary", {}, message.split("\n")[0]), h("pre", {}, message)) : message))));
  for (const key of ["fq", "freason"]) if ($(key).value !== state[key]) $(key).value = state[key];
  $("fcount").textContent = `${plural(found.length, "recording")}${found.length > 500 ? ", the first 500 shown" : ""}. `;
}
