// Sentences in the language of the page. English has no catalogue: a sentence is said as it is written.
const FORMS = ["zero", "one", "two", "few", "many", "other"]; // in the order in which catalogues have them

export const language = globalThis.document?.documentElement?.lang || "en-GB";
const isEnglish = language.startsWith("en");
const catalogue = isEnglish ? {} : await import(`./words/${language}.js`).then((each) => each.default, () => ({}));
const rules = new Intl.PluralRules(language);
const forms = FORMS.filter((form) => rules.resolvedOptions().pluralCategories.includes(form));

export function gettext(sentence) {
  return catalogue[sentence] ?? sentence;
}

export function ngettext(one, many, number) {
  const said = catalogue[one];
  return said ? said[Math.min(forms.indexOf(rules.select(number)), said.length - 1)] : number === 1 ? one : many;
}

// Puts `values` in the places %(name)s of a sentence.
export function filled(sentence, values) {
  return sentence.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}
