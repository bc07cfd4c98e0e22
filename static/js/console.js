// <socket-console>: one connection. Each attempt asks the portal for a ticket of its own, because browsers cannot set
// headers on a handshake; it counts once and goes into no address bar. Beside it go, as subprotocols, the id of the
// attempt, by which the portal can say what became of it, and a pass for this very ticket, by which the gateway knows
// the console from other pages of the same origin.
import { Composer } from "./composer.js";
import { Frames } from "./frames.js";
import { closing, comesBack, wayOut } from "./closing.js";
import { endedBy } from "./ended.js";
import { forbidden, why } from "./attempt.js";
import { pauseBefore } from "./reconnect.js";
import { replay } from "./replay.js";
import { showProblem } from "./problem.js";
import { showState } from "./state.js";
import { askForTicket } from "./ticket.js";
import { watch } from "./ping.js";

const NOT_OPENED = "This browser does not open such an address from a secure page. Use the wss:// address.";
const BAD_PROTOCOL = "A subprotocol is letters, digits and signs such as . or -, without spaces, and each is named once.";

class SocketConsole extends HTMLElement {
  connectedCallback() {
    if (this.parts) return;
    this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    this.frames = new Frames(this.parts, (data) => this.send(data));
    this.composer = new Composer(this.parts, this.dataset);
    document.addEventListener("console-saved", () => this.composer.offer());
    this.parts.dial.addEventListener("submit", (event) => (event.preventDefault(), this.isBusy ? this.hangUp() : this.dial()));
    this.parts.say.addEventListener("submit", (event) => (event.preventDefault(), this.say()));
    this.parts.replay.addEventListener("click", () => replay(this.frames.timeline.entries, (data) => this.send(data)));
    this.parts.switch.disabled = false;
    this.parts.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) (event.preventDefault(), this.say());
    });
  }

  get isBusy() {
    return Boolean(this.socket || this.waiting);
  }

  dial() {
    if (this.isBusy || this.isAsking) return;
    this.tries = 0;
    return this.connect();
  }

  async connect() {
    const address = this.parts.url.value.trim();
    const objection = forbidden(address, this.dataset.gateway.split(" "));
    this.problem(objection ? [objection] : []);
    if (objection) return;
    const attempt = (this.attempt = crypto.randomUUID().replaceAll("-", ""));
    this.isAsking = true;
    const { ticket, pass, connectionId, reasons } = await askForTicket(this.dataset.tickets, this.parts.dial);
    this.isAsking = false;
    if (reasons) return this.problem(reasons);
    this.connectionId = connectionId;
    const wanted = this.parts.protocols.value.split(/[\s,]+/).filter(Boolean);
    let socket;
    try {
      const target = new URL(`${address}${address.includes("?") ? "&" : "?"}ticket=${ticket}`);
      socket = new WebSocket(target, [...wanted, "apim", `apim.attempt.${attempt}`, `apim.console.${pass}`]);
    } catch {
      return this.problem([wanted.length ? BAD_PROTOCOL : NOT_OPENED]);
    }
    const began = performance.now();
    this.socket = Object.assign(socket, { binaryType: "arraybuffer" });
    showState(this.parts, "dialling");
    socket.addEventListener("open", () => this.opened(Math.round(performance.now() - began)));
    socket.addEventListener("message", (event) => this.frames.add("received", event.data));
    socket.addEventListener("close", (event) => this.closed(event));
  }

  opened(milliseconds) {
    this.wasOpen = true;
    this.tries = 0;
    showState(this.parts, "open");
    const protocol = this.socket.protocol === "apim" ? "" : `, subprotocol ${this.socket.protocol}`;
    this.frames.note(`Handshake accepted in ${milliseconds} ms${protocol}`);
    this.unwatch = watch(this.socket.url, (words) => (this.parts.ping.textContent = words));
    this.parts.text.focus({ preventScroll: true });
  }

  closed(event) {
    const [wasOpen, gaveUp] = [this.wasOpen, this.gaveUp];
    this.frames.note(wasOpen ? closing(event) : gaveUp ? "You cancelled the attempt" : "The connection was not opened");
    this.unwatch?.();
    this.socket = this.wasOpen = this.gaveUp = this.unwatch = undefined;
    showState(this.parts, "idle");
    const isTrying = this.parts.again.checked && !gaveUp && (wasOpen ? comesBack(event) : this.tries > 0);
    if (isTrying && this.later()) return;
    if (wasOpen && !gaveUp) this.advise(event);
    else if (!gaveUp) this.explain(this.attempt);
  }

  later() {
    const pause = pauseBefore((this.tries += 1));
    if (pause === null || !this.isConnected) return false;
    this.frames.note(`Connecting again in ${(pause / 1000).toFixed(1)} s`);
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
    this.problem(["The connection was not opened. Asking the gateway why …"]);
    const { reasons } = await why(this.dataset.reasons, attempt, this.parts.url.value.trim(), this.parts.key.value);
    if (attempt === this.attempt && !this.socket) this.problem(reasons);
  }

  hangUp() {
    if (this.waiting) showState(this.parts, "idle");
    clearTimeout(this.waiting);
    this.waiting = undefined;
    this.gaveUp = Boolean(this.socket);
    this.socket?.close(1000);
  }

  say() {
    const data = this.wasOpen ? this.composer.message() : null;
    if (data !== null && this.send(data)) this.parts.text.select();
  }

  send(data) {
    if (!this.wasOpen) return false;
    this.socket.send(data);
    this.frames.add("sent", data);
    return true;
  }

  problem(sentences) {
    showProblem(this.parts.problem, sentences);
  }
}

customElements.define("socket-console", SocketConsole);
