// Of a long list, the stretch that is on the page: what is in view, and rows around it. Above and below is as much room as
// the rest would take, so that one scrolls through all of it. The end stays in view unless one scrolls up.
const MOST = 150; // rows on the page
const NEAR = 40; // pixels from the end that are the end

export class Stretch {
  // `make` makes the row of an entry; entries have an id that grows.
  constructor(list, make) {
    Object.assign(this, { list, make, box: list.parentElement, all: [], rows: new Map(), from: 0, usual: 33 });
    this.box.addEventListener("scroll", () => (this.planned ??= requestAnimationFrame(() => this.scrolled())));
  }

  // Every row anew.
  show(entries) {
    const follows = this.isAtEnd();
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.all = [...entries];
    this.draw(follows);
  }

  // Some more at the end. Those before the id `first` are gone.
  add(entries, first) {
    const follows = this.isAtEnd();
    const kept = this.all.findIndex(({ id }) => id >= first);
    const gone = this.all.splice(0, kept < 0 ? this.all.length : kept).length;
    this.all.push(...entries);
    this.from -= gone;
    this.draw(follows);
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    return this.from + this.rows.size >= this.all.length && scrollHeight - scrollTop - clientHeight < NEAR;
  }

  draw(follows) {
    const latest = this.all.length - MOST;
    this.from = Math.max(0, follows ? latest : Math.min(this.from, latest));
    const wanted = this.all.slice(this.from, this.from + MOST);
    const [first, last] = [wanted[0]?.id, wanted.at(-1)?.id];
    for (const [id, row] of this.rows) if (!(id >= first && id <= last)) (row.remove(), this.rows.delete(id));
    const kept = wanted.find(({ id }) => this.rows.has(id))?.id;
    const anchor = this.rows.get(kept);
    const stood = anchor?.offsetTop;
    const fresh = wanted.filter(({ id }) => !this.rows.has(id));
    const older = fresh.filter(({ id }) => id < kept);
    for (const entry of fresh) this.rows.set(entry.id, this.make(entry));
    anchor?.before(...older.map(({ id }) => this.rows.get(id)));
    this.list.append(...fresh.slice(older.length).map(({ id }) => this.rows.get(id)));
    this.list.style.paddingTop = `${this.from * this.usual}px`;
    this.list.style.paddingBottom = `${(this.all.length - this.from - wanted.length) * this.usual}px`;
    if (follows) this.box.scrollTop = this.box.scrollHeight;
    else if (anchor) this.box.scrollTop += anchor.offsetTop - stood;
  }

  // Draws another stretch once its edge comes near.
  scrolled() {
    this.planned = undefined;
    const above = this.from * this.usual;
    const height = this.list.offsetHeight - above - (this.all.length - this.from - this.rows.size) * this.usual;
    const place = this.box.scrollTop - above;
    const inside = Math.max(0, Math.min(height, place));
    const at = this.from + (inside / height) * this.rows.size + (place - inside) / this.usual;
    const from = Math.max(0, Math.min(Math.round(at - MOST / 3), this.all.length - MOST));
    if (!height || Math.abs(from - this.from) < MOST / 6) return;
    this.usual = height / this.rows.size;
    this.from = from;
    this.draw(false);
  }
}
