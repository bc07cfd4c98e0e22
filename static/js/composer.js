// What is sent, and as what: examples to begin with, texts saved for next time, and a verdict while one types.
import { bytesOf } from "./bytes.js";
import { LONGEST, Saved } from "./saved.js";
import { filled, gettext } from "./words.js";

const PAUSE_MS = 300;
const UNREADABLE = gettext("This cannot be read. Hex is pairs of 0–9 and a–f; Base64 is A–Z, a–z, 0–9, + and /.");

export class Composer {
  constructor(parts, { checks, kept }) {
    Object.assign(this, { parts, checks, saved: new Saved(kept) });
    parts.example.addEventListener("change", () => this.begin());
    parts.text.addEventListener("input", () => this.checkSoon());
    parts.format.addEventListener("change", () => this.check());
    parts.save.addEventListener("click", () => this.save());
    parts.forget.addEventListener("click", () => this.forget());
    this.offer();
  }

  // What the text is as a message; null, and said, where it is none.
  message() {
    const { text, format } = this.parts;
    const isText = format.value === "text" || format.value === "json";
    if (format.value === "json" && this.syntax()) return (this.say([this.syntax()]), null);
    const data = isText ? text.value : bytesOf(text.value, format.value);
    if (data === null) this.say([UNREADABLE]);
    return data;
  }

  begin() {
    const { example, text, format, forget } = this.parts;
    const chosen = example.selectedOptions[0];
    this.kind = chosen.dataset.kind;
    forget.hidden = chosen.parentElement !== this.parts.saved;
    if (chosen.index) text.value = chosen.value;
    if (chosen.dataset.format || this.kind) format.value = chosen.dataset.format ?? "json";
    this.check();
  }

  syntax() {
    try {
      JSON.parse(this.parts.text.value);
      return "";
    } catch (error) {
      return filled(gettext("This is no JSON: %(problem)s."), { problem: error.message });
    }
  }

  checkSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), PAUSE_MS);
  }

  async check() {
    this.question?.abort();
    if (this.parts.format.value !== "json") return this.say([]);
    if (this.syntax() || !this.kind) return this.say([this.syntax() || gettext("This is JSON.")], !this.syntax());
    this.question = new AbortController();
    const given = new FormData(this.parts.dial);
    given.set("kind", this.kind);
    given.set("text", this.parts.text.value);
    try {
      const answer = await fetch(this.checks, { method: "POST", body: given, signal: this.question.signal });
      if (!answer.ok || answer.redirected) return this.say([]);
      const { reasons } = await answer.json();
      this.say(reasons.length ? reasons : [gettext("This fits the schema.")], !reasons.length);
    } catch {
      // Typed on, or out of reach: the gateway's backend has the last word anyway.
    }
  }

  say(sentences, good) {
    this.parts.verdict.textContent = sentences.join(" ");
    this.parts.verdict.classList.toggle("good", Boolean(good));
    this.parts.verdict.classList.toggle("bad", !good);
  }

  save() {
    const { text, format } = this.parts;
    if (!text.value.trim() || text.value.length > LONGEST) {
      return this.say([filled(gettext("A text of up to %(size)s is saved."), { size: `${LONGEST / 1024} KiB` })]);
    }
    const isKept = this.saved.add({ text: text.value, format: format.value, kind: this.kind ?? "" });
    const kept = gettext("Saved in this browser, under Begin with.");
    this.say([isKept ? kept : gettext("This browser keeps nothing for this page.")], isKept);
  }

  forget() {
    this.saved.remove(this.parts.example.value);
    this.parts.example.selectedIndex = 0;
    this.begin();
  }

  offer() {
    const options = this.saved.all.map(({ text, format, kind }) => {
      const option = new Option(text.slice(0, 60), text);
      Object.assign(option.dataset, { format, kind });
      return option;
    });
    this.parts.saved.replaceChildren(...options);
    this.parts.saved.hidden = !options.length;
  }
}
