// A page that lies in a folder may not read the pages beside it: there, the search answers without excerpts.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
