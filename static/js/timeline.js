// What went over one connection, oldest first: bounded in number and in bytes, searched, and written as JSON Lines.
// No page in here, so that it can be tried without one.
export const MOST = 5000;
export const MOST_BYTES = 16 * 1024 * 1024;
const encoder = new TextEncoder();

export class Timeline {
  constructor() {
    this.clear();
  }

  clear() {
    Object.assign(this, { entries: [], bytes: 0, sent: 0, received: 0, dropped: 0, asked: null, count: this.count ?? 0 });
  }

  // `data` is a text or bytes, `now` milliseconds since the epoch. Latency is that of the first answer after a message.
  add(kind, data, now) {
    const binary = typeof data !== "string";
    const size = binary ? data.byteLength : encoder.encode(data).length;
    const entry = { id: ++this.count, kind, data, size, at: now };
    if (kind === "sent") this.asked ??= now;
    if (kind === "received" && this.asked !== null) (entry.latency = now - this.asked), (this.asked = null);
    if (kind !== "note") this[kind] += 1;
    this.entries.push(entry);
    this.bytes += size;
    const before = this.dropped;
    while (this.entries.length > MOST || (this.bytes > MOST_BYTES && this.entries.length > 1)) {
      this.bytes -= this.entries.shift().size;
      this.dropped += 1;
    }
    return { entry, gone: this.dropped - before };
  }
}

export function fits({ kind, data }, { kind: wanted, text }) {
  if (wanted && wanted !== kind) return false;
  return !text || (typeof data === "string" && data.toLowerCase().includes(text.toLowerCase()));
}

export function asLine({ kind, data, size, at, latency }) {
  const what = typeof data === "string" ? { text: data } : { base64: asBase64(data) };
  const when = { time: new Date(at).toISOString(), direction: kind };
  return JSON.stringify({ ...when, bytes: size, ...(latency === undefined ? {} : { latencyMs: latency }), ...what });
}

function asBase64(data) {
  let letters = "";
  for (const byte of new Uint8Array(data.buffer ?? data)) letters += String.fromCharCode(byte);
  return btoa(letters);
}
