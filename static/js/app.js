// Loads every behaviour. Each works on its own and leaves the page usable without it.
import "./copy.js";
import "./dialog.js";
import "./drawer.js";
import "./errors.js";
import "./in-view.js";
import "./menu.js";
import "./offline.js";
import "./pick.js";
import "./preset.js";
import "./reveal.js";
import "./search.js";
import "./submit.js";
import "./tabs.js";
import "./theme.js";
import "./time.js";
import "./toast.js";
import "./unsaved.js";
