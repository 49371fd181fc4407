// The reader of notebook 10's last rung, from pen strokes to probabilities, under the names that its parts have there.
// Needs network.js and digit_weights.js; nothing here knows of a page, so that it runs in Node, too.
// An image is 784 numbers, row after row, from 0 (paper) to 1 (ink). A stroke is a list of points [x, y], in pixels.
"use strict";
(() => {
  const {forward, matrix, softmax} = course.network;
  const SIZE = 28;
  const PLACE = Array.from({length: SIZE}, (_, i) => (i - 13.5) / 14); // pixel centres, from -1 to 1

  // Half a million bytes: loops, since Uint8Array.from with a function takes several times as long.
  function bytes(base64) {
    const text = atob(base64);
    const values = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) values[i] = text.charCodeAt(i);
    return values.buffer;
  }

  /** The layers {W: (d, k), b} of digit_weights.js. */
  function unpack({layers}) {
    return layers.map((layer) => {
      const scale = new Float32Array(bytes(layer.scale));
      const whole = new Int8Array(bytes(layer.weight));
      const k = scale.length;
      const values = new Float64Array(whole.length);
      for (let i = 0; i < whole.length; i++) values[i] = whole[i] * scale[i % k];
      return {W: {n: whole.length / k, d: k, values}, b: new Float32Array(bytes(layer.bias))};
    });
  }
  const layers = unpack(course.digitWeights);

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** Slope k of the ink of an image, x = k y + c fitted to it, and its mean height. */
  function slant(image) {
    let ink = 0,
      x = 0,
      y = 0,
      xy = 0,
      yy = 0;
    image.forEach((value, i) => {
      const px = PLACE[i % SIZE];
      const py = PLACE[Math.floor(i / SIZE)];
      ink += value;
      x += value * px;
      y += value * py;
      xy += value * px * py;
      yy += value * py * py;
    });
    ink = Math.max(ink, 1e-6); // no 0 / 0 in an empty image
    const k = (xy / ink - (x / ink) * (y / ink)) / Math.max(yy / ink - (y / ink) ** 2, 1e-3);
    return {k: clamp(k, -1, 1), middle: y / ink};
  }

  /** The image sheared until its ink stands upright. */
  function upright(image) {
    const {k, middle} = slant(image);
    const seen = new Float64Array(image.length);
    for (let row = 0; row < SIZE; row++) {
      // Where to look, in pixels. A shear moves along the row only: of bilinear interpolation, the half along x is left.
      const shift = 14 * k * (PLACE[row] - middle);
      for (let column = 0; column < SIZE; column++) {
        const left = Math.floor(column + shift);
        const share = column + shift - left;
        const at = (c) => (c >= 0 && c < SIZE ? image[row * SIZE + c] : 0); // beyond the edge there is paper
        seen[row * SIZE + column] = (1 - share) * at(left) + share * at(left + 1);
      }
    }
    return seen;
  }

  /** Ten scores (logits) for an image that stands as the network shall see it. */
  function scores(image) {
    const X = matrix(1, image.length);
    X.values.set(image);
    return forward(X, layers, "relu").Z.values;
  }

  /** Probabilities of the ten digits for an image; `straighten`: with the upright step, as the network was trained. */
  const read = (image, {straighten = true} = {}) => softmax(scores(straighten ? upright(image) : image));

  const REACH = 1.8; // of a pen, in pixels

  /** Ink of straight lines [x0, y0, x1, y1]: a pixel is inked when the nearest piece of a line is near. */
  function render(lines) {
    const nearest = new Float64Array(SIZE * SIZE).fill(Infinity); // squared distances
    // Only pixels in reach of a line are looked at; all others would stay paper.
    const first = (a, b) => Math.max(Math.ceil(Math.min(a, b) - REACH - 0.5), 0);
    const last = (a, b) => Math.min(Math.floor(Math.max(a, b) + REACH - 0.5), SIZE - 1);
    for (const [x0, y0, x1, y1] of lines) {
      const dx = x1 - x0,
        dy = y1 - y0;
      const square = Math.max(dx * dx + dy * dy, 1e-9);
      for (let row = first(y0, y1); row <= last(y0, y1); row++) {
        for (let column = first(x0, x1); column <= last(x0, x1); column++) {
          const x = column + 0.5 - x0,
            y = row + 0.5 - y0;
          const along = clamp((x * dx + y * dy) / square, 0, 1);
          const distance = (x - along * dx) ** 2 + (y - along * dy) ** 2;
          const at = row * SIZE + column;
          nearest[at] = Math.min(nearest[at], distance);
        }
      }
    }
    return nearest.map((distance) => clamp(REACH - Math.sqrt(distance), 0, 1));
  }

  /** The image of pen strokes, prepared as in MNIST: in a box of 20 pixels, the centre of mass in the middle. */
  function ink(strokes) {
    // a stroke of one point, a dot, is a line of length 0
    const lines = strokes.flatMap((s) =>
      s.length > 1 ? s.slice(1).map((p, i) => [...s[i], ...p]) : [[...s[0], ...s[0]]],
    );
    const range = (axis) => {
      const values = strokes.flat().map((point) => point[axis]);
      // not Math.min(...values): a long drawing has more points than a call takes arguments
      return values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
    };
    const [[left, right], [top, bottom]] = [range(0), range(1)];
    const zoom = 17 / Math.max(right - left, bottom - top, 1e-6); // pens are 3 pixels wide
    const move = (lines, by) => lines.map((line) => line.map((value, i) => by[i % 2](value)));
    const boxed = move(lines, [
      (x) => 14 + (x - (left + right) / 2) * zoom,
      (y) => 14 + (y - (top + bottom) / 2) * zoom,
    ]);
    const image = render(boxed);
    let mass = 0,
      x = 0,
      y = 0;
    image.forEach((value, i) => {
      mass += value;
      x += value * ((i % SIZE) + 0.5);
      y += value * (Math.floor(i / SIZE) + 0.5);
    });
    return render(move(boxed, [(value) => value + 14 - x / mass, (value) => value + 14 - y / mass]));
  }

  course.digits = {SIZE, ink, layers, read, scores, slant, upright};
})();
