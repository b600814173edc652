/* Sound: playing, speed, and the picture of the clip. */

const RATES = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2];

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
