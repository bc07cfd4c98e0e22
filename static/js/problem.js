// A box for what went wrong: a paragraph a sentence. Empty, it is not there.
export function showProblem(box, sentences) {
  box.hidden = sentences.length === 0;
  box.replaceChildren(...sentences.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
}
