// The digit pad: what the reader draws goes through digits.js, and the page shows every station of the way.
"use strict";
(() => {
  const {SIZE, ink, read, slant, upright} = course.digits;

  const WORDS = {
    empty: "Nothing is drawn yet.",
    answer: (digit) => `I read ${digit}`,
    sure: (share) => `${percent(share)} sure`,
    said: (order, p, k) =>
      `I read ${order[0]}, ${percent(p[order[0]])} sure. Next: ${order[1]}, ${percent(p[order[1]])}. ` +
      `The drawing has the slope ${rounded(k)}.`,
    prepared: (box, k) => `${where(box)} Its slope k is ${rounded(k)}.`,
    seen: (box, k) => `${where(box)} The slope that is left is ${rounded(k)}.`,
    notSheared: "The same image, since the upright step is off.",
    pen: ([x, y], down) => `Pen ${down ? "down" : "up"} at column ${x.toFixed(1)}, row ${y.toFixed(1)}, of 28.`,
    wiped: "The pad is empty.",
  };

  // No probability is 0 or 1, and none is shown so.
  const percent = (share) =>
    share < 0.001 ? "under 0.1 %" : share > 0.999 ? "over 99.9 %" : `${(100 * share).toFixed(1)} %`;
  const rounded = (k) => k.toFixed(2).replace(/^-(0\.00)$/, "$1"); // no "-0.00"
  const where = ({left, right, top, bottom, share}) =>
    `Ink in columns ${left} to ${right} and rows ${top} to ${bottom}, ${Math.round(100 * share)} % of the pixels.`;

  /** Where the ink of an image is, columns and rows counted from 1. */
  function inked(image) {
    const places = [...image.keys()].filter((i) => image[i] > 0.1);
    const columns = places.map((i) => (i % SIZE) + 1);
    const rows = places.map((i) => Math.floor(i / SIZE) + 1);
    return {
      left: Math.min(...columns),
      right: Math.max(...columns),
      top: Math.min(...rows),
      bottom: Math.max(...rows),
      share: places.length / image.length,
    };
  }

  // Drawings to begin with, as strokes of points. The first is the one of notebook 10.
  const curve = (cx, cy, rx, ry, from, to) =>
    Array.from({length: 25}, (_, i) => {
      const angle = ((from + ((to - from) * i) / 24) * Math.PI) / 180;
      return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
    });
  const DRAWINGS = {
    four: [[[9, 3], [7, 13], [18, 13]], [[16, 6], [16, 25]]],
    seven: [[[8, 6], [20, 6], [13, 23]]],
    "seven-bar": [[[8, 6], [20, 6], [13, 23]], [[11, 14], [20, 14]]],
    one: [[[14, 4], [14, 24]]],
    "one-foot": [[[10, 8], [14, 4], [14, 24]], [[9, 24], [19, 24]]],
    eight: [[...curve(14, 9, 4.5, 5, 90, 450), ...curve(14, 19, 5.5, 5, -90, 270)]],
    letter: [[[7, 24], [14, 4], [21, 24]], [[10, 16], [18, 16]]],
  };

  const STEP = 0.5; // pixels of 28 that an arrow key moves the pen
  const KEYS = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    Home: [-1, -1], PageUp: [1, -1], End: [-1, 1], PageDown: [1, 1], // as they lie on a numeric keypad
  };

  function digitPad(box) {
    const part = (name) => box.querySelector(`[data-part="${name}"]`);
    const pad = part("pad");
    const [lean, straighten, drawing] = ["lean", "straighten", "drawing"].map((name) =>
      box.querySelector(`[name=${name}]`),
    );

    let strokes = []; // as drawn, before the lean
    let pen = [SIZE / 2, SIZE / 2]; // of the keyboard
    let down = false; // whether that pen writes
    let showPen = false;
    let waiting = 0; // the frame that is asked for, or 0
    let aloud = false; // whether it shall be told, too

    // The lean is a shear about the middle row. What is drawn on a leaning pad shall stay under the finger.
    const slope = () => Math.tan((+lean.value * Math.PI) / 180);
    const leaning = ([x, y]) => [x + slope() * (SIZE / 2 - y), y];
    const straight = ([x, y]) => [x - slope() * (SIZE / 2 - y), y];

    // -------------------------------------------------------------------------------------------- showing

    /** Show everything with the next frame; `tell`: and say it, for a screen reader. */
    function show(tell = false) {
      aloud ||= tell;
      waiting ||= requestAnimationFrame(() => {
        drawPad();
        drawAnswer();
        waiting = 0;
        aloud = false;
      });
    }

    function drawPad() {
      const width = pad.clientWidth;
      const scale = window.devicePixelRatio || 1;
      pad.width = pad.height = Math.round(width * scale);
      const context = pad.getContext("2d");
      context.scale(pad.width / SIZE, pad.width / SIZE);
      context.lineWidth = 2;
      context.lineCap = context.lineJoin = "round";
      context.strokeStyle = "#000"; // the paper is white by day and by night, as the images are
      for (const stroke of strokes) {
        context.beginPath();
        for (const point of stroke) context.lineTo(...leaning(point));
        if (stroke.length === 1) context.lineTo(...leaning(stroke[0]));
        context.stroke();
      }
      if (showPen) {
        context.beginPath();
        context.arc(...pen, 1.2, 0, 2 * Math.PI);
        context.lineWidth = 0.4;
        context.strokeStyle = getComputedStyle(box).getPropertyValue("--model");
        context.fillStyle = context.strokeStyle;
        if (down) context.fill();
        context.stroke();
      }
    }

    function drawImage(canvas, image) {
      const context = canvas.getContext("2d");
      const picture = context.createImageData(SIZE, SIZE);
      image.forEach((value, i) => picture.data.set([0, 0, 0, 255 * value], 4 * i));
      context.putImageData(picture, 0, 0);
    }

    function drawAnswer() {
      const blank = new Float64Array(SIZE * SIZE);
      const image = strokes.length ? ink(strokes.map((stroke) => stroke.map(leaning))) : blank;
      const seen = straighten.checked ? upright(image) : image;
      drawImage(part("prepared"), image);
      drawImage(part("seen"), seen);
      if (!strokes.length) {
        part("answer").textContent = WORDS.empty;
        part("sure").textContent = "";
        part("prepared-text").textContent = part("seen-text").textContent = "";
        for (const row of part("chances").rows) bar(row, null);
        if (aloud) part("said").textContent = WORDS.wiped;
        return;
      }
      const p = read(image, {straighten: straighten.checked});
      const order = [...p.keys()].sort((a, b) => p[b] - p[a]);
      const {k} = slant(image);
      part("answer").textContent = WORDS.answer(order[0]);
      part("sure").textContent = WORDS.sure(p[order[0]]);
      part("prepared-text").textContent = WORDS.prepared(inked(image), k);
      part("seen-text").textContent = straighten.checked ? WORDS.seen(inked(seen), slant(seen).k) : WORDS.notSheared;
      [...part("chances").rows].forEach((row, digit) => bar(row, p[digit], digit === order[0]));
      if (aloud) part("said").textContent = WORDS.said(order, p, k);
    }

    function bar(row, share, best = false) {
      row.classList.toggle("best", best);
      row.classList.toggle("tiny", share !== null && share < 0.001);
      row.style.setProperty("--share", share || 0);
      row.cells[1].textContent = share === null ? "" : percent(share);
    }

    // -------------------------------------------------------------------------- drawing: mouse, finger, pen

    const place = (event) => [event.offsetX, event.offsetY].map((value) => (value * SIZE) / pad.clientWidth);

    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pad.setPointerCapture(event.pointerId);
      showPen = down = false;
      strokes.push([straight(place(event))]);
      show();
    });
    pad.addEventListener("pointermove", (event) => {
      if (!event.buttons || !pad.hasPointerCapture(event.pointerId)) return;
      // a fast hand makes more points than a screen has frames
      const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      const points = events.length ? events : [event];
      strokes.at(-1).push(...points.map((each) => straight(place(each))));
      show();
    });
    pad.addEventListener("pointerup", () => show(true));
    pad.addEventListener("pointercancel", () => show(true));

    // -------------------------------------------------------------------------------- drawing: the keyboard

    pad.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const way = KEYS[event.key];
      if (way) {
        const step = event.shiftKey ? STEP / 2 : STEP;
        pen = pen.map((value, axis) => Math.min(Math.max(value + step * way[axis], 1), SIZE - 1));
        if (down) strokes.at(-1).push(straight(pen));
      } else if (event.key === " ") {
        down = !down;
        if (down) strokes.push([straight(pen)]);
      } else if (event.key === "Backspace") {
        takeBack();
      } else if (event.key === "Escape") {
        clear();
      } else {
        return;
      }
      event.preventDefault();
      showPen = true;
      show(event.key === " " && !down);
      if (way || down) part("pen").textContent = WORDS.pen(pen, down);
    });
    pad.addEventListener("blur", () => {
      showPen = down = false;
      show();
    });

    // ----------------------------------------------------------------------------------------- the controls

    function takeBack() {
      strokes.pop();
      down = false;
      show(true);
    }

    function clear() {
      strokes = [];
      drawing.value = "";
      down = false;
      show(true);
    }

    part("back").addEventListener("click", takeBack);
    part("clear").addEventListener("click", clear);
    drawing.addEventListener("change", () => {
      if (!drawing.value) return;
      strokes = DRAWINGS[drawing.value].map((stroke) => stroke.map((point) => [...point]));
      show(true);
    });
    lean.addEventListener("input", () => {
      box.querySelector("output").value = `${lean.value}°`;
      show();
    });
    lean.addEventListener("change", () => show(true));
    straighten.addEventListener("change", () => show(true));

    new ResizeObserver(() => show()).observe(pad);
    box.hidden = false;
    show();
  }

  document.querySelectorAll(".digit-pad").forEach(digitPad);
})();
