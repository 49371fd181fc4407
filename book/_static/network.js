// A fully connected network, its gradients and two optimizers: the formulas of notebooks 06, 07 and 09, under the names
// that they have there. Nothing here knows of a page, so that it runs in Node, too.
// A matrix is {n, d, values}: n rows of d numbers, row after row.
"use strict";
(() => {
  const matrix = (n, d) => ({n, d, values: new Float64Array(n * d)});
  const rows = (M, numbers) => {
    const picked = matrix(numbers.length, M.d);
    numbers.forEach((r, i) => picked.values.set(M.values.subarray(r * M.d, (r + 1) * M.d), i * M.d));
    return picked;
  };

  // ---------------------------------------------------------------------- forward, backward (07, "Any depth")

  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  // Each with its slope, written with its output a
  const ACTIVATIONS = {
    relu: [(z) => Math.max(z, 0), (a) => (a > 0 ? 1 : 0)],
    tanh: [Math.tanh, (a) => 1 - a * a],
    sigmoid: [sigmoid, (a) => a * (1 - a)],
    none: [(z) => z, () => 1],
  };

  /** A W + b: (n, d), a layer {W: (d, k), b: k numbers} -> (n, k). */
  function linear(A, {W, b}) {
    const Z = matrix(A.n, W.d);
    for (let r = 0; r < A.n; r++) {
      const z = Z.values.subarray(r * W.d, (r + 1) * W.d);
      z.set(b);
      for (let i = 0; i < A.d; i++) {
        const a = A.values[r * A.d + i];
        if (a === 0) continue; // most pixels of a digit are, and many hidden units
        for (let j = 0, w = i * W.d; j < W.d; j++, w++) z[j] += a * W.values[w];
      }
    }
    return Z;
  }

  /** {A: the input of each layer, Z: the output of the last}; X: (n, d). */
  function forward(X, layers, activation) {
    const [act] = ACTIVATIONS[activation];
    const A = [X];
    for (const layer of layers.slice(0, -1)) {
      const H = linear(A.at(-1), layer);
      H.values.forEach((z, i) => (H.values[i] = act(z)));
      A.push(H);
    }
    return {A, Z: linear(A.at(-1), layers.at(-1))};
  }

  /** The gradients {W, b} of every layer. A: from `forward`; dZ: the gradient at the output, (n, k). */
  function backward(A, dZ, layers, activation) {
    const [, slope] = ACTIVATIONS[activation];
    const gradients = [];
    for (let i = layers.length - 1; i >= 0; i--) {
      const {W} = layers[i];
      const dW = matrix(W.n, W.d); // A^T dZ: value at the left end times gradient at the right end, over all examples
      const db = new Float64Array(W.d);
      const dA = matrix(dZ.n, W.n); // dZ W^T: the sum over the paths
      for (let r = 0; r < dZ.n; r++) {
        const dz = dZ.values.subarray(r * W.d, (r + 1) * W.d);
        dz.forEach((value, k) => (db[k] += value));
        for (let j = 0; j < W.n; j++) {
          const a = A[i].values[r * W.n + j];
          let sum = 0;
          for (let k = 0, w = j * W.d; k < W.d; k++, w++) {
            dW.values[w] += a * dz[k];
            sum += dz[k] * W.values[w];
          }
          dA.values[r * W.n + j] = sum;
        }
      }
      gradients.unshift({W: dW, b: db});
      if (i > 0) {
        A[i].values.forEach((a, at) => (dA.values[at] *= slope(a)));
        dZ = dA;
      }
    }
    return gradients;
  }

  /** The mean binary cross-entropy of logits Z (n, 1), and its gradient at Z; y: n numbers, 0 or 1. */
  function bceWithSlope(Z, y) {
    const dZ = matrix(Z.n, 1);
    let loss = 0;
    Z.values.forEach((z, i) => {
      loss += Math.max(z, 0) - z * y[i] + Math.log1p(Math.exp(-Math.abs(z))); // no overflow, however large z
      dZ.values[i] = (sigmoid(z) - y[i]) / Z.n;
    });
    return {loss: loss / Z.n, dZ};
  }

  function softmax(z) {
    const top = Math.max(...z);
    const e = Array.from(z, (value) => Math.exp(value - top));
    const sum = e.reduce((a, b) => a + b);
    return e.map((value) => value / sum);
  }

  // -------------------------------------------------------------------------------------- optimizers (02, 09)

  const numbersOf = (layers) => layers.flatMap(({W, b}) => [W.values, b]);

  const OPTIMIZERS = {
    /** p <- p - lr g */
    sgd: () => (layers, gradients, lr) => {
      const g = numbersOf(gradients);
      numbersOf(layers).forEach((p, at) => p.forEach((_, i) => (p[i] -= lr * g[at][i])));
    },
    /** Adam (Kingma and Ba 2015), with the usual 0.9, 0.999 and 1e-8. */
    adam: () => {
      let steps = 0;
      let m, v; // running means of the gradients and of their squares
      return (layers, gradients, lr) => {
        const g = numbersOf(gradients);
        m = m || g.map((values) => new Float64Array(values.length));
        v = v || g.map((values) => new Float64Array(values.length));
        steps += 1;
        const mShare = 1 - 0.9 ** steps; // both means begin at 0, and are too small by these factors
        const vShare = 1 - 0.999 ** steps;
        numbersOf(layers).forEach((p, at) =>
          p.forEach((_, i) => {
            m[at][i] = 0.9 * m[at][i] + 0.1 * g[at][i];
            v[at][i] = 0.999 * v[at][i] + 0.001 * g[at][i] ** 2;
            p[i] -= (lr * (m[at][i] / mShare)) / (Math.sqrt(v[at][i] / vShare) + 1e-8);
          }),
        );
      };
    },
  };

  // --------------------------------------------------------------------------------- random numbers, and data

  /** A generator of numbers in [0, 1), the same for the same seed: xorshift (Marsaglia 2003), 32 bits. */
  function uniform(seed) {
    let state = (seed + 1) * 0x9e3779b9; // neighbouring seeds, distant states
    const next = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
    for (let i = 0; i < 8; i++) next();
    return next;
  }

  const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

  // Each gives one point (x1, x2) and its class. Quadrants and spirals are those of helpers/data.py.
  const inSquare = (random) => 10 * random() - 5;
  const apart = (x, gap) => x + (x >= 0 ? gap : -gap); // so that a continuous function can tell the classes
  const DATA = {
    line: (_, random) => {
      const along = inSquare(random);
      const across = apart(inSquare(random), 0.3);
      return [(along + across) / Math.SQRT2, (across - along) / Math.SQRT2, across > 0 ? 1 : 0];
    },
    quadrants: (_, random) => {
      const x1 = apart(inSquare(random), 0.3);
      const x2 = apart(inSquare(random), 0.3);
      return [x1, x2, x1 * x2 > 0 ? 1 : 0];
    },
    ring: (i, random) => {
      const radius = i % 2 ? 2.2 * Math.sqrt(random()) : 3 + 2 * random();
      const angle = 2 * Math.PI * random();
      return [radius * Math.sin(angle), radius * Math.cos(angle), i % 2];
    },
    spirals: (i, random) => {
      const t = random(); // how far along the arm
      const angle = 2 * Math.PI * 1.75 * t + Math.PI * (i % 2);
      return [(0.4 + 4.6 * t) * Math.sin(angle), (0.4 + 4.6 * t) * Math.cos(angle), i % 2];
    },
  };

  /** n points of two classes: {X: (n, 2), y: n numbers}. noise: standard deviation of what is added to a coordinate. */
  function makeData(name, n, noise = 0, seed = 0) {
    const random = uniform(seed);
    const X = matrix(n, 2);
    const y = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const [x1, x2, label] = DATA[name](i, random);
      X.values[2 * i] = x1 + noise * normal(random);
      X.values[2 * i + 1] = x2 + noise * normal(random);
      y[i] = label;
    }
    return {X, y};
  }

  const FEATURES = {
    x1: (x1) => x1,
    x2: (x1, x2) => x2,
    product: (x1, x2) => x1 * x2,
    square1: (x1) => x1 * x1,
    square2: (x1, x2) => x2 * x2,
    radius: (x1, x2) => Math.hypot(x1, x2),
    angle: (x1, x2) => Math.atan2(x2, x1),
  };

  /** Points X (n, 2) as the network gets them: (n, how many names). */
  function featuresOf(X, names) {
    const F = matrix(X.n, names.length);
    for (let r = 0; r < X.n; r++) {
      names.forEach((name, i) => {
        F.values[r * F.d + i] = FEATURES[name](X.values[2 * r], X.values[2 * r + 1]);
      });
    }
    return F;
  }

  /** Random layers as nn.Linear draws them: all between -1 / sqrt(d) and 1 / sqrt(d), for d inputs. */
  function makeLayers(sizes, random) {
    return sizes.slice(1).map((k, i) => {
      const d = sizes[i];
      const draw = () => (2 * random() - 1) / Math.sqrt(d);
      return {
        W: {n: d, d: k, values: Float64Array.from({length: d * k}, draw)},
        b: Float64Array.from({length: k}, draw),
      };
    });
  }

  // --------------------------------------------------------------------------------------------- a training

  /** Sizes of the layers, inputs and the one output included. */
  const sizesOf = ({features, width, depth}) => [features.length, ...Array(depth).fill(width), 1];

  /**
   * A network, its points and its optimizer; `step` goes on by one batch.
   *
   * settings: data, noise; features (names), width, depth, activation; optimizer, lr, batch; start (which random start).
   * Of 500 points, 250 are trained on, and 250 held out. lr and batch may be changed on the way.
   */
  class Training {
    constructor(settings) {
      this.settings = settings;
      const {X, y} = makeData(settings.data, 500, settings.noise);
      const part = (from, to) => {
        const numbers = Array.from({length: to - from}, (_, i) => from + i);
        const points = rows(X, numbers);
        return {points, X: featuresOf(points, settings.features), y: y.slice(from, to)};
      };
      this.training = part(0, 250);
      this.heldOut = part(250, 500);
      this.random = uniform(1000 + settings.start);
      this.layers = makeLayers(sizesOf(settings), this.random);
      this.optimizer = OPTIMIZERS[settings.optimizer]();
      this.order = []; // what is left of this epoch
      this.steps = this.epochs = 0;
      this.gradients = null; // of the last batch
      this.history = [this.measure()];
    }

    /** Loss, and how many points are on the right side, of the training and of the held-out points. */
    measure() {
      const of = ({X, y}) => {
        const Z = this.scores(X).Z;
        const right = Z.values.reduce((count, z, i) => count + (z > 0 === y[i] > 0 ? 1 : 0), 0);
        return {loss: bceWithSlope(Z, y).loss, right, of: X.n};
      };
      return {training: of(this.training), heldOut: of(this.heldOut)};
    }

    /** What `forward` gives for features X. */
    scores(X) {
      return forward(X, this.layers, this.settings.activation);
    }

    get parameters() {
      return numbersOf(this.layers).reduce((count, values) => count + values.length, 0);
    }

    get diverged() {
      return !Number.isFinite(this.history.at(-1).training.loss);
    }

    /** One step, on one batch. Returns whether it was the last of its epoch; then `history` has a new entry. */
    step() {
      const {activation, lr, batch} = this.settings;
      if (!this.order.length) this.order = this.shuffled();
      const numbers = this.order.splice(0, batch);
      const {A, Z} = this.scores(rows(this.training.X, numbers));
      const {dZ} = bceWithSlope(
        Z,
        numbers.map((i) => this.training.y[i]),
      );
      this.gradients = backward(A, dZ, this.layers, activation);
      this.optimizer(this.layers, this.gradients, lr);
      this.steps += 1;
      if (this.order.length) return false;
      this.epochs += 1;
      this.history.push(this.measure());
      return true;
    }

    epoch() {
      while (!this.step());
    }

    shuffled() {
      const order = Array.from(this.training.y.keys());
      for (let i = order.length - 1; i > 0; i--) {
        const j = Math.floor((i + 1) * this.random());
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    }
  }

  globalThis.course = globalThis.course || {};
  course.network = {
    ACTIVATIONS,
    DATA,
    FEATURES,
    OPTIMIZERS,
    Training,
    backward,
    bceWithSlope,
    featuresOf,
    forward,
    makeData,
    makeLayers,
    matrix,
    sigmoid,
    sizesOf,
    softmax,
    uniform,
  };
})();
