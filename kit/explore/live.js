// The front end of every live view. Matplotlib's picture lies below; what moves is drawn over it.
// There is no maths here: Python sends each line in pixels, as float32: n, then n pairs x, y.

const REPLY_TIMEOUT = 3000; // ms after which a silent kernel no longer holds the next request back
const PLAY_PACE = 50; // ms between two positions of a slider that plays
const AHEAD = 1; // frames of a running clock that come with the one that is asked for

const floats = (bytes) =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// JupyterLab takes the arrow keys for its own shortcuts unless the input itself says otherwise.
const keepKeys = (input) => {
  input.dataset.lmSuppressShortcuts = "true";
  input.addEventListener("keydown", (event) => event.stopPropagation());
};

function makeSlider(control, onMove) {
  const input = make("input", { type: "range", min: 0, max: control.labels.length - 1, step: 1 });
  const output = make("output");
  keepKeys(input);
  input.addEventListener("input", () => onMove(+input.value));
  const label = make("label", { className: "kit-slider" }, make("span", { textContent: control.label }), input, output);
  const set = (position) => {
    input.value = position;
    output.textContent = control.labels[position];
    input.setAttribute("aria-valuetext", control.labels[position]);
  };
  if (!control.play) return { element: label, set };
  const { button, stop } = makePlay(input, onMove);
  return { element: make("div", { className: "kit-playable" }, label, button), set, stop };
}

// A button moves the slider on by itself, from where it stands or, at the end, from the beginning.
function makePlay(input, onMove) {
  const button = make("button", { className: "kit-play", type: "button", textContent: "Play" });
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (+input.value === +input.max) onMove(+input.min);
    button.textContent = "Pause";
    timer = setInterval(() => (+input.value < +input.max ? onMove(+input.value + 1) : stop()), PLAY_PACE);
  });
  input.addEventListener("input", stop); // a hand on the slider takes over
  return { button, stop };
}

// A clock asks for its next frames when one is drawn, so nothing queues. When another control moves, it begins
// anew. A hand on it goes back to any frame that has been, and no further ahead.
function makeClock(control, onMove, onRun) {
  const last = control.labels.length - 1;
  let position = 0, reached = 0, running = false;
  const play = make("button", { className: "kit-play", type: "button", textContent: "Play" });
  const step = make("button", { className: "kit-play", type: "button", textContent: "Step" });
  const run = (on) => {
    running = on;
    play.textContent = on ? "Pause" : "Play";
  };
  const slider = makeSlider({ ...control, play: false }, (asked) => {
    run(false);
    onMove(Math.min(asked, reached));
  });
  play.addEventListener("click", () => {
    run(!running);
    if (running) onRun(position < last ? position + 1 : 0);
  });
  step.addEventListener("click", () => {
    run(false);
    onMove(Math.min(position + 1, last));
  });
  const set = (now) => slider.set((position = now));
  return {
    element: make("div", { className: "kit-playable kit-clock" }, slider.element, play, step),
    set,
    stop: () => run(false),
    running: () => running,
    begin: () => {
      reached = 0;
      run(true);
    },
    drawn: (shown) => {
      set(shown);
      reached = Math.max(reached, shown);
      if (shown === last) run(false);
    },
    goOn: (ahead) => running && position + ahead < last && onRun(position + ahead + 1),
  };
}

function makeChoice(control, onMove) {
  const group = `kit-${Math.random().toString(36).slice(2)}`;
  const inputs = control.labels.map((_, position) => {
    const input = make("input", { type: "radio", name: group });
    keepKeys(input);
    input.addEventListener("change", () => onMove(position));
    return input;
  });
  const options = inputs.map((input, i) => make("label", {}, input, make("span", { textContent: control.labels[i] })));
  const legend = make("legend", { textContent: control.label });
  const element = make("fieldset", { className: "kit-choice" }, legend, make("div", {}, ...options));
  return { element, set: (position) => (inputs[position].checked = true) };
}

const HALF = /\p{Surrogate}/gu; // of a character in two halves: alone it is no text, and no message can carry it

// Anything can be typed; what was typed is then the control's position. An example is a number.
function makeText(control, onMove) {
  const input = make("input", { type: "text", maxLength: 200, spellcheck: false, autocomplete: "off" });
  const examples = make("select", {}, make("option", { textContent: "or an example" }),
    ...control.labels.map((label) => make("option", { textContent: label })));
  examples.setAttribute("aria-label", `examples of ${control.label}`);
  [input, examples].forEach(keepKeys);
  input.addEventListener("input", () => onMove(input.value.replace(HALF, "\ufffd")));
  examples.addEventListener("change", () => {
    if (examples.selectedIndex) onMove(examples.selectedIndex - 1);
    examples.selectedIndex = 0;
  });
  const label = make("label", {}, make("span", { textContent: control.label }), input);
  const set = (position) => {
    const text = typeof position === "number" ? control.labels[position] : position;
    if (input.value !== text) input.value = text; // else the cursor would jump to the end
  };
  return { element: make("div", { className: "kit-text" }, label, examples), set };
}

const MAKERS = { slider: makeSlider, clock: makeClock, choice: makeChoice, text: makeText };

// A picture at the size of the canvas: it is made smaller once, and not at every frame.
function resized(image, { width, height }) {
  const ground = new OffscreenCanvas(width, height);
  ground.getContext("2d").drawImage(image, 0, 0, width, height);
  return ground;
}

function paint(context, stage, ground, { numbers, start, overlays }) {
  context.drawImage(ground, 0, 0, stage.width, stage.height);
  overlays.forEach((overlay) => paintOverlay(context, overlay));
  let at = start;
  for (const line of stage.lines) {
    const end = at + 1 + 2 * numbers[at];
    const [left, top, width, height] = line.box;
    const points = new Path2D();
    const dots = new Path2D();
    for (let i = at + 1; i < end; i += 2) {
      points.lineTo(numbers[i], numbers[i + 1]);
      dots.moveTo(numbers[i] + line.dot, numbers[i + 1]);
      dots.arc(numbers[i], numbers[i + 1], line.dot, 0, 2 * Math.PI);
    }
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.lineJoin = "round";
    for (const [color, extra] of [["#fff", 2], [line.color, 0]]) { // a white halo sets the line off from any ground
      context.strokeStyle = context.fillStyle = color;
      context.lineWidth = line.width + extra;
      if (line.width) context.stroke(points);
      if (line.dot) {
        context.lineWidth = extra;
        context.stroke(dots);
        context.fill(dots);
      }
    }
    context.restore();
    at = end;
  }
}

function render({ model, el }) {
  const { title, quest, controls, stages, drag, frames } = model.get("scene");
  const cached = frames && floats(model.get("cache"));
  let positions = [...model.get("reply").positions];
  const clock = controls.findIndex((control) => control.kind === "clock");
  let painted = { stage: 0, numbers: null, start: 0, overlays: [] };

  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  const context = canvas.getContext("2d");
  const say = make("p", { className: "kit-say" });
  say.setAttribute("aria-live", "polite");
  const error = make("pre", { className: "kit-error" });
  error.setAttribute("role", "alert");
  const goal = make("p", { className: "kit-quest", hidden: !quest });
  goal.setAttribute("aria-live", "polite");
  const inputs = controls.map((control, i) =>
    MAKERS[control.kind](control, (position) => move({ [i]: position }), run));
  const panel = make("div", { className: "kit-controls" }, ...inputs.map((input) => input.element));
  const row = make("ol", { className: "kit-pieces" }); // colours by position, in live.css; its text is its own label
  const teller = makeTeller(canvas, pointed, () => painted.overlays.find((overlay) => overlay.kind === "heat"));
  const root = make("div", { className: "kit-live" }, goal, panel, canvas, teller.element, say, row, error);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", title);
  el.append(root);

  // Quest: lit while the shown setting meets it, and remembered afterwards.
  let everMet = false;
  function showQuest(met) {
    everMet ||= met;
    goal.dataset.met = met ? "now" : everMet ? "once" : "no";
    const text = met ? `Quest met: ${quest}` : everMet ? `Quest met before: ${quest}` : `Quest: ${quest}`;
    if (goal.textContent !== text) goal.textContent = text;
  }

  const images = stages.map((stage) => {
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([stage.background], { type: "image/png" }));
    return image;
  });

  let ground = null;
  function draw() {
    const { stage, numbers } = painted;
    if (!numbers || !images[stage].complete || !images[stage].naturalWidth) return;
    const { width, height } = stages[stage];
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.width = `${width}px`;
      ground = null;
    }
    if (ground?.stage !== stage) ground = { stage, picture: resized(images[stage], canvas) };
    context.setTransform(scale, 0, 0, scale, 0, 0);
    paint(context, stages[stage], ground.picture, painted);
  }

  function show(frame, numbers, start, shown) {
    painted = { stage: frame.stage, numbers, start, overlays: prepared(frame.overlays) };
    draw();
    teller.tell();
    say.setAttribute("aria-live", running() ? "off" : "polite"); // not twenty a second
    say.textContent = frame.say;
    row.replaceChildren(...frame.pieces.map(([text, note]) =>
      make("li", {}, make("code", { textContent: text }), make("small", { textContent: note }))));
    canvas.setAttribute("aria-label", `${title}. ${frame.say}`);
    root.dataset.shown = shown.join(" "); // the positions that these pixels belong to
    showQuest(frame.met);
  }

  // The kernel computes: one request is in flight, the newest setting waits, the reply opens the gate. The next
  // frames of a clock hold no setting back: it is sent at once, and they are dropped. So two are in flight at most.
  // Requests are messages, for a model's state would wait until the kernel is idle again.
  let sequence = 0, busy = false, waiting = false, mayWait = false, timer = 0, asked = 0, drawing = 0;
  const running = () => inputs.some((input) => input.running?.());
  function ask(byClock = false) {
    if (busy && (byClock || !mayWait)) { waiting = true; return; }
    busy = true;
    waiting = false;
    mayWait = byClock;
    clearTimeout(timer);
    asked = performance.now();
    const ahead = running() && positions[clock] > 0 ? AHEAD : 0; // the first frame comes alone, and so at once
    timer = setTimeout(() => {
      root.classList.add("kit-stale");
      error.textContent = "The kernel is not answering. If it was restarted, run this cell again.";
      busy = false;
      if (waiting) ask();
    }, REPLY_TIMEOUT);
    model.send({ positions, sequence: ++sequence, ahead });
  }
  function onReply() {
    const reply = model.get("reply");
    if (reply.sequence && reply.sequence !== sequence) return; // overtaken, or later than its time-out
    clearTimeout(timer);
    busy = false;
    root.classList.remove("kit-stale");
    error.textContent = reply.error;
    clearTimeout(drawing);
    if (reply.error) inputs.forEach((input) => input.running && input.stop());
    else drawAll([reply, ...reply.then], (performance.now() - asked) / (1 + reply.then.length));
    if (waiting) ask();
  }

  // The frames of one reply, a pace apart: the last is drawn when the next reply is due, which drops what is late.
  function drawAll([frame, ...then], pace, first = true) {
    // where a newer setting is on its way, the clock stands at its beginning already
    if (!waiting) inputs.forEach((input, i) => input.drawn?.(frame.positions[i]));
    show(frame, floats(frame.numbers), 0, frame.positions);
    if (waiting) return;
    const now = sequence, goOn = () => now === sequence && inputs.forEach((input) => input.goOn?.(then.length));
    // the first frame of a setting is on the screen before the next ones take the processor
    if (first && clock >= 0) frame.positions[clock] ? goOn() : requestAnimationFrame(() => setTimeout(goOn));
    if (then.length && running()) drawing = setTimeout(drawAll, pace, then, pace, false);
  }

  function run(position) {
    positions = positions.map((old, i) => (i === clock ? position : old));
    ask(true);
  }

  function move(changes) {
    if (clock >= 0 && !(clock in changes)) {
      changes = { ...changes, [clock]: 0 };
      inputs[clock].begin();
    }
    clearTimeout(drawing); // of frames to come from the old setting
    positions = positions.map((position, i) => changes[i] ?? position);
    inputs.forEach((input, i) => input.set(positions[i]));
    if (cached) show(frames[positions[0]], cached, frames[positions[0]].start, positions);
    else ask();
  }

  // Where the pointer is, in pixels of the stage.
  function pointed(event) {
    const canvasBox = canvas.getBoundingClientRect();
    const zoom = stages[painted.stage].width / canvasBox.width;
    return [(event.clientX - canvasBox.left) * zoom, (event.clientY - canvasBox.top) * zoom];
  }

  // Dragging in the picture moves the two sliders that say where, or that of the nearest handle; a click on a box
  // moves the control whose position the box stands for.
  function place(event) {
    const { box: [left, top, width, height], x, y, handles, boxes, control, grabs } = drag;
    const [pointer, down] = pointed(event);
    if (grabs) return grab(event, pointer, down);
    if (boxes) {
      const hit = boxes.findIndex(([x0, y0, x1, y1]) => pointer >= x0 && pointer <= x1 && down >= y0 && down <= y1);
      if (hit >= 0) move({ [control]: hit });
      return;
    }
    const across = (pointer - left) / width;
    const up = 1 - (down - top) / height;
    const nearest = (share, i) => Math.round(Math.min(1, Math.max(0, share)) * (controls[i].labels.length - 1));
    if (canvas.hasPointerCapture(event.pointerId) || (across >= 0 && across <= 1 && up >= 0 && up <= 1)) {
      canvas.setPointerCapture(event.pointerId);
      if (!handles) return move({ [x]: nearest(across, x), [y]: nearest(up, y) });
      const away = handles.map((handle) => Math.abs(handle.x - pointer));
      const { slider } = handles[away.indexOf(Math.min(...away))];
      move({ [slider]: nearest(up, slider) });
    }
  }
  // The nearest dot is taken along: it keeps its distance from the pointer, and its two sliders follow.
  let held = null;
  function grab(event, pointer, down) {
    const { box: [left, top, width, height], grabs } = drag;
    if (event.type === "pointerdown") {
      if (pointer < left || pointer > left + width || down < top || down > top + height) return;
      const away = grabs.map(({ line }) => Math.hypot(...dotOf(line).map((at, i) => at - [pointer, down][i])));
      const dot = grabs[away.indexOf(Math.min(...away))];
      held = { ...dot, from: [pointer, down], start: [positions[dot.x], positions[dot.y]] };
      canvas.setPointerCapture(event.pointerId);
    }
    const to = (slider, i, step) => {
      const moved = Math.round(held.start[i] + ([pointer, down][i] - held.from[i]) / step);
      return Math.min(controls[slider].labels.length - 1, Math.max(0, moved));
    };
    const changes = { [held.x]: to(held.x, 0, held.xStep), [held.y]: to(held.y, 1, held.yStep) };
    if (positions[held.x] !== changes[held.x] || positions[held.y] !== changes[held.y]) move(changes);
  }
  function dotOf(line) {
    let at = painted.start;
    for (let i = 0; i < line; i++) at += 1 + 2 * painted.numbers[at];
    return painted.numbers[at] ? [painted.numbers[at + 1], painted.numbers[at + 2]] : [Infinity, Infinity];
  }

  if (drag) {
    canvas.classList.add(drag.boxes ? "kit-clickable" : "kit-draggable");
    canvas.addEventListener("pointerdown", place);
    canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && place(event));
  }

  inputs.forEach((input, i) => input.set(positions[i]));
  model.on("change:reply", onReply);
  Promise.all(images.map((image) => image.decode())).then(() => {
    images.forEach((image) => URL.revokeObjectURL(image.src));
    draw();
  });
  if (cached) move({});
  else onReply();
  return () => {
    model.off("change:reply", onReply);
    [timer, drawing].forEach(clearTimeout);
    inputs.forEach((input) => input.stop?.());
  };
}

export default { render };
