"use strict";
/* What listeners have written, kept in the browser: one entry a clip and listener, so that two tabs spoil nothing.

   prep-corpus:DIGEST:listener:NAME          settings: part, place, speed, ...
   prep-corpus:DIGEST:answer:NAME:NUMBER     text, unintelligible, done, seconds, saved_at */

const EMPTY = Object.freeze({ text: "", unintelligible: false, done: false, seconds: 0, saved_at: "" });
const DEFAULTS = Object.freeze({ part: 1, at: 0, rate: 1, autoplay: true, prefill: false, saved: 0 });

/** The browser's store, or one that lasts as long as the page where there is none. */
function openStorage() {
  try {
    const probe = "prep-corpus:probe";
    window.localStorage.setItem(probe, "1");
    window.localStorage.removeItem(probe);
    return { lasts: true, storage: window.localStorage };
  } catch (error) {
    const held = new Map();
    return {
      lasts: false,
      storage: {
        getItem: (key) => (held.has(key) ? held.get(key) : null),
        setItem: (key, value) => held.set(key, String(value)),
        removeItem: (key) => held.delete(key),
        key: (at) => [...held.keys()][at] ?? null,
        get length() { return held.size; },
      },
    };
  }
}

function parsed(text, otherwise) {
  try {
    const value = text === null ? null : JSON.parse(text);
    return value !== null && typeof value === "object" ? { ...otherwise, ...value } : { ...otherwise };
  } catch (error) {
    return { ...otherwise };
  }
}

/** What an answer amounts to: open, draft, done, unintelligible or nobody. */
function statusOf(answer) {
  if (!answer.done) return answer.text.trim() ? "draft" : "open";
  if (answer.unintelligible) return "unintelligible";
  return answer.text.trim() ? "done" : "nobody";
}

class Answers {
  constructor(sample) {
    this.sample = sample;
    const opened = openStorage();
    this.lasts = opened.lasts;
    this.storage = opened.storage;
    this.prefix = `prep-corpus:${sample.digest}:`;
    this.numbers = new Map(sample.clips.map((clip, number) => [clip.id, number]));
  }

  settingsKey(name) { return `${this.prefix}listener:${encodeURIComponent(name)}`; }

  answerKey(name, number) { return `${this.prefix}answer:${encodeURIComponent(name)}:${number}`; }

  /** Names that have work in this browser, in order. */
  listeners() {
    const start = `${this.prefix}listener:`;
    const names = [];
    for (let at = 0; at < this.storage.length; at++) {
      const key = this.storage.key(at);
      if (key && key.startsWith(start)) names.push(decodeURIComponent(key.slice(start.length)));
    }
    return names.sort();
  }

  settings(name) {
    const found = parsed(this.storage.getItem(this.settingsKey(name)), DEFAULTS);
    const inRange = Number.isInteger(found.part) && found.part >= 1 && found.part <= this.sample.listeners;
    return { ...found, part: inRange ? found.part : 1 };
  }

  keepSettings(name, settings) { this.storage.setItem(this.settingsKey(name), JSON.stringify(settings)); }

  answer(name, number) { return parsed(this.storage.getItem(this.answerKey(name, number)), EMPTY); }

  keepAnswer(name, number, answer) {
    this.storage.setItem(this.answerKey(name, number), JSON.stringify(answer));
  }

  erase(name) {
    this.storage.removeItem(this.settingsKey(name));
    this.sample.clips.forEach((_, number) => this.storage.removeItem(this.answerKey(name, number)));
  }

  get current() { return this.storage.getItem(`${this.prefix}current`); }

  set current(name) {
    if (name === null) this.storage.removeItem(`${this.prefix}current`);
    else this.storage.setItem(`${this.prefix}current`, name);
  }

  /** Numbers of the clips of a part, in the order in which they are heard. */
  clipsOf(part) {
    return this.sample.clips.map((_, number) => number).filter((n) => this.sample.clips[n].parts.includes(part));
  }

  /** Finished answers as JSON lines. */
  lines(name) {
    const rows = [];
    this.sample.clips.forEach((clip, number) => {
      const answer = this.answer(name, number);
      if (!answer.done) return;
      rows.push(JSON.stringify({
        id: clip.id,
        text: answer.text.trim().replace(/\s+/g, " "),
        unintelligible: answer.unintelligible,
        listener: name,
        sample: this.sample.digest,
        seconds_spent: Math.round(answer.seconds * 10) / 10,
        saved_at: answer.saved_at,
      }));
    });
    return rows;
  }

  /** Take over a file that `lines` made; what was written later stays. Returns the listener and the count. */
  load(content) {
    const rows = content.replace(/^\uFEFF/, "").split("\n").map((line, at) => this.readLine(line, at + 1)).filter(Boolean);
    if (!rows.length) throw new Error("There is nothing in this file.");
    const names = [...new Set(rows.map((row) => row.listener))];
    if (names.length > 1) throw new Error(`This file is of several people: ${names.join(", ")}.`);
    const [name] = names;
    const isNew = !this.listeners().includes(name);
    if (isNew) this.keepSettings(name, { ...DEFAULTS, part: this.likeliestPart(rows) });
    for (const row of rows) {
      const before = this.answer(name, row.number);
      if (before.text !== "" || before.done) {
        if (before.saved_at >= row.answer.saved_at) continue;
      }
      this.keepAnswer(name, row.number, row.answer);
    }
    return { name, count: rows.length };
  }

  readLine(line, lineNumber) {
    if (!line.trim()) return null;
    let row;
    try {
      row = JSON.parse(line);
    } catch (error) {
      throw new Error(`Line ${lineNumber} is not what this page saves.`);
    }
    const isWhole = row !== null && typeof row === "object" && typeof row.text === "string" && typeof row.id === "string"
      && typeof row.listener === "string" && row.listener.trim() !== "" && typeof row.unintelligible === "boolean";
    if (!isWhole) throw new Error(`Line ${lineNumber} is not what this page saves.`);
    if (row.sample !== this.sample.digest || !this.numbers.has(row.id)) {
      throw new Error(`Line ${lineNumber} is of another sample than this page.`);
    }
    const seconds = Number.isFinite(row.seconds_spent) ? row.seconds_spent : 0;
    const savedAt = typeof row.saved_at === "string" ? row.saved_at : "";
    return {
      number: this.numbers.get(row.id),
      listener: row.listener,
      answer: { text: row.text, unintelligible: row.unintelligible, done: true, seconds, saved_at: savedAt },
    };
  }

  likeliestPart(rows) {
    const counts = new Map();
    rows.forEach((row) => this.sample.clips[row.number].parts.forEach((p) => counts.set(p, (counts.get(p) ?? 0) + 1)));
    return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0][0];
  }
}
