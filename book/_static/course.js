// A page that lies in a folder may not read the pages beside it: there, the search answers without excerpts.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// Paper is white: what is printed while the pages are dark would be grey on white.
let themeOnScreen;

function turnToPaper(onPaper) {
  const page = document.documentElement.dataset;
  if (onPaper && themeOnScreen === undefined) {
    themeOnScreen = page.theme;
    page.theme = "light";
  } else if (!onPaper && themeOnScreen !== undefined) {
    page.theme = themeOnScreen;
    themeOnScreen = undefined;
  }
}

addEventListener("beforeprint", () => turnToPaper(true));
addEventListener("afterprint", () => turnToPaper(false));
matchMedia("print").addEventListener("change", (query) => turnToPaper(query.matches));
