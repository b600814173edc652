/* The page: one clip at a time, by keyboard. Text from the sample or from a file is only ever set as text. */

const sample = JSON.parse(document.getElementById("sample").textContent);
const answers = new Answers(sample);
const $ = (id) => document.getElementById(id);
const audio = $("audio");
const ahead = new Audio();
const IDLE_SECONDS = 30;

/* The listener at work, or null on the first screen. */
let listener = null;
let settings = null;
let numbers = [];
let answer = null;
let statuses = [];
let isPrefilled = false;
let lastActive = 0;
let lastTick = 0;
let toast = 0;

const number = () => numbers[settings.at];
const clip = () => sample.clips[number()];
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function clock(seconds) {
  const tenths = Math.max(0, Math.round(seconds * 10));
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}

function say(text) {
  $("say").textContent = text;
  $("say").classList.add("shown");
  clearTimeout(toast);
  toast = setTimeout(() => $("say").classList.remove("shown"), 2500);
}

/* ---- the first screen ---- */

function showStart() {
  audio.pause();
  listener = answer = null;
  $("work").hidden = true;
  $("start").hidden = false;
  $("no-storage").hidden = answers.lasts;
  const known = answers.listeners();
  $("known").hidden = !known.length;
  $("begin-title").textContent = known.length ? "Begin as somebody else" : "Begin";
  $("known-list").replaceChildren(...known.map((name) => {
    const own = answers.settings(name);
    const clips = answers.clipsOf(own.part);
    const done = clips.filter((n) => answers.answer(name, n).done).length;
    const button = document.createElement("button");
    button.type = "button";
    const who = document.createElement("strong");
    who.textContent = name;
    const part = sample.listeners > 1 ? `part ${own.part}, ` : "";
    button.append(who, `${part}${done} of ${clips.length} done`);
    button.addEventListener("click", () => begin(name, own.part));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

function begin(name, part) {
  listener = name;
  answer = null;
  const before = answers.settings(name);
  settings = part === before.part ? before : { ...before, part, at: 0 };
  answers.current = name;
  numbers = answers.clipsOf(settings.part);
  statuses = numbers.map((n) => statusOf(answers.answer(name, n)));
  settings.at = Math.min(Math.max(0, settings.at | 0), numbers.length - 1);
  answers.keepSettings(name, settings);
  $("start").hidden = true;
  $("work").hidden = false;
  $("who").textContent = name;
  $("autoplay").checked = settings.autoplay;
  $("prefill").checked = settings.prefill;
  setRate(settings.rate);
  buildGrid();
  show(settings.at, false);
}

$("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (!name) return;
  $("name").value = "";
  begin(name, Number($("part").value));
});

$("import").addEventListener("change", async () => {
  const [file] = $("import").files;
  $("import").value = "";
  if (!file) return;
  try {
    const { name, count } = answers.load(await file.text());
    $("import-problem").hidden = true;
    begin(name, answers.settings(name).part);
    say(`${plural(count, "answer")} loaded`);
  } catch (error) {
    $("import-problem").textContent = `${file.name}: ${error.message}`;
    $("import-problem").hidden = false;
  }
});

/* ---- one clip ---- */

function show(at, mayPlay = true) {
  keepTime();
  $("grid").children[settings.at].firstChild.removeAttribute("aria-current");
  $("grid").children[at].firstChild.setAttribute("aria-current", "true");
  settings.at = at;
  answers.keepSettings(listener, settings);
  answer = answers.answer(listener, number());
  const isFresh = statusOf(answer) === "open";
  isPrefilled = isFresh && settings.prefill;
  $("text").value = isPrefilled ? clip().text : answer.text;
  $("text").lang = clip().language;
  $("prefilled").hidden = !isPrefilled;
  $("clip-title").textContent = `Clip ${at + 1}`;
  $("previous").disabled = at === 0;
  $("problem").hidden = true;
  audio.src = clip().src;
  $("seek").max = clip().seconds.toFixed(2);
  if (at + 1 < numbers.length) ahead.src = sample.clips[numbers[at + 1]].src;
  ahead.preload = "auto";
  refresh();
  draw();
  $("text").focus({ preventScroll: true });
  lastActive = performance.now();
  if (mayPlay && settings.autoplay) play();
}

const NAMES = { done: "written", unintelligible: "unintelligible", nobody: "nobody speaks", draft: "not finished: Enter" };

function showStatus(at, status) {
  const cell = $("grid").children[at].firstChild;
  cell.dataset.status = status;
  cell.setAttribute("aria-label", `Clip ${at + 1}, ${NAMES[status] ?? "open"}`);
}

/** Everything that depends on the answer at hand; returns how many clips are done. */
function refresh() {
  const status = statusOf(answer);
  statuses[settings.at] = status;
  showStatus(settings.at, status);
  $("badge").hidden = !(status in NAMES);
  $("badge").textContent = NAMES[status] ?? "";
  $("badge").dataset.status = status;
  $("unintelligible").setAttribute("aria-pressed", String(status === "unintelligible"));
  $("nobody").setAttribute("aria-pressed", String(status === "nobody"));
  const done = statuses.filter((one) => one !== "open" && one !== "draft").length;
  $("done-count").textContent = done;
  $("part-count").textContent = numbers.length;
  $("progress").max = numbers.length;
  $("progress").value = done;
  $("open-count").textContent = done < numbers.length ? `${numbers.length - done} to do` : "all done";
  return done;
}

function buildGrid() {
  $("grid").replaceChildren(...numbers.map((_, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = at + 1;
    button.addEventListener("click", () => {
      window.scrollTo(0, 0);
      show(at);
    });
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  statuses.forEach((status, at) => showStatus(at, status));
}

function keep(changes) {
  answer = { ...answer, ...changes, saved_at: new Date().toISOString() };
  try {
    answers.keepAnswer(listener, number(), answer);
  } catch (error) {
    $("problem").textContent = "This browser cannot keep any more. Save the file now, and make room before you go on.";
    $("problem").hidden = false;
  }
}

$("text").addEventListener("input", () => {
  const text = $("text").value;
  const isStillDone = answer.done && text.trim() !== "";
  keep({ text, unintelligible: false, done: isStillDone });
  isPrefilled = false;
  $("prefilled").hidden = true;
  refresh();
});

/** The clip is finished with the text that stands there; an empty one is passed over. */
function finishText() {
  const text = $("text").value;
  const asBefore = answer.done && text === answer.text;
  if (text.trim() && !asBefore) keep({ text, unintelligible: false, done: true });
  return statusOf(answer);
}

function next() {
  const status = finishText();
  if (status === "open") say("Passed over");
  goOn();
}

function goOn() {
  const done = refresh();
  if (settings.at + 1 < numbers.length) {
    show(settings.at + 1);
  } else if (done === numbers.length) {
    audio.pause();
    $("finished").showModal();
  } else {
    show(statuses.findIndex((one) => one === "open" || one === "draft"));
    say(`${plural(numbers.length - done, "clip")} to do`);
  }
}

function previous() {
  if (settings.at > 0) show(settings.at - 1);
}

/** Mark the clip and go on; pressed again on a marked one, take the mark back. */
function mark(status) {
  if (statusOf(answer) === status) {
    keep({ unintelligible: false, done: status === "unintelligible" && answer.text.trim() !== "" });
    refresh();
    $("text").focus();
    return;
  }
  const text = status === "nobody" || isPrefilled ? "" : $("text").value;
  keep({ text, unintelligible: status === "unintelligible", done: true });
  say(status === "nobody" ? "Nobody speaks" : "Unintelligible");
  goOn();
}

/* ---- time spent: while the page is looked at and something happens ---- */

function keepTime() {
  const now = performance.now();
  const isBusy = listener && answer && !document.hidden && (!audio.paused || now - lastActive < 1000 * IDLE_SECONDS);
  if (isBusy && lastTick) {
    answer = { ...answer, seconds: answer.seconds + Math.min(now - lastTick, 2000) / 1000 };
    // Other tabs may have written: only what is known here is put back, and nothing for clips merely looked at.
    if (statusOf(answer) !== "open") answers.keepAnswer(listener, number(), answer);
  }
  lastTick = now;
}
setInterval(keepTime, 1000);
for (const event of ["keydown", "pointerdown"]) {
  document.addEventListener(event, () => { lastActive = performance.now(); }, true);
}
window.addEventListener("storage", (event) => {
  if (!listener || event.key !== answers.answerKey(listener, number())) return;
  answer = answers.answer(listener, number());
  $("text").value = answer.text;
  refresh();
});

/* ---- saving ---- */

function save() {
  keepTime();
  const rows = answers.lines(listener);
  const drafts = statuses.filter((one) => one === "draft").length;
  if (!rows.length) {
    say("Nothing is finished yet");
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([rows.join("\n") + "\n"], { type: "application/jsonl" }));
  link.download = `${listener.replace(/[^\p{L}\p{N}]+/gu, "-") || "answers"}-${sample.digest.slice(0, 8)}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  const left = drafts ? `; ${plural(drafts, "unfinished clip")} left out` : "";
  say(`${plural(rows.length, "clip")} saved as ${link.download}${left}`);
}
