// A timeline on a page: rows of arrow, time, text, size and latency. Drawn once a frame at most, in a third of the
// time however fast messages come, and of many rows only those about what is in view. While it is paused, all is kept and
// nothing drawn.
import { element, rowOf, spaced } from "./frame.js";
import { Stretch } from "./stretch.js";
import { Timeline, asLine, fits } from "./timeline.js";
import { filled, gettext, ngettext } from "./words.js";

export class Frames {
  constructor(parts, repeat) {
    Object.assign(this, { parts, timeline: new Timeline(), waiting: [], took: 0 });
    this.list = parts.frames;
    this.empty = this.list.firstElementChild;
    this.older = element("li", "frames-empty", "");
    this.stretch = new Stretch(this.list, (entry) => rowOf(entry, parts.pretty.checked, repeat));
    for (const part of [parts.filter, parts.search, parts.pretty]) part.addEventListener("input", () => this.redraw());
    parts.pause.addEventListener("click", () => this.pause());
    parts.clear.addEventListener("click", () => (this.timeline.clear(), this.redraw()));
    parts.export.addEventListener("click", () => this.save());
  }

  add(kind, data) {
    const { entry } = this.timeline.add(kind, data, Date.now());
    if (this.paused) return this.count();
    this.waiting.push(entry);
    this.planned ??= setTimeout(() => this.draw(), Math.max(16, 2 * this.took));
  }

  note(text) {
    this.add("note", text);
  }

  draw() {
    const began = performance.now();
    const first = this.timeline.entries[0]?.id ?? Infinity;
    this.stretch.add(this.fitting(this.waiting.splice(0)).filter(({ id }) => id >= first), first);
    this.settle();
    Object.assign(this, { planned: undefined, took: performance.now() - began });
  }

  redraw() {
    this.waiting = [];
    this.stretch.show(this.fitting(this.timeline.entries));
    this.settle();
  }

  fitting(entries) {
    const wanted = { kind: this.parts.filter.value, text: this.parts.search.value };
    return entries.filter((entry) => fits(entry, wanted));
  }

  settle() {
    this.empty.remove();
    if (!this.stretch.all.length) this.list.append(this.empty);
    this.sayDropped();
    this.count();
  }

  pause() {
    this.paused = !this.paused;
    this.parts.pause.ariaPressed = String(this.paused);
    this.parts.pause.textContent = this.paused ? gettext("Go on") : gettext("Pause");
    if (!this.paused) this.redraw();
  }

  count() {
    const { sent, received, entries } = this.timeline;
    const hidden = this.paused ? 0 : entries.length - this.stretch.all.length;
    const seen = gettext("%(sent)s sent · %(received)s received");
    const sentence = hidden ? gettext("%(sent)s sent · %(received)s received · %(hidden)s hidden") : seen;
    const numbers = { sent: spaced(sent), received: spaced(received), hidden: spaced(hidden) };
    this.parts.counts.textContent = entries.length ? filled(sentence, numbers) : gettext("Nothing sent yet");
  }

  sayDropped() {
    const { dropped, entries } = this.timeline;
    if (!dropped) return this.older.remove();
    const sentence = ngettext(
      "%(dropped)s older row was dropped: the newest %(kept)s are kept.",
      "%(dropped)s older rows were dropped: the newest %(kept)s are kept.",
      dropped,
    );
    this.older.textContent = filled(sentence, { dropped: spaced(dropped), kept: spaced(entries.length) });
    if (!this.older.parentElement) this.list.prepend(this.older);
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
