// What a frame lays over its stage: heat maps, pictures and words; and the number under the pointer or the arrow keys.
// It stands before live.js in one module. The numbers come from Python; here they are coloured and told.

const BELOW = [0, 114, 178], ABOVE = [213, 94, 0], HIDDEN = [217, 217, 217];

// One pixel a cell, which the canvas then stretches over the axes.
function canvasOf(bytes, columns) {
  const image = new ImageData(bytes, columns);
  const cells = new OffscreenCanvas(image.width, image.height);
  cells.getContext("2d").putImageData(image, 0, 0);
  return cells;
}

function coloured(overlay) {
  const values = floats(overlay.values), bytes = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, i) => {
    const share = Math.min(1, Math.abs(value) / overlay.limit);
    const full = value < 0 ? BELOW : ABOVE;
    const color = Number.isFinite(value) ? full.map((c) => 255 + share * (c - 255)) : HIDDEN;
    bytes.set([...color, 255], 4 * i);
  });
  return { ...overlay, values, cells: canvasOf(bytes, overlay.columns.length), smooth: false };
}

function pictured(overlay) {
  const { buffer, byteOffset, byteLength } = overlay.cells;
  const bytes = new Uint8ClampedArray(buffer, byteOffset, byteLength).slice(); // ImageData keeps what it is given
  return { ...overlay, cells: canvasOf(bytes, overlay.columns) };
}

const READY = { heat: coloured, picture: pictured, words: (overlay) => overlay };
const prepared = (overlays) => overlays.map((overlay) => READY[overlay.kind](overlay));

function paintOverlay(context, overlay) {
  context.save();
  if (overlay.cells) {
    context.imageSmoothingEnabled = overlay.smooth;
    context.drawImage(overlay.cells, ...overlay.box);
  } else {
    context.font = `${overlay.size}px "DejaVu Sans", Verdana, sans-serif`;
    context.fillStyle = overlay.color;
    context.textBaseline = "middle";
    context.textAlign = overlay.upright ? "left" : overlay.align;
    overlay.places.forEach(([x, y], i) => {
      context.save();
      context.translate(x, y);
      if (overlay.upright) context.rotate(-Math.PI / 2);
      context.fillText(overlay.texts[i], 0, 0);
      context.restore();
    });
  }
  context.restore();
}

// Tells the number of one cell: that under the pointer, or the one that the arrow keys have gone to.
function makeTeller(canvas, place, heatMap) {
  const told = make("p", { className: "kit-told" });
  told.setAttribute("aria-live", "polite");
  let at = null;
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function tell() {
    const map = heatMap();
    if (map) canvas.tabIndex = 0;
    if (!map || !at) return void (told.textContent = map ? "Point at a cell, or go to it by tab and arrow keys." : "");
    const within = (i, n) => Math.min(n - 1, Math.max(0, i));
    at = [within(at[0], map.rows.length), within(at[1], map.columns.length)];
    const value = map.values[at[0] * map.columns.length + at[1]];
    const text = Number.isFinite(value) ? String(+value.toPrecision(4)) : value < 0 ? "-\u221e" : "\u221e";
    told.textContent = `${map.rows[at[0]]}, ${map.columns[at[1]]}: ${text}`;
  }
  canvas.addEventListener("pointermove", (event) => {
    const map = heatMap();
    if (!map) return;
    const [x, y] = place(event), [left, top, width, height] = map.box;
    const row = Math.floor(((y - top) / height) * map.rows.length);
    const column = Math.floor(((x - left) / width) * map.columns.length);
    if (x < left || y < top || row >= map.rows.length || column >= map.columns.length) return;
    at = [row, column];
    tell();
  });
  keepKeys(canvas);
  canvas.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || !heatMap()) return;
    event.preventDefault();
    at = at ? [at[0] + step[0], at[1] + step[1]] : [0, 0];
    tell();
  });
  return { element: told, tell };
}
