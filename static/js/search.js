// The key / puts the cursor into the search; Escape empties it, and once more leaves it. The cross in a search that was
// made shows the whole list again.
const typing = "input, textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("[data-search]");
  if (!search) return;
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest(typing)) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && event.target === search) {
    if (search.value) search.value = "";
    else search.blur();
  }
});

document.addEventListener("search", (event) => {
  if (!event.target.value && event.target.defaultValue) event.target.form.requestSubmit();
}, true);
