// <socket-console>: a small WebSocket client. The token comes from the element named by data-token and goes to the
// gateway among the subprotocols, because browsers cannot set headers on a handshake and addresses end up in logs.
// With data-tickets in its place, each connection asks there for a ticket of its own.
// Beside it go the id of the attempt, by which the portal can say what became of it, and a pass for this very token, by
// which the gateway knows the console from other pages of the same origin.
import { Frames } from "./frames.js";
import { closing } from "./closing.js";
import { forbidden, why } from "./attempt.js";
import { showProblem } from "./problem.js";
import { showState } from "./state.js";
import { bytesOf } from "./bytes.js";
import { askForTicket } from "./ticket.js";

const UNREADABLE = "This cannot be read. Hex is pairs of 0–9 and a–f; Base64 is A–Z, a–z, 0–9, + and /.";

class SocketConsole extends HTMLElement {
  connectedCallback() {
    this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    this.frames = new Frames(this.parts.frames, this.parts.counts);
    this.parts.dial.addEventListener("submit", (event) => (event.preventDefault(), this.socket ? this.hangUp() : this.dial()));
    this.parts.say.addEventListener("submit", (event) => (event.preventDefault(), this.say()));
    this.parts.clear.addEventListener("click", () => this.frames.clear());
    this.parts.switch.disabled = false;
    this.parts.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) (event.preventDefault(), this.say());
    });
  }

  async dial() {
    if (this.socket || this.isAsking) return;
    const address = this.parts.url.value.trim();
    const objection = forbidden(address, this.dataset.gateway.split(" "));
    this.problem(objection ? [objection] : []);
    if (objection) return;
    const attempt = (this.attempt = crypto.randomUUID().replaceAll("-", ""));
    this.isAsking = true;
    const { ticket, pass, reasons } = await askForTicket(this.dataset.tickets, this.parts.dial);
    this.isAsking = false;
    if (reasons) return this.problem(reasons);
    const target = ticket ? `${address}${address.includes("?") ? "&" : "?"}ticket=${ticket}` : address;
    const shown = ticket ? [] : [`bearer.${document.getElementById(this.dataset.token).textContent.trim()}`];
    let socket;
    try {
      const named = [`apim.attempt.${attempt}`, `apim.console.${pass ?? this.dataset.pass}`];
      socket = new WebSocket(new URL(target), ["apim", ...named, ...shown]);
    } catch {
      return this.problem(["This browser does not open such an address from a secure page. Use the wss:// address."]);
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
    showState(this.parts, "open");
    this.frames.note(`Handshake accepted in ${milliseconds} ms`);
    this.parts.text.focus();
  }

  closed(event) {
    const [wasOpen, gaveUp] = [this.wasOpen, this.gaveUp];
    this.frames.note(wasOpen ? closing(event) : gaveUp ? "You cancelled the attempt" : "The connection was not opened");
    this.socket = this.wasOpen = this.gaveUp = undefined;
    showState(this.parts, "idle");
    if (!wasOpen && !gaveUp) this.explain(this.attempt);
  }

  async explain(attempt) {
    this.problem(["The connection was not opened. Asking the gateway why …"]);
    const { reasons, token } = await why(this.dataset.reasons, attempt, this.parts.url.value.trim());
    if (attempt === this.attempt && !this.socket) this.problem(reasons, token && [token, "Generate another token"]);
  }

  hangUp() {
    this.gaveUp = !this.wasOpen;
    this.socket.close(1000);
  }

  say() {
    if (!this.wasOpen) return;
    const text = this.parts.text.value;
    const data = bytesOf(text, this.parts.format.value);
    this.problem(data === null ? [UNREADABLE] : []);
    if (data === null) return;
    this.socket.send(data);
    this.frames.add("sent", data);
    this.parts.text.select();
  }

  problem(sentences, way) {
    showProblem(this.parts.problem, sentences, way);
  }
}

customElements.define("socket-console", SocketConsole);
