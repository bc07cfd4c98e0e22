// The REST API's documents, rendered by Redoc. It sets its headings by size, so their levels are put right afterwards.
const page = document.getElementById("api-reference");
const OPTIONS = {
  disableSearch: true, // it would need a worker from a blob
  hideDownloadButton: true, // the page's own head links to the document
  nativeScrollbars: true,
  nonce: document.getElementById("main").nonce, // of its styles; Redoc would read it wrongly from its own element
  theme: { typography: { fontFamily: "inherit", headings: { fontFamily: "inherit" } } },
};

function levelHeadings() {
  for (const heading of page.querySelectorAll("h5:not([aria-level])")) {
    heading.setAttribute("aria-level", "3");
  }
}

window.Redoc.init(page.dataset.document, OPTIONS, page, () => {
  levelHeadings();
  new MutationObserver(levelHeadings).observe(page, { childList: true, subtree: true });
});
