// Values, links and small helpers. Every text of the data goes in through `textContent`.

const DATA = JSON.parse(document.getElementById("payload").textContent);
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAGE_ROWS = 100;
const VIEWS = ["overview", "utterances", "recordings", "failures"];

const $ = (id) => document.getElementById(id);

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map(
    (child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return element;
}

const pad = (number) => String(number).padStart(2, "0");
function clock(seconds) {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const shown = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const probability = (logOdds) => 1 / (1 + Math.exp(-logOdds));
const plural = (count, one, many = one + "s") => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const reasonName = (reason) => reason.replaceAll("-", " ");

// What the address says after "#": the view, its filters and what is chosen.
const DEFAULTS = {
  view: "overview", q: "", list: "", reason: "", rec: "", sort: "place", dir: "up", sel: "",
  rq: "", rsort: "share", rdir: "up", rsel: "", fq: "", freason: "",
};
let state = { ...DEFAULTS };

function readHash() {
  const found = new URLSearchParams(location.hash.slice(1));
  state = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) if (found.has(key)) state[key] = found.get(key);
  if (!VIEWS.includes(state.view)) state.view = "overview";
}

function hashOf(values) {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (key === "view" || value !== DEFAULTS[key]) parameters.set(key, value);
  }
  return "#" + parameters;
}

const renderers = [];
function go(changes, { replace = false } = {}) {
  const before = state;
  state = { ...state, ...changes };
  const hash = hashOf(state);
  if (hash !== location.hash) history[replace ? "replaceState" : "pushState"](null, "", hash);
  render(before);
}
function render(before) {
  for (const renderer of renderers) renderer(before);
}

// Light, dark, or what the system says.
const THEMES = ["auto", "light", "dark"];
const themeListeners = [];
function setTheme(theme, save) {
  document.documentElement.dataset.theme = theme;
  $("theme-name").textContent = theme;
  $("theme").setAttribute("aria-label", `Colours: ${theme}`);
  if (save) try { localStorage.setItem("prep-corpus-theme", theme); } catch { /* not kept, then */ }
  for (const listener of themeListeners) listener();
}
function storedTheme() {
  try {
    const theme = localStorage.getItem("prep-corpus-theme");
    return THEMES.includes(theme) ? theme : "auto";
  } catch { return "auto"; }
}
$("theme").addEventListener("click", () => {
  setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % 3], true);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => themeListeners.forEach((f) => f()));

// A canvas as sharp as the screen; returns its context in CSS pixels, or null where it has no room yet.
function prepared(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  if (!width || !height) return null;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}

// Draws what comes into sight, and again when colours or sizes change.
const drawings = new Map();
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const drawing = drawings.get(target);
    if (drawing) { drawing.visible = isIntersecting; if (isIntersecting) drawing.draw(); }
  }
}, { rootMargin: "200px" });
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) { const drawing = drawings.get(target); if (drawing?.visible) drawing.draw(); }
});
function drawn(canvas, draw) {
  drawings.set(canvas, { draw, visible: false });
  seen.observe(canvas);
  sized.observe(canvas);
  return canvas;
}
function forgetDrawings(root) {
  for (const canvas of root.querySelectorAll("canvas")) {
    drawings.delete(canvas); seen.unobserve(canvas); sized.unobserve(canvas);
  }
}
themeListeners.push(() => { for (const drawing of drawings.values()) if (drawing.visible) drawing.draw(); });
