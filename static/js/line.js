// The connection of a console: opened with a ticket of its own each time, watched, explained when it ends, and opened
// again by itself where that is likely to help.
import { closing, comesBack, wayOut } from "./closing.js";
import { endedBy } from "./ended.js";
import { forbidden, why } from "./attempt.js";
import { open } from "./open.js";
import { pauseBefore } from "./reconnect.js";
import { showProblem } from "./problem.js";
import { showState } from "./state.js";
import { askForTicket } from "./ticket.js";
import { watch } from "./ping.js";
import { filled, gettext, language } from "./words.js";

export class Line {
  constructor(parts, { gateway, tickets, reasons }, frames) {
    Object.assign(this, { parts, gateways: gateway.split(" "), tickets, reasons, frames, tries: 0 });
  }

  get isBusy() {
    return Boolean(this.socket || this.waiting || this.isAsking);
  }

  get address() {
    return this.parts.url.value.trim();
  }

  async connect() {
    const objection = forbidden(this.address, this.gateways);
    this.problem(objection ? [objection] : []);
    if (objection) return;
    const attempt = (this.attempt = crypto.randomUUID().replaceAll("-", ""));
    this.isAsking = true;
    const { ticket, pass, connectionId, reasons } = await askForTicket(this.tickets, this.parts.dial);
    this.isAsking = false;
    if (reasons) return this.problem(reasons);
    this.connectionId = connectionId;
    const socket = open(this.address, { ticket, pass, attempt, wanted: this.parts.protocols.value });
    if (typeof socket === "string") return this.problem([socket]);
    const began = performance.now();
    this.socket = socket;
    showState(this.parts, "dialling");
    socket.addEventListener("open", () => this.opened(Math.round(performance.now() - began)));
    socket.addEventListener("message", (event) => this.frames.add("received", event.data));
    socket.addEventListener("close", (event) => this.closed(event));
  }

  opened(milliseconds) {
    Object.assign(this, { isOpen: true, tries: 0 });
    showState(this.parts, "open");
    const { protocol } = this.socket;
    const plain = gettext("Handshake accepted in %(milliseconds)s ms");
    const sentence = protocol === "apim" ? plain : gettext("Handshake accepted in %(milliseconds)s ms, subprotocol %(protocol)s");
    this.frames.note(filled(sentence, { milliseconds, protocol }));
    this.unwatch = watch(this.socket.url, (words) => (this.parts.ping.textContent = words));
    this.parts.text.focus({ preventScroll: true });
  }

  closed(event) {
    const [wasOpen, gaveUp] = [this.isOpen, this.gaveUp];
    const refused = gaveUp ? gettext("You cancelled the attempt") : gettext("The connection was not opened");
    this.frames.note(wasOpen ? closing(event) : refused);
    this.unwatch?.();
    this.socket = this.isOpen = this.gaveUp = this.unwatch = undefined;
    showState(this.parts, "idle");
    const isTrying = this.parts.again.checked && !gaveUp && (wasOpen ? comesBack(event) : this.tries > 0);
    if (gaveUp || (isTrying && this.later())) return;
    if (wasOpen) this.advise(event);
    else this.explain(this.attempt);
  }

  later() {
    const pause = pauseBefore((this.tries += 1));
    if (pause === null || !this.parts.dial.isConnected) return false;
    const seconds = (pause / 1000).toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    this.frames.note(filled(gettext("Connecting again in %(seconds)s s"), { seconds }));
    showState(this.parts, "dialling");
    this.waiting = setTimeout(() => ((this.waiting = undefined), showState(this.parts, "idle"), this.connect()), pause);
    return true;
  }

  async advise(event) {
    const [attempt, by] = [this.attempt, event.code < 4000 ? "" : await endedBy(this.connectionId)];
    const way = wayOut(event, by);
    if (way && attempt === this.attempt && !this.socket) this.problem([way]);
  }

  async explain(attempt) {
    this.problem([gettext("The connection was not opened. Asking the gateway why …")]);
    const { reasons } = await why(this.reasons, attempt, this.address, this.parts.key.value);
    if (attempt === this.attempt && !this.socket) this.problem(reasons);
  }

  hangUp() {
    if (this.waiting) showState(this.parts, "idle");
    this.waiting = clearTimeout(this.waiting);
    this.gaveUp = Boolean(this.socket);
    this.socket?.close(1000);
  }

  problem(sentences) {
    showProblem(this.parts.problem, sentences);
  }
}
