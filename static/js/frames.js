// A timeline on a page: rows of arrow, time, text, size and latency. Drawn once a frame however fast messages come; the
// end stays in view unless one scrolls up. While it is paused, all is kept and nothing drawn.
import { element, rowOf, spaced } from "./frame.js";
import { Timeline, asLine, fits } from "./timeline.js";
import { filled, gettext, ngettext } from "./words.js";

export class Frames {
  constructor(parts, repeat) {
    Object.assign(this, { parts, repeat, timeline: new Timeline(), waiting: [], gone: 0, rows: new Map() });
    this.list = parts.frames;
    this.box = this.list.parentElement;
    this.empty = this.list.firstElementChild;
    this.older = element("li", "frames-empty", "");
    for (const part of [parts.filter, parts.search, parts.pretty]) part.addEventListener("input", () => this.redraw());
    parts.pause.addEventListener("click", () => this.pause());
    parts.clear.addEventListener("click", () => (this.timeline.clear(), this.redraw()));
    parts.export.addEventListener("click", () => this.save());
  }

  add(kind, data) {
    const { entry } = this.timeline.add(kind, data, Date.now());
    if (this.paused) return this.count();
    this.waiting.push(entry);
    this.planned ??= setTimeout(() => this.draw(), 16);
  }

  note(text) {
    this.add("note", text);
  }

  draw() {
    this.planned = undefined;
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40;
    const first = this.timeline.entries[0]?.id ?? Infinity;
    const wanted = { kind: this.parts.filter.value, text: this.parts.search.value };
    const fresh = this.waiting.splice(0).filter((entry) => entry.id >= first && fits(entry, wanted));
    for (const [id, row] of this.rows) if (id < first) (row.remove(), this.rows.delete(id)); else break;
    for (const entry of fresh) this.rows.set(entry.id, rowOf(entry, this.parts.pretty.checked, this.repeat));
    this.list.append(...fresh.map(({ id }) => this.rows.get(id)));
    this.empty.remove();
    if (!this.rows.size) this.list.append(this.empty);
    this.sayDropped();
    this.count();
    if (atEnd) this.box.scrollTop = this.box.scrollHeight;
  }

  redraw() {
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.waiting = [...this.timeline.entries];
    this.draw();
  }

  pause() {
    this.paused = !this.paused;
    this.parts.pause.ariaPressed = String(this.paused);
    this.parts.pause.textContent = this.paused ? gettext("Go on") : gettext("Pause");
    if (!this.paused) this.redraw();
  }

  count() {
    const { sent, received, entries } = this.timeline;
    const hidden = this.paused ? 0 : entries.length - this.rows.size;
    const seen = gettext("%(sent)s sent · %(received)s received");
    const sentence = hidden ? gettext("%(sent)s sent · %(received)s received · %(hidden)s hidden") : seen;
    const numbers = { sent: spaced(sent), received: spaced(received), hidden: spaced(hidden) };
    this.parts.counts.textContent = entries.length ? filled(sentence, numbers) : gettext("Nothing sent yet");
  }

  sayDropped() {
    const { dropped } = this.timeline;
    this.older.remove();
    if (!dropped) return;
    const sentence = ngettext(
      "%(dropped)s older row was dropped: the newest %(kept)s are kept.",
      "%(dropped)s older rows were dropped: the newest %(kept)s are kept.",
      dropped,
    );
    const numbers = { dropped: spaced(dropped), kept: spaced(this.timeline.entries.length) };
    this.older.textContent = filled(sentence, numbers);
    this.list.prepend(this.older);
  }

  save() {
    const lines = this.timeline.entries.map((entry) => `${asLine(entry)}\n`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    link.download = `frames-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
