/* Buttons, settings and keys; the last lines open the page. */

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

const onClick = {
  play: toggle, replay, back, next, previous, save,
  slower: () => changeRate(-1),
  faster: () => changeRate(1),
  unintelligible: () => mark("unintelligible"),
  nobody: () => mark("nobody"),
  "help-open": openHelp,
  "finished-save": () => { $("finished").close(); save(); },
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
