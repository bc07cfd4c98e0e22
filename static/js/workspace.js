// <console-workspace>: consoles side by side, each with a connection of its own.
const MOST = 6;

class ConsoleWorkspace extends HTMLElement {
  connectedCallback() {
    this.panels = this.querySelector("[data-part=panels]");
    this.button = this.querySelector("[data-part=add]");
    this.button.addEventListener("click", () => this.add());
    this.addEventListener("click", ({ target }) => target.closest("[data-part=remove]") && this.remove_(target.closest("socket-console")));
    if (this.hasAttribute("data-connects")) this.panels.querySelector("socket-console").dial();
  }

  add() {
    this.panels.append(this.querySelector("template").content.cloneNode(true));
    this.panels.lastElementChild.querySelector("[data-part=url]").focus();
    this.arrange();
  }

  remove_(panel) {
    panel.hangUp();
    panel.remove();
    this.arrange();
    this.button.focus();
  }

  arrange() {
    const panels = [...this.panels.children];
    for (const panel of panels) panel.querySelector("[data-part=remove]").hidden = panels.length === 1;
    this.button.disabled = panels.length >= MOST;
  }
}

customElements.define("console-workspace", ConsoleWorkspace);
