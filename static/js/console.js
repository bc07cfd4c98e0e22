// <socket-console>: one connection with its timeline and its composer.
import { Composer } from "./composer.js";
import { Frames } from "./frames.js";
import { Line } from "./line.js";
import { replay } from "./replay.js";

class SocketConsole extends HTMLElement {
  connectedCallback() {
    if (this.parts) return;
    this.parts = Object.fromEntries([...this.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    this.frames = new Frames(this.parts, (data) => this.send(data));
    this.composer = new Composer(this.parts, this.dataset);
    this.line = new Line(this.parts, this.dataset, this.frames);
    document.addEventListener("console-saved", () => this.composer.offer());
    this.parts.dial.addEventListener("submit", (event) => (event.preventDefault(), this.line.isBusy ? this.line.hangUp() : this.dial()));
    this.parts.say.addEventListener("submit", (event) => (event.preventDefault(), this.say()));
    this.parts.replay.addEventListener("click", () => replay(this.frames.timeline.entries, (data) => this.send(data)));
    this.parts.switch.disabled = false;
    this.parts.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) (event.preventDefault(), this.say());
    });
  }

  dial() {
    if (this.line.isBusy) return;
    this.line.tries = 0;
    this.line.connect();
  }

  hangUp() {
    this.line.hangUp();
  }

  say() {
    const data = this.line.isOpen ? this.composer.message() : null;
    if (data !== null && this.send(data)) this.parts.text.select();
  }

  send(data) {
    if (!this.line.isOpen) return false;
    this.line.socket.send(data);
    this.frames.add("sent", data);
    return true;
  }
}

customElements.define("socket-console", SocketConsole);
