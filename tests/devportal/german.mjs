// What the browser's scripts say on a German page; the times go to whoever asks, who compares them with the server's.
import assert from "node:assert/strict";

globalThis.document = { documentElement: { lang: "de" }, addEventListener() {}, querySelectorAll: () => [] };
const load = (name) => import(new URL(`../../static/js/${name}.js`, import.meta.url));
const [{ closing, wayOut }, { forbidden }, { relative }, { gettext, ngettext }] = await Promise.all(
  ["closing", "attempt", "time", "words"].map(load),
);

assert.equal(closing({ code: 1000, reason: "" }), "Geschlossen mit 1000: regulär");
assert.equal(closing({ code: 1011, reason: "full" }), "Geschlossen mit 1011: auf der anderen Seite ging etwas schief („full“)");
assert.equal(closing({ code: 4003, reason: "quota" }), "Geschlossen mit 4003 („quota“)");
assert.match(wayOut({ code: 4003 }, "gateway"), /^Der Plan ist verbraucht:/);
assert.match(forbidden("wss://elsewhere/", ["wss://a", "ws://b"]), /^elsewhere ist nicht dieses Gateway\. .* wss:\/\/a oder ws:\/\/b\.$/);

const dropped = (number) => ngettext("%(dropped)s older row was dropped: the newest %(kept)s are kept.", "", number);
assert.deepEqual([0, 1, 2].map((number) => dropped(number).split(" ")[2]), ["Zeilen", "Zeile", "Zeilen"]);
assert.equal(gettext("What no catalogue has"), "What no catalogue has");

const seconds = JSON.parse(process.argv[2]);
console.log(JSON.stringify(seconds.map((each) => relative(0, each * 1000))));
process.exit(); // the clock of the page goes on
