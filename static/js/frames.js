// The list of frames of a console: arrow, time, text, size. Keeps the newest and stays at the end unless one scrolls up.
const KEPT = 500;
const ARROWS = { sent: ["↑", "Sent"], received: ["↓", "Received"], note: ["·", "Note"] };

function element(name, className, text) {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

function clock(date) {
  const two = (number) => String(number).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

export class Frames {
  constructor(list, counts) {
    Object.assign(this, { list, counts, sent: 0, received: 0 });
    this.empty = list.firstElementChild;
  }

  add(direction, data) {
    const binary = typeof data !== "string";
    const bytes = binary ? data.byteLength : new TextEncoder().encode(data).length;
    this[direction] += 1;
    this.row(direction, binary ? "(binary)" : data, `${bytes} B`);
    this.counts.textContent = `${this.sent} sent · ${this.received} received`;
  }

  note(text) {
    this.row("note", text, "");
  }

  row(kind, text, size) {
    this.empty.remove();
    const box = this.list.parentElement;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    const [arrow, words] = ARROWS[kind];
    const row = element("li", `frame frame-${kind}`, "");
    const mark = element("span", "frame-arrow", arrow);
    mark.ariaLabel = words;
    mark.role = "img";
    const body = element("span", kind === "note" ? "frame-text frame-note" : "frame-text", text);
    body.dir = "auto";
    row.append(mark, element("time", "", clock(new Date())), body, element("span", "frame-size", size));
    this.list.append(row);
    while (this.list.children.length > KEPT) this.list.firstElementChild.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  clear() {
    this.list.replaceChildren(this.empty);
    this.sent = this.received = 0;
    this.counts.textContent = "Nothing sent yet";
  }
}
