// Texts that a person saved for next time: in this browser, under the person's and the API's name, and bounded.
const MOST = 20;
export const LONGEST = 16384;

export class Saved {
  constructor(name) {
    this.name = name;
  }

  get all() {
    try {
      return JSON.parse(localStorage.getItem(this.name)) ?? [];
    } catch {
      return [];
    }
  }

  // Says whether it could be kept.
  add(each) {
    return this.keep([each, ...this.all.filter(({ text }) => text !== each.text)].slice(0, MOST));
  }

  remove(text) {
    return this.keep(this.all.filter((each) => each.text !== text));
  }

  keep(all) {
    try {
      localStorage.setItem(this.name, JSON.stringify(all));
    } catch {
      return false;
    }
    document.dispatchEvent(new CustomEvent("console-saved"));
    return true;
  }
}
