// <tab-set> makes a row of tabs from its panels (elements with data-tab). One panel alone needs no row.
let count = 0;

class TabSet extends HTMLElement {
  connectedCallback() {
    this.panels = [...this.children].filter((child) => child.dataset.tab);
    if (this.panels.length < 2 || this.row) return;
    this.row = Object.assign(document.createElement("div"), { className: "tabs-row", role: "tablist" });
    this.row.setAttribute("aria-label", this.dataset.label);
    this.tabs = this.panels.map((panel) => this.makeTab(panel));
    this.row.append(...this.tabs);
    this.prepend(this.row);
    this.row.addEventListener("keydown", (event) => this.step(event));
    this.show(0);
  }

  makeTab(panel) {
    const tab = document.createElement("button");
    panel.id ||= `panel-${++count}`;
    Object.assign(tab, { type: "button", className: "tabs-tab", role: "tab", textContent: panel.dataset.tab });
    tab.id = `${panel.id}-tab`;
    tab.setAttribute("aria-controls", panel.id);
    tab.addEventListener("click", () => this.show(this.tabs.indexOf(tab)));
    panel.role = "tabpanel";
    panel.setAttribute("aria-labelledby", tab.id);
    return tab;
  }

  show(index) {
    this.panels.forEach((panel, i) => (panel.hidden = i !== index));
    this.tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
    });
  }

  step(event) {
    const at = this.tabs.indexOf(event.target);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const tab = this.tabs.at(next % this.tabs.length);
    this.show(this.tabs.indexOf(tab));
    tab.focus();
  }
}

customElements.define("tab-set", TabSet);
