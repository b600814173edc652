// The overview's examples, the keys, and the start.

function card(index) {
  const example = DATA.examples[index];
  const canvas = drawn(h("canvas", { class: "small wave", "aria-hidden": "true" }), () => drawWave(canvas, index, { at: place }));
  let place = null;
  const button = h("button", { type: "button", class: "mini", "aria-label": "Play", onclick: () => {
    if (playing.example === index) { stop(); return; }
    play(index, 0, example.seconds, (at) => {
      place = at;
      button.textContent = at === null ? "▶" : "■";
      drawWave(canvas, index, { at });
    });
  } }, "▶");
  const words = example.words.flatMap((word) => [h("span", { class: wordClass(word) }, word[0]), " "]);
  return h("article", { class: "card" }, button, canvas,
    h("a", { class: "words", href: hashOf({ ...DEFAULTS, view: "utterances", reason: example.row === null ? "" : S.reason[example.row], sel: example.key }) },
      ...(words.length ? words : ["no words"])));
}

const CARDS = 4;
function buildExamples() {
  for (const section of document.querySelectorAll(".reason")) {
    const found = DATA.examples.map((_, index) => index).filter((index) => DATA.examples[index].group === section.dataset.group);
    const cards = section.querySelector(".cards");
    cards.append(...found.slice(0, CARDS).map(card));
    if (!found.length) cards.append(h("p", { class: "quiet" }, "No example in this page."));
    if (found.length > CARDS) {
      cards.after(h("button", { type: "button", onclick: (event) => {
        event.currentTarget.remove();
        cards.append(...found.slice(CARDS).map(card));
      } }, `${found.length - CARDS} more`));
    }
  }
  const reasons = [...new Set(S.reason)].filter((reason) => reason).sort();
  $("reason").append(...reasons.map((reason) => h("option", { value: reason }, reasonName(reason))));
}

function renderTabs(before) {
  $("view-overview").hidden = state.view !== "overview";
  for (const tab of document.querySelectorAll(".tabs [data-view]")) {
    if (tab.dataset.view === state.view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (before && before.view !== state.view) { stop(); scrollTo(0, 0); }
}

// Choosing a list also sorts it by what it is about.
const LIST_SORTS = { worst: "weakest", borderline: "score" };
function wire() {
  const typed = (id) => $(id)?.addEventListener("input", () => go({ [id]: $(id).value }, { replace: true }));
  ["q", "rq", "fq"].forEach(typed);
  $("list").addEventListener("change", () => go({ list: $("list").value, ...(LIST_SORTS[$("list").value] ? { sort: LIST_SORTS[$("list").value], dir: "up" } : {}) }));
  $("reason").addEventListener("change", () => go({ reason: $("reason").value }));
  $("rec").addEventListener("click", () => go({ rec: "" }));
  $("rsort").addEventListener("change", () => go({ rsort: $("rsort").value }));
  $("rdir").addEventListener("click", () => go({ rdir: state.rdir === "up" ? "down" : "up" }));
  $("freason")?.addEventListener("change", () => go({ freason: $("freason").value }));
  $("more").addEventListener("click", showMore);
  $("rmore").addEventListener("click", showMoreRecordings);
  for (const head of document.querySelectorAll("#rows th[data-sort]")) {
    head.addEventListener("click", () => {
      const { sort } = head.dataset;
      go({ sort, dir: state.sort === sort && state.dir === "up" ? "down" : "up" });
    });
  }
  for (const form of document.querySelectorAll("form.filters")) form.addEventListener("submit", (event) => event.preventDefault());
  $("help").addEventListener("click", () => $("keys").showModal());
  addEventListener("hashchange", () => { const before = state; readHash(); render(before); });
  addEventListener("popstate", () => { const before = state; readHash(); render(before); });
  addEventListener("keydown", keyed);
}

function move(by) {
  if (state.view !== "utterances" || !matching.length) return;
  const at = matching.indexOf(rowOfId.get(state.sel));
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), matching.length - 1);
  while (next >= shownRows) showMore();
  go({ sel: S.id[matching[next]] }, { replace: true });
  document.querySelector("#rows tr.chosen")?.scrollIntoView({ block: "nearest" });
}

function keyed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const { key, target } = event;
  const typing = target.matches("input, select, textarea");
  if (key === "Escape") {
    if (typing) target.blur();
    else if (playing.example !== null) stop();
    else if (state.view === "utterances" && state.sel) go({ sel: "" });
    return;
  }
  if (typing) return;
  const onControl = target.matches("button, a, summary");
  const actions = {
    "/": () => ({ utterances: $("q"), recordings: $("rq"), failures: $("fq") })[state.view]?.focus(),
    "?": () => $("keys").showModal(),
    j: () => move(1), k: () => move(-1), ArrowRight: () => viewer?.step(1), ArrowLeft: () => viewer?.step(-1),
  };
  if (key === " " && !onControl && viewer && state.view === "utterances") actions[" "] = () => viewer.toggle();
  VIEWS.forEach((view, at) => { actions[String(at + 1)] = () => go({ view }); });
  if (actions[key]) { event.preventDefault(); actions[key](); }
}

setTheme(storedTheme(), false);
readHash();
buildExamples();
renderers.push(renderTabs, renderUtterances, renderRecordings, renderFailures);
wire();
render(null);
performance.mark("prep-corpus-interactive");
// Drawings come after the page can be used.
requestAnimationFrame(() => { buildCharts(); performance.mark("prep-corpus-drawn"); });
