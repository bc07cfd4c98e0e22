// What axe says of the colours of texts that look like none that it could read `before`. `barriers.py` runs it.
// To look behind every text of every page is most of axe's work, and nearly all texts of a product look alike.
async (root, { before, options }) => {
  const known = new Set(before);
  const behind = new Map();

  function ground(it) {
    // What shines through beneath it, up to the page: all that decides its contrast but its own letters.
    if (!it) return "";
    if (!behind.has(it)) {
      const css = getComputedStyle(it);
      const own = [css.backgroundColor, css.backgroundImage, css.opacity, css.filter, css.mixBlendMode].join();
      const lifted = /absolute|fixed|sticky/.test(css.position) ? [it.tagName, it.className].join() : ""; // may lie on others
      behind.set(it, `${ground(it.parentElement)}|${own === "rgba(0, 0, 0, 0),none,1,none,normal" ? "" : own}${lifted}`);
    }
    return behind.get(it).replace(/\|+/g, "|");
  }

  function look(it) {
    const css = getComputedStyle(it);
    const letters = [css.color, css.fontSize, css.fontWeight, css.textShadow, css.webkitTextFillColor];
    const link = it.matches("a") ? [css.textDecorationLine, css.borderBottom, getComputedStyle(it.parentElement).color] : "";
    return [ground(it), letters, link].join(";");
  }

  const clipped = (it) => Boolean(it) && (getComputedStyle(it).clipPath === "inset(50%)" || clipped(it.parentElement));
  const FIELDS = "textarea, select, input:not([type=checkbox], [type=radio], [type=hidden], [type=file])";
  const written = (it) => it.matches(FIELDS) || [...it.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
  const seen = (it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest("[aria-hidden=true], .skip") && !clipped(it);
  const looks = new Map();
  for (const it of [root, ...root.querySelectorAll("body *")]) {
    if (!written(it) || !seen(it)) continue; // nor does axe look at what people do not see
    const own = look(it);
    if (!known.has(own)) looks.set(it, own);
  }
  if (!looks.size) return { violations: [], legible: [] };
  const { violations, passes, incomplete } = await axe.run({ include: [...looks.keys()] }, options);
  const elements = (results, id) => results.filter((rule) => rule.id === id).flatMap((rule) => rule.nodes.map((node) => node.element));
  const bad = new Set(["color-contrast", "link-in-text-block"].flatMap((id) => elements(violations, id)).map((it) => looks.get(it)));
  const legible = elements(passes, "color-contrast").filter((it) => looks.has(it)).map((it) => looks.get(it));
  // Of a text on a gradient axe cannot tell, nor of another one that looks like it.
  legible.push(...elements(incomplete, "color-contrast").map((it) => looks.get(it)).filter((own) => /gradient\(/.test(own)));
  return {
    violations: violations.map(({ id, nodes }) => ({
      id, nodes: nodes.map(({ target, html, failureSummary }) => ({ target, html, failureSummary })),
    })),
    legible: legible.filter((each) => !bad.has(each)),
  };
}
