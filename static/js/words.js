// Sentences in the language of the page, which loads its catalogue before every behaviour. English has none: there, and
// without a page, a sentence is said as it is written.
const { gettext: said, ngettext: counted } = globalThis.django ?? {};

export const language = globalThis.document?.documentElement?.lang || "en-GB";
export const gettext = said ?? ((sentence) => sentence);
export const ngettext = counted ?? ((one, many, number) => (number === 1 ? one : many));

// Puts `values` in the places %(name)s of a sentence.
export function filled(sentence, values) {
  return sentence.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}
