// Formulas first, as pictures in the page: so they need no style sheet in the window of the speaker's notes, either.
window.MathJax = {
  tex: { inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]] },
  svg: { fontCache: "local" },
  options: { enableMenu: false },
  startup: { typeset: false },
};

// All slides are 1280 x 720, whatever the screen; slides.py counts on that. seconds: what the lesson takes.
async function show(seconds) {
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  // The window of the notes shows pictures; the text for screen readers would stand beside them.
  document.querySelectorAll("aside.notes mjx-assistive-mml").forEach((text) => text.remove());
  await Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    hash: true,
    history: true,
    transition: "none",
    slideNumber: "c/t",
    totalTime: seconds,
    pdfMaxPagesPerSlide: 1,
    plugins: [RevealNotes],
  });
}
