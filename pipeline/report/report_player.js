// Hearing an example, whole or by word, and looking at it.

const [SAID, INSIDE] = [1, 2];
const EVIDENCE_STEPS = [-3, -1, 0, 1.5, 3];  // log-odds between the colours e0 to e5
const audio = $("player");
const urls = new Map();
const playing = { example: null, until: 0, timer: 0, frame: 0, onTick: null, asked: 0 };

function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
function urlOf(example) {
  if (!urls.has(example)) {
    const bytes = bytesOf($(`clip-${example}`).textContent);
    urls.set(example, URL.createObjectURL(new Blob([bytes], { type: "audio/webm" })));
  }
  return urls.get(example);
}

function stop() {
  audio.pause();
  clearTimeout(playing.timer);
  cancelAnimationFrame(playing.frame);
  const { onTick } = playing;
  playing.example = null;
  playing.onTick = null;
  if (onTick) onTick(null);
}

function watch() {
  clearTimeout(playing.timer);
  cancelAnimationFrame(playing.frame);
  if (playing.example === null) return;
  const left = playing.until - audio.currentTime;
  if (left <= 0.004 || audio.ended) {
    audio.pause();
    if (!audio.ended) audio.currentTime = playing.until;
    stop();
    return;
  }
  if (playing.onTick) playing.onTick(audio.currentTime);
  // Frames stop in a hidden tab; the timer ends the word there too, and sooner than the next frame would.
  playing.frame = requestAnimationFrame(watch);
  playing.timer = setTimeout(watch, Math.max(1000 * left, 1));
}

async function play(example, from, until, onTick) {
  stop();
  const asked = ++playing.asked;
  const url = urlOf(example);
  if (audio.src !== url) {
    audio.src = url;
    await new Promise((resolve) => audio.addEventListener("loadedmetadata", resolve, { once: true }));
  }
  if (asked !== playing.asked) return;  // another was asked for while this one loaded
  audio.currentTime = from;
  playing.example = example;
  playing.until = Math.min(until, audio.duration || until);
  playing.onTick = onTick;
  try { await audio.play(); } catch { if (asked === playing.asked) stop(); return; }
  if (asked === playing.asked) watch();
}

function evidenceClass(score) {
  if (score === null) return "e-none";
  let step = 0;
  while (step < EVIDENCE_STEPS.length && score >= EVIDENCE_STEPS[step]) step++;
  return `e${step}`;
}
function wordClass(word) {
  const [, , , score, flags] = word;
  return ["w", evidenceClass(score), flags & INSIDE ? "" : "context", flags & SAID ? "" : "unsaid"].join(" ").trim();
}

const peaksCache = new Map();
function peaksOf(example) {
  if (!peaksCache.has(example)) peaksCache.set(example, bytesOf(DATA.examples[example].peaks));
  return peaksCache.get(example);
}

// The wave, behind it the words in the colour of their evidence, and the place that is being played.
function drawWave(canvas, example, { selected = -1, at = null, plain = false } = {}) {
  const made = prepared(canvas);
  if (!made) return;
  const { context, width, height } = made;
  const { words, seconds, core } = DATA.examples[example];
  const x = (time) => (time / seconds) * width;
  if (!plain) {
    for (const word of words) {
      if (word[2] <= word[1] || !(word[4] & INSIDE)) continue;
      context.fillStyle = css(`--${evidenceClass(word[3])}`);
      context.fillRect(x(word[1]), 0, Math.max(x(word[2]) - x(word[1]) - 1, 1), height);
    }
  }
  const peaks = peaksOf(example);
  const columns = peaks.length / 2;
  context.fillStyle = css("--wave");
  const bars = Math.min(columns, Math.floor(width));
  for (let bar = 0; bar < bars; bar++) {
    const [first, last] = [Math.floor((bar * columns) / bars), Math.max(Math.floor(((bar + 1) * columns) / bars), 1)];
    let [low, high] = [255, 0];
    for (let column = first; column < last; column++) {
      low = Math.min(low, peaks[2 * column]);
      high = Math.max(high, peaks[2 * column + 1]);
    }
    const [top, bottom] = [height / 2 - ((high - 128) / 128) * (height / 2), height / 2 - ((low - 128) / 128) * (height / 2)];
    context.fillRect((bar * width) / bars, top, Math.max(width / bars - 0.3, 0.6), Math.max(bottom - top, 0.8));
  }
  if (core[0] > 0.01 || core[1] < seconds - 0.01) {
    context.fillStyle = css("--veil");
    context.fillRect(0, 0, x(core[0]), height);
    context.fillRect(x(core[1]), 0, width - x(core[1]), height);
  }
  if (selected >= 0 && words[selected][2] > words[selected][1]) {
    context.strokeStyle = css("--ink");
    context.lineWidth = 1.5;
    context.strokeRect(x(words[selected][1]) + 0.5, 1, x(words[selected][2]) - x(words[selected][1]) - 1, height - 2);
  }
  if (at !== null) {
    context.fillStyle = css("--ink");
    context.fillRect(x(at), 0, 1.5, height);
  }
}

// The panel of one example: wave, words, evidence of the chosen word.
class Viewer {
  constructor(example) {
    this.example = example;
    this.selected = -1;
    this.at = null;
    const { words } = DATA.examples[example];
    this.canvas = drawn(h("canvas", { class: "wave", role: "img", "aria-label": this.summary() }), () => this.draw());
    this.canvas.addEventListener("click", (event) => this.clicked(event));
    this.playButton = h("button", { type: "button", class: "play", onclick: () => this.toggle() }, "▶ play");
    this.info = h("p", { class: "quiet info", role: "status" }, "Choose a word to hear it alone and to see its evidence.");
    this.buttons = words.map((word, index) => h("button", {
      type: "button", class: wordClass(word), "data-word": index, onclick: () => this.playWord(index),
      title: word[3] === null ? null : `log-odds ${shown(word[3])}`,
    }, word[0]));
    this.element = h("div", { class: "viewer" }, this.canvas,
      h("p", { class: "words", lang: "und" }, ...this.buttons.flatMap((button) => [button, " "])),
      this.info,
      h("p", { class: "controls" }, this.playButton,
        h("button", { type: "button", onclick: () => this.step(-1), "aria-label": "Word before" }, "←"),
        h("button", { type: "button", onclick: () => this.step(1), "aria-label": "Word after" }, "→"),
        h("span", { class: "scale", "aria-label": "Colours of evidence, from the weakest to the strongest" },
          "weak ", ...["e0", "e1", "e2", "e3", "e4", "e5"].map((name) => h("i", { class: `w ${name}` })), " strong")));
  }
  summary() {
    const { words, seconds } = DATA.examples[this.example];
    return `Wave of ${shown(seconds, 1)} seconds with ${plural(words.length, "word")}`;
  }
  draw() { drawWave(this.canvas, this.example, { selected: this.selected, at: this.at }); }
  tick(at) {
    this.at = at;
    this.playButton.textContent = at === null ? "▶ play" : "■ stop";
    const { words } = DATA.examples[this.example];
    this.buttons.forEach((button, index) => button.classList.toggle("now",
      at !== null && words[index][2] > words[index][1] && at >= words[index][1] && at < words[index][2]));
    this.draw();
  }
  toggle() {
    if (playing.example === this.example) stop();
    else play(this.example, 0, DATA.examples[this.example].seconds, (at) => this.tick(at));
  }
  select(index) {
    this.selected = index;
    this.buttons.forEach((button, at) => button.classList.toggle("selected", at === index));
    const [text, from, until, score, flags, ratio, edits] = DATA.examples[this.example].words[index];
    const parts = [until > from ? `${shown(from)}–${shown(until)} s` : "passed by: no time of its own"];
    if (score !== null) parts.push(`log-odds ${shown(score)} (said with ${percent(probability(score), 0)})`);
    if (DATA.wordThreshold !== null && DATA.wordsDecide) parts.push(`threshold ${shown(DATA.wordThreshold)}`);
    parts.push(`${shown(Math.abs(ratio))} nats a frame under the best path`, `${plural(edits, "character")} heard otherwise`);
    if (!(flags & SAID)) parts.push("taken as not said");
    this.info.replaceChildren(h("b", {}, text), " · " + parts.join(" · "));
    this.draw();
  }
  playWord(index) {
    this.select(index);
    const [, from, until] = DATA.examples[this.example].words[index];
    if (until > from) play(this.example, from, until, (at) => this.tick(at));
    else stop();
  }
  step(by) {
    const count = this.buttons.length;
    if (!count) return;
    const next = this.selected < 0 ? (by > 0 ? 0 : count - 1) : Math.min(Math.max(this.selected + by, 0), count - 1);
    this.playWord(next);
    this.buttons[next].focus({ preventScroll: false });
  }
  clicked(event) {
    const { words, seconds } = DATA.examples[this.example];
    const box = this.canvas.getBoundingClientRect();
    const time = ((event.clientX - box.left) / box.width) * seconds;
    const index = words.findIndex((word) => word[2] > word[1] && time >= word[1] && time < word[2]);
    if (index >= 0) this.playWord(index);
    else play(this.example, time, seconds, (at) => this.tick(at));
  }
}
