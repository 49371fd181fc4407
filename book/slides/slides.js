// Formulas as pictures in the page: so they need no style sheet in the window of the speaker's notes, either.
window.MathJax = {
  tex: { inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]] },
  svg: { fontCache: "local" },
  options: { enableMenu: false },
  startup: { typeset: false },
};

const [WIDTH, HEIGHT] = [1280, 720]; // of every slide, whatever the screen; slides.py reckons with them

// What is on a slide is as large as there is room for, and no line of code or formula is too long. A figure has its room.
async function enlarge() {
  document.body.classList.add("measuring");
  await document.fonts.ready;
  for (const page of document.querySelectorAll(".page:not(:has(.figure))")) {
    for (const scale of [1.4, 1.3, 1.2, 1.1, 1]) {
      page.style.setProperty("--px", `${scale}px`);
      const broken = [...page.querySelectorAll("pre, p, li")].some((part) => part.scrollWidth > part.clientWidth);
      if (page.scrollHeight <= HEIGHT && !broken) break;
    }
  }
  document.body.classList.remove("measuring");
}

async function show() {
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await enlarge();
  // In the window of the notes, the text for screen readers would stand beside the picture of a formula.
  document.querySelectorAll("aside.notes mjx-assistive-mml").forEach((text) => text.remove());
  await Reveal.initialize({
    width: WIDTH,
    height: HEIGHT,
    margin: 0,
    center: false,
    controls: false,
    defaultTiming: 60, // each slide says its own; without this, the notes show no clock
    hash: true,
    history: true,
    pdfMaxPagesPerSlide: 1,
    plugins: [RevealNotes],
    slideNumber: "c/t",
    transition: "none",
  });
}
