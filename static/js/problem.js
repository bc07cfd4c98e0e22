// A box for what went wrong: a paragraph a sentence, and perhaps a link that leads out. Empty, it is not there.
export function showProblem(box, sentences, way) {
  const said = sentences.map((text) => Object.assign(document.createElement("p"), { textContent: text }));
  if (way) said.push(Object.assign(document.createElement("a"), { href: way[0], textContent: way[1], className: "button button-small" }));
  box.hidden = sentences.length === 0;
  box.replaceChildren(...said);
}
