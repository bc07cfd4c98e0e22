// <socket-console>: a small WebSocket client. The token comes from the element named by data-token and goes to the
// gateway among the subprotocols, because browsers cannot set headers on a handshake and addresses end up in logs.
import { Frames } from "./frames.js";
import { closing, refused } from "./closing.js";

const STATES = { idle: ["grey", "Not connected"], dialling: ["warn", "Connecting"], open: ["good", "Connected"] };

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

  dial() {
    if (this.socket) return;
    this.problem([]);
    let socket;
    try {
      socket = new WebSocket(new URL(this.parts.url.value.trim()), ["apim", `bearer.${this.token()}`]);
    } catch {
      return this.problem(["This is not a WebSocket address. It begins with ws:// or wss://."]);
    }
    const began = performance.now();
    this.socket = Object.assign(socket, { binaryType: "arraybuffer" });
    this.show("dialling");
    socket.addEventListener("open", () => this.opened(Math.round(performance.now() - began)));
    socket.addEventListener("message", (event) => this.frames.add("received", event.data));
    socket.addEventListener("close", (event) => this.closed(event));
  }

  token() {
    return document.getElementById(this.dataset.token).textContent.trim();
  }

  opened(milliseconds) {
    this.wasOpen = true;
    this.show("open");
    this.frames.note(`Handshake accepted in ${milliseconds} ms`);
    this.parts.text.focus();
  }

  closed(event) {
    const sentence = this.wasOpen ? closing(event) : "The connection was not opened";
    this.frames.note(sentence);
    if (!this.wasOpen) refused(this.dataset.reasons, this.parts.url.value).then((reasons) => this.problem(reasons));
    this.socket = this.wasOpen = undefined;
    this.show("idle");
  }

  hangUp() {
    this.socket.close(1000);
  }

  say() {
    if (!this.wasOpen) return;
    this.socket.send(this.parts.text.value);
    this.frames.add("sent", this.parts.text.value);
    this.parts.text.select();
  }

  show(state) {
    const [kind, words] = STATES[state];
    this.parts.state.className = `badge badge-${kind} badge-dot`;
    this.parts.state.textContent = words;
    this.parts.switch.textContent = state === "idle" ? "Connect" : "Disconnect";
    this.parts.send.disabled = state !== "open";
  }

  problem(sentences) {
    this.parts.problem.hidden = sentences.length === 0;
    this.parts.problem.replaceChildren(...sentences.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  }
}

customElements.define("socket-console", SocketConsole);

for (const button of document.querySelectorAll("[data-console]")) {
  button.addEventListener("click", () => {
    const card = document.getElementById(button.dataset.console);
    card.scrollIntoView({ block: "nearest", behavior: "instant" });
    card.querySelector("socket-console").dial();
  });
  button.disabled = false; // before this, a click would have been lost
}
