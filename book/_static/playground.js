// The playground of notebook 06: shows a Training of network.js, and lets the reader change it.
"use strict";
(() => {
  const {Training, featuresOf, forward, matrix, sigmoid, sizesOf} = course.network;

  const HALF = 6; // the figure shows the square from -6 to 6
  const GRID = 64; // places in a row of it where the network is asked
  const FRAME = 1000 / 60; // milliseconds: one epoch takes at least so long, or nobody would see it
  const SAY_AGAIN = 5000; // milliseconds between two announcements of a running training

  const WORDS = {
    progress: (t) => `Epoch ${t.epochs}, step ${t.steps}. `,
    part: (name, {loss, right, of}) => `${name}: loss ${number(loss)}, ${right} of ${of} right.`,
    paused: "The training waits while it is out of sight.",
    diverged:
      "The loss is no longer a number: the steps were too large. Choose a smaller learning rate, and start again.",
    noFeature: "A network needs at least one feature.",
    size: (sizes, parameters) => `${sizes.join("-")}: ${parameters} parameters`,
    regions: (share, places) =>
      `Class 1 has ${Math.round(100 * share)} % of the square. Its probability at nine places, from the upper left: ` +
      `${places.map((row) => row.map((p) => p.toFixed(2)).join(", ")).join("; ")}.`,
    curves: (t) => {
      const [first, last] = [t.history[0], t.history.at(-1)];
      return (
        `From epoch 0 to ${t.epochs}, the training loss went from ${number(first.training.loss)} to ` +
        `${number(last.training.loss)}, the held-out loss from ${number(first.heldOut.loss)} to ` +
        `${number(last.heldOut.loss)}.`
      );
    },
    network: (sizes) =>
      `The network ${sizes.join("-")}, with what each unit says about the square. ` +
      "Its numbers are in the tables below.",
    probe: (x1, x2, z) =>
      `At x₁ = ${x1.toFixed(1)}, x₂ = ${x2.toFixed(1)}: logit ${z.toFixed(2)}, probability of class 1 ${sigmoid(z).toFixed(3)}.`,
    layer: (i, last) =>
      `From ${i ? `hidden layer ${i}` : "the features"} to ${last ? "the output" : `hidden layer ${i + 1}`}`,
    unit: (j) => `unit ${j + 1}`,
    bias: "bias",
    output: "logit",
  };

  const number = (value) => (value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : value.toFixed(3));
  const signed = (value, digits) => value.toFixed(digits).replace(/^-(0\.0+)$/, "$1"); // no "-0.000"

  /** The places of a GRID x GRID picture of the square, as points (n, 2), row after row from the top. */
  function places() {
    const X = matrix(GRID * GRID, 2);
    for (let i = 0; i < X.n; i++) {
      X.values[2 * i] = HALF * ((2 * ((i % GRID) + 0.5)) / GRID - 1);
      X.values[2 * i + 1] = HALF * (1 - (2 * (Math.floor(i / GRID) + 0.5)) / GRID);
    }
    return X;
  }
  const PLACES = places();

  function playground(box) {
    const part = (name) => box.querySelector(`[data-part="${name}"]`);
    const form = box.querySelector("form");
    const [regions, curves, network] = ["regions", "curves", "network"].map(part);
    const run = part("run");

    let training; // what is shown
    let inputs; // PLACES as the network gets them
    let running = false;
    let visible = true;
    let waiting = 0; // the frame that is asked for, or 0
    let last = 0; // when the last epoch began
    let said = 0; // when the last announcement was made
    let probe = null; // where the reader points, [x1, x2]

    // ------------------------------------------------------------------------------------------ settings

    function settings() {
      const value = (name) => form.elements[name].value;
      return {
        data: value("data"),
        noise: +value("noise"),
        features: [...form.querySelectorAll("[name=features]:checked")].map((box) => box.value),
        width: +value("width"),
        depth: +value("depth"),
        activation: value("activation"),
        optimizer: value("optimizer"),
        lr: +value("lr"),
        batch: +value("batch"),
        start: +value("start"),
      };
    }

    function restart() {
      stop();
      const chosen = settings();
      for (const output of form.querySelectorAll("output")) output.value = form.elements[output.htmlFor.value].value;
      alarm(chosen.features.length ? "" : WORDS.noFeature);
      if (!chosen.features.length) return;
      training = new Training(chosen);
      inputs = featuresOf(PLACES, chosen.features);
      draw();
      say(summary());
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", ({target}) => {
      if (target.name === "heldOut") draw();
      else if (["lr", "batch"].includes(target.name))
        Object.assign(training.settings, {lr: settings().lr, batch: settings().batch});
      else restart();
    });

    // ------------------------------------------------------------------------------------------ training

    function start() {
      if (stuck()) return restart();
      running = true;
      run.textContent = run.dataset.pause;
      schedule();
    }

    const stuck = () => training.diverged || !settings().features.length;

    function stop() {
      running = false;
      run.textContent = run.dataset.train;
      schedule();
    }

    function schedule() {
      const shown = visible && !document.hidden;
      part("paused").textContent = running && !shown ? WORDS.paused : "";
      if (running && shown) waiting ||= requestAnimationFrame(tick);
      else {
        cancelAnimationFrame(waiting); // or one more epoch would pass unseen
        waiting = 0;
      }
    }

    function tick(now) {
      waiting = 0;
      if (now - last >= FRAME - 2) {
        // (a screen's frames are not to the millisecond)
        last = now;
        training.epoch();
        draw();
        if (training.diverged) return finish();
        if (now - said > SAY_AGAIN) say(summary());
      }
      schedule();
    }

    function finish() {
      stop();
      draw();
      say(summary());
    }

    run.addEventListener("click", () => (running ? finish() : start()));
    part("step").addEventListener("click", () => {
      if (stuck()) return restart();
      training.step();
      finish();
    });
    part("again").addEventListener("click", restart);
    document.addEventListener("visibilitychange", schedule);
    new IntersectionObserver(([entry]) => {
      visible = entry.isIntersecting;
      schedule();
    }).observe(box);

    // -------------------------------------------------------------------------------------------- showing

    /** What the training says, in a sentence for each part; read aloud by a screen reader. */
    function summary() {
      if (training.diverged) return WORDS.diverged;
      const {training: seen, heldOut} = training.measure();
      return (
        WORDS.progress(training) + WORDS.part("Training points", seen) + " " + WORDS.part("Held-out points", heldOut)
      );
    }

    function alarm(text) {
      part("alarm").textContent = text;
      if (text) say(text);
    }

    function say(text) {
      said = performance.now();
      part("said").textContent = text;
    }

    function draw() {
      const {A, Z} = forward(inputs, training.layers, training.settings.activation);
      const colors = palette();
      const measured = training.measure();
      for (const [name, {loss, right, of}] of Object.entries(measured)) {
        part(`${name}-loss`).textContent = number(loss);
        part(`${name}-right`).textContent = `${right} of ${of}`;
      }
      part("count").textContent = `epoch ${training.epochs}, step ${training.steps}`;
      part("size").textContent = WORDS.size(sizesOf(training.settings), training.parameters);
      if (training.diverged) alarm(WORDS.diverged);
      drawRegions(Z.values, colors);
      drawCurves(colors);
      drawNetwork([...A, Z], colors);
      showProbe();
      describe(Z.values);
      box.dataset.epochs = training.epochs;
    }

    function describe(logits) {
      const at = (row, column) => sigmoid(logits[row * GRID + column]);
      const nine = [0, 31, 63].map((row) => [0, 31, 63].map((column) => at(row, column)));
      const share = logits.filter((z) => z > 0).length / logits.length;
      part("regions-text").textContent = WORDS.regions(share, nine);
      part("curves-text").textContent = WORDS.curves(training);
      network.setAttribute("aria-label", WORDS.network(sizesOf(training.settings)));
      if (part("numbers").open && !running) showNumbers(); // hundreds of numbers in each frame would be read by nobody
    }

    // The colours are those of the style sheet, which knows whether it is day or night.
    function palette() {
      const style = getComputedStyle(box);
      const names = ["class-0", "class-1", "model", "truth", "neutral", "ground", "ink"];
      const pen = document.createElement("canvas").getContext("2d");
      return Object.fromEntries(
        names.map((name) => {
          pen.fillStyle = style.getPropertyValue(`--${name}`).trim();
          return [name, pen.fillStyle]; // "#rrggbb"
        }),
      );
    }

    /** A pen for a canvas, in CSS pixels, whatever the screen; the canvas is empty then. */
    function penFor(canvas, height) {
      const width = canvas.clientWidth;
      const scale = window.devicePixelRatio || 1;
      if (height) canvas.style.height = `${height}px`;
      height = canvas.clientHeight;
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      const pen = canvas.getContext("2d");
      pen.scale(canvas.width / width, canvas.height / height);
      pen.font = "13px system-ui, sans-serif";
      pen.lineJoin = "round";
      return {pen, width, height};
    }

    /** A GRID x GRID picture: `shade` takes the number of a place, and gives from -1 (class 0) to 1 (class 1). */
    function picture(shade, colors) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = GRID;
      const pen = canvas.getContext("2d");
      const image = pen.createImageData(GRID, GRID);
      const rgb = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
      const [negative, middle, positive] = [colors["class-0"], colors.ground, colors["class-1"]].map(rgb);
      for (let i = 0; i < GRID * GRID; i++) {
        const value = shade(i);
        const end = value > 0 ? positive : negative;
        const share = 0.6 * Math.min(Math.abs(value), 1);
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = middle[c] + share * (end[c] - middle[c]);
        image.data[4 * i + 3] = 255;
      }
      pen.putImageData(image, 0, 0);
      return canvas;
    }

    function drawRegions(logits, colors) {
      const {pen, width} = penFor(regions);
      const toX = (x) => ((x + HALF) / (2 * HALF)) * width;
      const toY = (y) => ((HALF - y) / (2 * HALF)) * width;
      pen.imageSmoothingEnabled = false;
      pen.drawImage(
        picture((i) => 2 * sigmoid(logits[i]) - 1, colors),
        0,
        0,
        width,
        width,
      );

      pen.strokeStyle = colors.ink;
      pen.lineWidth = 1.8;
      pen.beginPath();
      for (const [a, b] of border(logits)) {
        pen.moveTo(((a[0] + 0.5) / GRID) * width, ((a[1] + 0.5) / GRID) * width);
        pen.lineTo(((b[0] + 0.5) / GRID) * width, ((b[1] + 0.5) / GRID) * width);
      }
      pen.stroke();

      const dot = (x, y, label, hollow) => {
        pen.beginPath();
        if (label)
          pen.rect(x - 3.2, y - 3.2, 6.4, 6.4); // a class has its own marker, too
        else pen.arc(x, y, 3.6, 0, 2 * Math.PI);
        pen.fillStyle = hollow ? colors.ground : colors[`class-${label}`];
        pen.strokeStyle = hollow ? colors[`class-${label}`] : colors.ground;
        pen.lineWidth = hollow ? 1.6 : 0.8;
        pen.fill();
        pen.stroke();
      };
      const show = ({points, y}, hollow) =>
        y.forEach((label, i) => dot(toX(points.values[2 * i]), toY(points.values[2 * i + 1]), label, hollow));
      show(training.training, false);
      if (form.elements.heldOut.checked) show(training.heldOut, true);

      if (probe) {
        const [x, y] = [toX(probe[0]), toY(probe[1])];
        pen.strokeStyle = colors.ink;
        pen.lineWidth = 1.5;
        pen.beginPath();
        pen.moveTo(x - 9, y);
        pen.lineTo(x + 9, y);
        pen.moveTo(x, y - 9);
        pen.lineTo(x, y + 9);
        pen.stroke();
      }
    }

    /** The pieces [[x, y], [x, y]] of the line where the logit is 0, in places of the grid. */
    function border(logits) {
      const pieces = [];
      for (let row = 0; row < GRID - 1; row++) {
        for (let column = 0; column < GRID - 1; column++) {
          const corners = [
            [column, row],
            [column + 1, row],
            [column + 1, row + 1],
            [column, row + 1],
          ];
          const z = corners.map(([x, y]) => logits[y * GRID + x]);
          const crossings = [];
          for (let i = 0; i < 4; i++) {
            const j = (i + 1) % 4;
            if (z[i] > 0 === z[j] > 0) continue;
            const share = z[i] / (z[i] - z[j]);
            crossings.push([0, 1].map((axis) => corners[i][axis] + share * (corners[j][axis] - corners[i][axis])));
          }
          if (crossings.length >= 2) pieces.push(crossings.slice(0, 2));
          if (crossings.length === 4) pieces.push(crossings.slice(2));
        }
      }
      return pieces;
    }

    function drawCurves(colors) {
      const {pen, width, height} = penFor(curves);
      const [left, right, top, bottom] = [48, width - 10, 12, height - 40];
      const {history} = training;
      const losses = history.flatMap((entry) => [entry.training.loss, entry.heldOut.loss]).filter(Number.isFinite);
      const high = Math.ceil(Math.log10(losses.reduce((a, b) => Math.max(a, b), 1)));
      const low = Math.floor(
        Math.log10(
          Math.max(
            1e-6,
            losses.reduce((a, b) => Math.min(a, b), 0.1),
          ),
        ),
      );
      const epochs = Math.max(10, history.length - 1);
      const toX = (epoch) => left + (epoch / epochs) * (right - left);
      const toY = (loss) => top + ((high - Math.log10(Math.max(loss, 1e-9))) / (high - low)) * (bottom - top);

      pen.textBaseline = "middle";
      pen.textAlign = "right";
      pen.lineWidth = 1;
      const powers = Array.from({length: high - low + 1}, (_, i) => 10 ** (high - i));
      const between = high - low < 3 ? powers.slice(1).flatMap((power) => [2 * power, 5 * power]) : [];
      for (const loss of [...powers, ...between]) {
        pen.globalAlpha = 0.3;
        pen.strokeStyle = colors.neutral;
        pen.strokeRect(left, toY(loss), right - left, 0);
        pen.globalAlpha = 1;
        pen.fillStyle = colors.ink;
        pen.fillText(loss < 0.001 ? loss.toExponential(0) : +loss.toPrecision(1), left - 6, toY(loss));
      }
      pen.textBaseline = "top";
      [
        ["left", 0],
        ["center", Math.round(epochs / 2)],
        ["right", epochs],
      ].forEach(([align, epoch]) => {
        pen.textAlign = align;
        pen.fillText(epoch, toX(epoch), bottom + 5);
      });
      pen.textAlign = "center";
      pen.fillText("epoch", (left + right) / 2, bottom + 21);
      pen.save();
      pen.translate(4, (top + bottom) / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillText("loss", 0, 0);
      pen.restore();

      const line = (color, dash, loss) => {
        pen.strokeStyle = color;
        pen.setLineDash(dash);
        pen.lineWidth = 2.2;
        pen.beginPath();
        history.forEach((entry, epoch) => {
          const value = loss(entry);
          if (Number.isFinite(value)) pen.lineTo(toX(epoch), Math.max(toY(value), top));
        });
        pen.stroke();
      };
      line(colors.truth, [], (entry) => entry.heldOut.loss);
      line(colors.model, [7, 4], (entry) => entry.training.loss);
      pen.strokeStyle = colors.neutral;
      pen.lineWidth = 1.2;
      pen.setLineDash([2, 3]);
      pen.strokeRect(left, toY(Math.LN2), right - left, 0);
    }

    /** Every unit as a small picture of the square, every weight as a line. layers: what each layer says, (n, k). */
    function drawNetwork(layers, colors) {
      const most = Math.max(...layers.map((layer) => layer.d));
      const cell = Math.min(34, Math.floor(360 / most)); // pixels for each unit, the gap included
      const {pen, width, height} = penFor(network, Math.max(most * cell, 80) + 8);
      const side = cell - 5;
      const x = (layer) => side / 2 + 2 + (layer / (layers.length - 1)) * (width - side - 4);
      const y = (layer, unit) => height / 2 + (unit - (layers[layer].d - 1) / 2) * cell;
      training.layers.forEach(({W}, layer) => {
        const largest = W.values.reduce((a, w) => Math.max(a, Math.abs(w)), 1e-9);
        W.values.forEach((w, i) => {
          const strength = Math.abs(w) / largest;
          pen.globalAlpha = 0.15 + 0.75 * strength;
          pen.lineWidth = 0.4 + 3 * strength;
          pen.strokeStyle = colors[w > 0 ? "class-1" : "class-0"];
          pen.setLineDash(w > 0 ? [] : [5, 3]);
          pen.beginPath();
          pen.moveTo(x(layer), y(layer, Math.floor(i / W.d)));
          pen.lineTo(x(layer + 1), y(layer + 1, i % W.d));
          pen.stroke();
        });
      });
      pen.globalAlpha = 1;
      pen.setLineDash([]);
      layers.forEach(({n, d, values}, layer) => {
        for (let unit = 0; unit < d; unit++) {
          let largest = 1e-9;
          for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(values[i * d + unit]));
          const [left, top] = [x(layer) - side / 2, y(layer, unit) - side / 2];
          pen.drawImage(
            picture((i) => values[i * d + unit] / largest, colors),
            left,
            top,
            side,
            side,
          );
          pen.strokeStyle = colors.neutral;
          pen.lineWidth = 1;
          pen.strokeRect(left, top, side, side);
        }
      });
    }

    // -------------------------------------------------------------------- the network at a place of the square

    function showProbe() {
      if (!probe) return;
      const X = matrix(1, 2);
      X.values.set(probe);
      const z = training.scores(featuresOf(X, training.settings.features)).Z.values[0];
      part("probe").textContent = WORDS.probe(...probe, z);
    }

    function point(x1, x2) {
      const inside = (value) => Math.min(Math.max(value, -HALF), HALF);
      probe = [inside(x1), inside(x2)];
      if (running) showProbe();
      else draw();
    }

    for (const kind of ["pointermove", "pointerdown"]) {
      regions.addEventListener(kind, (event) => {
        const size = regions.clientWidth;
        point(HALF * ((2 * event.offsetX) / size - 1), HALF * (1 - (2 * event.offsetY) / size));
      });
    }
    regions.addEventListener("keydown", (event) => {
      const by = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
      if (!by) return;
      event.preventDefault();
      const [x1, x2] = probe || [0, 0];
      const step = event.shiftKey ? 0.1 : 0.5;
      point(x1 + step * by[0], x2 + step * by[1]);
      say(part("probe").textContent);
    });

    // --------------------------------------------------------------------------------- all numbers, as tables

    function showNumbers() {
      const labels = new Map(
        [...form.querySelectorAll("[name=features]")].map((box) => [box.value, box.parentElement.textContent.trim()]),
      );
      const last = training.layers.length - 1;
      const element = (tag, text, attributes = {}) =>
        Object.assign(document.createElement(tag), {textContent: text}, attributes);
      part("tables").replaceChildren(
        ...training.layers.map(({W, b}, layer) => {
          const table = document.createElement("table");
          table.append(element("caption", WORDS.layer(layer, layer === last)));
          const head = table.createTHead().insertRow();
          head.append(element("th", "", {scope: "col"}));
          for (let j = 0; j < W.d; j++) {
            head.append(element("th", layer === last ? WORDS.output : WORDS.unit(j), {scope: "col"}));
          }
          const gradients = training.gradients && training.gradients[layer];
          const body = table.createTBody();
          for (let i = 0; i <= W.n; i++) {
            const row = body.insertRow();
            const name = i === W.n ? WORDS.bias : layer ? WORDS.unit(i) : labels.get(training.settings.features[i]);
            row.append(element("th", name, {scope: "row"}));
            for (let j = 0; j < W.d; j++) {
              const of = (pair) => (i === W.n ? pair.b[j] : pair.W.values[i * W.d + j]);
              const cell = row.insertCell();
              cell.append(element("span", signed(of({W, b}), 3)));
              if (gradients) cell.append(element("span", signed(of(gradients), 4), {className: "gradient"}));
            }
          }
          return table;
        }),
      );
    }
    part("numbers").addEventListener("toggle", () => part("numbers").open && showNumbers());

    // ------------------------------------------------------------------------------------ what the text sets up

    for (const button of document.querySelectorAll("[data-set-up]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        form.reset();
        for (const [name, value] of Object.entries(JSON.parse(button.dataset.setUp))) {
          if (name === "features")
            form.querySelectorAll("[name=features]").forEach((box) => (box.checked = value.includes(box.value)));
          else form.elements[name].value = value;
        }
        restart();
        run.focus({preventScroll: true});
        box.scrollIntoView({block: "start"});
      });
    }

    new ResizeObserver(() => draw()).observe(box);
    new MutationObserver(() => draw()).observe(document.documentElement, {
      attributeFilter: ["data-theme", "data-mode"],
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
    box.hidden = false;
    restart();
  }

  document.querySelectorAll(".playground").forEach(playground);
})();
