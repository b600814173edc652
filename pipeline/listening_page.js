/* The page: one clip at a time, by keyboard. Text from the sample or from a file is only ever set as text. */

const sample = JSON.parse(document.getElementById("sample").textContent);
const answers = new Answers(sample);
const $ = (id) => document.getElementById(id);
const audio = $("audio");
const ahead = new Audio();
const RATES = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2];
const IDLE_SECONDS = 30;
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

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
    button.addEventListener("click", () => show(at));
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

/* ---- sound ---- */

function play() {
  audio.play().catch((error) => {
    if (error.name === "NotAllowedError") say("Press Esc or Play to hear it");
  });
}

function toggle() {
  if (audio.paused) play();
  else audio.pause();
}

function seek(seconds) {
  audio.currentTime = Math.max(0, Math.min(seconds, clip().seconds));
  draw();
}

function replay() {
  seek(0);
  play();
}

function back() {
  seek(audio.currentTime - 2);
  if (audio.paused) play();
}

function setRate(rate) {
  settings.rate = RATES.includes(rate) ? rate : 1;
  // The default one is what the next clip starts with.
  audio.defaultPlaybackRate = audio.playbackRate = settings.rate;
  $("rate").value = settings.rate === 1 ? "normal speed" : `speed ${Math.round(settings.rate * 100)} %`;
  $("slower").disabled = settings.rate === RATES[0];
  $("faster").disabled = settings.rate === RATES[RATES.length - 1];
}

function changeRate(step) {
  const at = RATES.indexOf(settings.rate) + step;
  if (at < 0 || at >= RATES.length) return;
  setRate(RATES[at]);
  answers.keepSettings(listener, settings);
  say($("rate").value);
}

function showPlaying() {
  $("play").classList.toggle("playing", !audio.paused);
  $("play-label").textContent = audio.paused ? "Play" : "Pause";
  if (!audio.paused) requestAnimationFrame(follow);
}

function follow() {
  draw();
  if (!audio.paused) requestAnimationFrame(follow);
}

function draw() {
  if (!listener) return;
  const { seconds, peaks } = clip();
  const at = audio.readyState ? Math.min(audio.currentTime, seconds) : 0;
  $("clock").textContent = `${clock(at)} / ${clock(seconds)}`;
  if (document.activeElement !== $("seek")) $("seek").value = at;
  $("seek").setAttribute("aria-valuetext", `${at.toFixed(1)} of ${seconds.toFixed(1)} seconds`);
  const canvas = $("canvas");
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const colours = getComputedStyle(document.documentElement);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const inner = width - 24;
  const bars = Math.min(peaks.length, Math.floor(inner / 4));
  for (let bar = 0; bar < bars; bar++) {
    const [first, end] = [Math.floor(bar * peaks.length / bars), Math.max(1, Math.floor((bar + 1) * peaks.length / bars))];
    let level = 0;
    for (let p = first; p < end; p++) level = Math.max(level, parseInt(peaks[p], 36) / 35);
    const tall = Math.max(2, level * (height - 20));
    context.fillStyle = colours.getPropertyValue((bar + 0.5) / bars <= at / seconds ? "--accent" : "--wave");
    context.fillRect(12 + bar * inner / bars, (height - tall) / 2, Math.max(1, inner / bars - 1.5), tall);
  }
  context.fillStyle = colours.getPropertyValue("--ink");
  context.fillRect(11 + inner * at / seconds, 6, 2, height - 12);
}

for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, showPlaying);
for (const event of ["seeked", "loadedmetadata", "timeupdate"]) audio.addEventListener(event, draw);
audio.addEventListener("error", () => {
  if (!listener) return;
  $("problem").textContent = `${clip().src} cannot be played. The folder "clips" must lie beside this page; copy the whole folder.`;
  $("problem").hidden = false;
});
$("seek").addEventListener("input", () => seek(Number($("seek").value)));
new ResizeObserver(draw).observe($("canvas"));
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

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

/* ---- buttons, settings, keys ---- */

const onClick = {
  play: toggle, replay, back, next, previous, save,
  slower: () => changeRate(-1),
  faster: () => changeRate(1),
  unintelligible: () => mark("unintelligible"),
  nobody: () => mark("nobody"),
  "help-open": openHelp,
  "finished-save": save,
  leave: () => { $("help").close(); answers.current = null; showStart(); },
  erase: () => {
    if (!window.confirm(`Erase everything that ${listener} has written in this browser? Files already saved stay.`)) return;
    $("help").close();
    answers.erase(listener);
    answers.current = null;
    showStart();
  },
};
for (const [id, action] of Object.entries(onClick)) $(id).addEventListener("click", action);

function openHelp() {
  audio.pause();
  $("help").showModal();
}

for (const id of ["autoplay", "prefill"]) {
  $(id).addEventListener("change", () => {
    settings[id] = $(id).checked;
    answers.keepSettings(listener, settings);
    if (id === "prefill") show(settings.at, false);
  });
}

$("help").addEventListener("close", () => { if (listener) $("text").focus(); });

/** The letter of a key with Alt (on a Mac Control, where Alt writes letters), or null. */
function shortcutOf(event) {
  const isHeld = MAC ? event.ctrlKey && !event.altKey : event.altKey && !event.ctrlKey;
  if (!isHeld || event.metaKey) return null;
  if (event.key.length === 1 && /[\x21-\x7e]/.test(event.key)) return event.key.toLowerCase();
  return { Minus: "-", Equal: "=", Digit0: "0" }[event.code] ?? event.code.replace(/^Key/, "").toLowerCase();
}

const SHORTCUTS = {
  r: replay, b: back, x: () => mark("unintelligible"), 0: () => mark("nobody"), h: openHelp,
  "-": () => changeRate(-1), _: () => changeRate(-1), "=": () => changeRate(1), "+": () => changeRate(1),
};

document.addEventListener("keydown", (event) => {
  // While an input method composes a word, its keys are its own.
  if (!listener || event.isComposing || event.keyCode === 229 || $("help").open || $("finished").open) return;
  const isSave = event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey;
  let action = null;
  if (isSave) action = save;
  else if (event.key === "Escape" && isPlain) action = toggle;
  else if (event.key === "F1" || (event.key === "?" && document.activeElement !== $("text"))) action = openHelp;
  else if (event.key === "Enter" && isPlain && document.activeElement === $("text")) action = event.shiftKey ? previous : next;
  else action = SHORTCUTS[shortcutOf(event)] ?? null;
  if (!action) return;
  event.preventDefault();
  if (!event.repeat) action();
});

for (const element of document.querySelectorAll("[data-key]")) {
  element.textContent = `${MAC ? "Ctrl" : "Alt"} ${element.dataset.key}`;
}
for (const element of document.querySelectorAll("[data-save]")) element.textContent = MAC ? "⌘ S" : "Ctrl S";

const last = answers.current;
if (last !== null && answers.listeners().includes(last)) begin(last, answers.settings(last).part);
else showStart();
