// A timeline on a page: rows of arrow, time, text, size and latency. Drawn once a frame however fast messages come; the
// end stays in view unless one scrolls up. While it is paused, all is kept and nothing drawn.
import { inHex } from "./bytes.js";
import { Timeline, asLine, fits } from "./timeline.js";

const FOLDED = 400; // letters from which a message is folded
const SHOWN = 65536; // letters that are shown of it at most
const ARROWS = { sent: ["↑", "Sent"], received: ["↓", "Received"], note: ["·", "Note"] };
const spaced = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

function element(name, className, text) {
  return Object.assign(document.createElement(name), { className, textContent: text, dir: "auto" });
}

function clock(at) {
  const date = new Date(at);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0"));
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function body({ kind, data, size }, pretty) {
  if (kind === "note") return element("span", "frame-text frame-note", data);
  const binary = typeof data !== "string";
  const whole = binary ? `(binary) ${inHex(data, SHOWN / 4)}` : data;
  const text = pretty && !binary && size < SHOWN ? indented(whole) : whole;
  if (text.length <= FOLDED || text !== whole) return element("span", "frame-text", text);
  const folded = element("details", "frame-text", "");
  folded.append(element("summary", "", `${text.slice(0, FOLDED / 2)}…`));
  folded.addEventListener("toggle", () => {
    if (folded.childElementCount > 1) return;
    const isWhole = text.length <= SHOWN && !(binary && size > SHOWN / 4);
    folded.append(element("div", "", text.slice(0, SHOWN) + (isWhole ? "" : "\n… the rest is not shown")));
  });
  return folded;
}

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
    const rows = fresh.map((entry) => this.row(entry));
    this.list.append(...rows);
    this.empty.remove();
    if (!this.rows.size) this.list.append(this.empty);
    this.sayDropped();
    this.count();
    if (atEnd) this.box.scrollTop = this.box.scrollHeight;
  }

  row(entry) {
    const [arrow, words] = ARROWS[entry.kind];
    const row = element("li", `frame frame-${entry.kind}`, "");
    const mark = Object.assign(element("span", "frame-arrow", arrow), { role: "img", ariaLabel: words });
    const late = entry.latency === undefined ? "" : `+${entry.latency} ms · `;
    const size = element("span", "frame-size", entry.kind === "note" ? "" : `${late}${spaced(entry.size)} B`);
    if (entry.kind === "sent") {
      const again = Object.assign(element("button", "frame-again", "↻"), { type: "button", title: "Once more" });
      again.ariaLabel = "Once more";
      again.addEventListener("click", () => this.repeat(entry.data));
      size.append(again);
    }
    row.append(mark, element("time", "", clock(entry.at)), body(entry, this.parts.pretty.checked), size);
    this.rows.set(entry.id, row);
    return row;
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
    this.parts.pause.textContent = this.paused ? "Go on" : "Pause";
    if (!this.paused) this.redraw();
  }

  count() {
    const { sent, received, entries } = this.timeline;
    const counts = entries.length ? `${spaced(sent)} sent · ${spaced(received)} received` : "Nothing sent yet";
    const hidden = this.paused ? "" : entries.length - this.rows.size;
    this.parts.counts.textContent = hidden ? `${counts} · ${spaced(hidden)} hidden` : counts;
  }

  sayDropped() {
    const { dropped } = this.timeline;
    this.older.remove();
    if (!dropped) return;
    const rows = dropped === 1 ? "row was" : "rows were";
    this.older.textContent = `${spaced(dropped)} older ${rows} dropped: the newest ${spaced(this.timeline.entries.length)} are kept.`;
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
