// What a person at this width cannot read or reach, in sentences. `measures.py` runs it in the page.
(before) => {
  const found = new Set();
  const LONGEST = 24; // letters; a longer run has to break somewhere on a phone
  const ROOM = 6; // pixels between things that must not touch
  const WORD = /[^\s​]+/gu;
  const LETTER = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Arabic}\p{Script=Hebrew}\p{N}]/u;
  const BACKWARDS = /[\p{Script=Arabic}\p{Script=Hebrew}]/u;
  const CONTROLS = "a, button, input:not([type=hidden]), select, textarea, summary, .badge, .tag";
  const SCROLLERS = ".diagram, pre, .frames, .tabs-row"; // meant to be wider than they look, and reached by keyboard
  const BOXES = ".note, .card, .pagination, .toolbar, .banner, .field, .choices, .url, .token, .empty, .actions";
  const OPENS = "dialog, [popover]";

  const style = (it) => getComputedStyle(it);
  const clipped = new Map(); // what only a screen reader meets
  function unseen(it) {
    if (!it || it === document.body) return false;
    if (!clipped.has(it)) clipped.set(it, style(it).clipPath === "inset(50%)" || unseen(it.parentElement));
    return clipped.get(it);
  }
  const closed = (it) => it.closest("dialog:not([open]), [popover]:not(:popover-open), .skip, .toasts");
  const shown = (it) =>
    !(it instanceof SVGElement) && it.checkVisibility({ visibilityProperty: true }) && !unseen(it) && !closed(it);

  function name(it) {
    const words = it.getAttribute("aria-label") || it.textContent || it.name || "";
    const kind = [it.tagName.toLowerCase(), ...it.classList].join(".");
    return `${kind} “${words.trim().replace(/\s+/g, " ").slice(0, 50)}”`;
  }

  function sideways(all) {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return;
    const out = all.filter((it) => it.getBoundingClientRect().right > root.clientWidth + 1);
    found.add(`the page scrolls sideways: ${out.slice(0, 5).map(name).join(", ")}`);
  }

  function opening(it) {
    // From where to where its ancestors let it be seen.
    let [left, right] = [0, document.documentElement.clientWidth];
    for (let up = it.parentElement; up && up !== document.body; up = up.parentElement) {
      if (up.matches(SCROLLERS)) return [-Infinity, Infinity];
      if (style(up).overflowX === "visible") continue;
      const box = up.getBoundingClientRect();
      [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
      if (up.matches(OPENS)) break; // lies above everything else
    }
    return [left, right];
  }

  function cut(all) {
    for (const it of all.filter((each) => each.matches(CONTROLS))) {
      const [left, right] = opening(it);
      const box = it.getBoundingClientRect();
      if (box.left < left - 1 || box.right > right + 1) found.add(`cut off: ${name(it)}`);
      const holds = !it.matches("input, textarea, select") && style(it).display !== "inline";
      if (holds && style(it).textOverflow !== "ellipsis" && it.scrollWidth > it.clientWidth + 1) {
        found.add(`its words stick out: ${name(it)}`);
      }
    }
  }

  function torn(node, from, length) {
    // Where inside a word a new line begins between two letters.
    const range = document.createRange();
    let bottom;
    for (let at = from; at < from + length; at++) {
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      const box = range.getBoundingClientRect();
      if (bottom && box.top >= bottom - 1 && LETTER.test(node.data[at - 1]) && LETTER.test(node.data[at])) return at - from;
      if (box.height) bottom = box.bottom;
    }
    return 0;
  }

  function broken(nodes) {
    const range = document.createRange();
    for (const node of nodes) {
      range.selectNodeContents(node);
      if (range.getClientRects().length < 2) continue; // all on one line
      const whole = node.parentElement.closest(".short, .url, .token, .button, .badge, .tag, th, h1, h2");
      for (const { 0: word, index } of node.data.matchAll(WORD)) {
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        const longest = Math.max(...word.split(/[^\p{L}\p{N}]+/u).map((run) => run.length));
        if (longest > LONGEST && !node.parentElement.closest(".short")) continue;
        if (range.getClientRects().length < 2) continue;
        const at = torn(node, index, word.length);
        if (at) found.add(`broken by letter: “${word.slice(0, at)}|${word.slice(at)}” in ${name(whole || node.parentElement)}`);
      }
    }
  }

  function crowded(all) {
    // Boxes below one another with no room between, and boxes upon one another.
    const boxes = all.filter((it) => it.matches(BOXES)).map((it) => [it, it.getBoundingClientRect()]);
    for (const [one, above] of boxes) {
      for (const [other, below] of boxes) {
        if (one === other || one.contains(other) || other.contains(one) || above.top > below.top) continue;
        if (above.right <= below.left + 1 || below.right <= above.left + 1) continue;
        const gap = below.top - above.bottom + (other.matches(".pagination") ? parseFloat(style(other).paddingTop) : 0);
        if (gap < ROOM) found.add(`${Math.round(gap)} px between ${name(one)} and ${name(other)}`);
      }
    }
    for (const it of all.filter((each) => each.matches(".field, .choices, .note, .card, .url, .token"))) {
      const last = it.previousElementSibling;
      if (!last || !last.matches("p, div, ul, header, h2") || !shown(last) || !last.getBoundingClientRect().height) continue;
      const [above, here] = [last.getBoundingClientRect(), it.getBoundingClientRect()];
      if (above.right <= here.left || here.right <= above.left || above.top >= here.top) continue;
      const gap = here.top - above.bottom;
      if (gap < ROOM) found.add(`${Math.round(gap)} px between ${name(last)} and ${name(it)}`);
    }
  }

  function turned(nodes, all) {
    const free = (it) => it.closest("bdi, pre, .code-input, .glyph") || it.closest("[dir]")?.dir === "auto";
    for (const node of nodes) {
      const bare = node.data.replace(/\u2068[^\u2068\u2069]*\u2069/gu, "");
      if (BACKWARDS.test(bare) && !free(node.parentElement)) found.add(`no dir="auto": ${name(node.parentElement)}`);
    }
    for (const it of all.filter((each) => each.matches("input, textarea"))) {
      if (["text", "search", "textarea"].includes(it.type) && !it.dir) found.add(`a field without dir: ${name(it)} ${it.name}`);
    }
  }

  function named(all) {
    // The words on a control are in what it is called, and its tooltip says the same.
    const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
    for (const it of all.filter((each) => each.matches("[aria-label]:is(a, button)"))) {
      const label = it.getAttribute("aria-label");
      const words = [...it.childNodes].filter((each) => !each.ariaHidden).map((each) => each.textContent).join(" ").trim();
      if (words && !plain(label).includes(plain(words))) found.add(`called “${label}” but says “${words}”`);
      if (it.title && it.title !== label) found.add(`called “${label}” but explained as “${it.title}”`);
    }
  }

  function twice(root) {
    // A sentence that stands twice on a page, other than in the rows of a list.
    const seen = new Set();
    for (const it of root.querySelectorAll("p, small, .choice-note")) {
      const words = it.innerText.trim().replace(/\s+/g, " ");
      if (words.length < 25 || it.closest("td, th, li, .grid-cards, pre") || !shown(it)) continue;
      if (seen.has(words)) found.add(`said twice: “${words.slice(0, 90)}”`);
      seen.add(words);
    }
  }

  function measure(root) {
    const all = [...root.querySelectorAll("*")].filter(shown);
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walk.nextNode()) {
      const it = walk.currentNode.parentElement;
      if (walk.currentNode.data.trim() && !it.closest("script, option") && shown(it)) nodes.push(walk.currentNode);
    }
    if (root === document.body) sideways(all);
    for (const look of [cut, crowded]) look(all);
    broken(nodes.filter((node) => !node.parentElement.closest("pre, .frames")));
    turned(nodes, all);
    named(all);
    twice(root);
  }

  const folded = document.querySelectorAll("details:not([open])");
  for (const it of folded) it.open = true;
  measure(document.body);
  const known = new Set(before);
  for (const it of document.querySelectorAll(OPENS)) {
    const looks = it.outerHTML.replace(/ (href|action|value|id|for)="[^"]*"/g, "");
    if (known.has(looks)) continue;
    known.add(looks);
    const modal = it.matches("dialog");
    modal ? it.showModal() : it.showPopover();
    measure(it);
    modal ? it.close() : it.hidePopover();
  }
  for (const it of folded) it.open = false;
  return { found: [...found], known: [...known] };
}
