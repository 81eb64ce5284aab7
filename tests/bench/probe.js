// Notes every picture that a view shows: the position it belongs to, and when its frame was painted.
// A live view says which positions its canvas holds; a naive picture says it by its first pixel.
(output) => {
  window.probe?.stop();
  const view = output.querySelector(".kit-live");
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const controls = [...(view?.querySelector(".kit-controls").children ?? [])];
  const place = controls.findIndex((control) => control.querySelector("[type=range]")); // that of its first slider
  const paints = [];
  let pressed = 0, moved = 0, moves = 0, onPaint = () => {};

  const positionIn = (image) => {
    pixel.drawImage(image, 0, 0);
    const [red, green] = pixel.getImageData(0, 0, 1, 1).data;
    return 16 * (255 - red) + 255 - green;
  };

  // A message posted from an animation frame arrives once that frame has been painted.
  const note = (image) => requestAnimationFrame(() => {
    const shown = view?.dataset.shown;
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const at = performance.now();
      paints.push({ position: view ? Number(shown.split(" ")[place]) : positionIn(image), at });
      onPaint();
    };
    channel.port2.postMessage(0);
  });

  let last = null;
  const observer = new MutationObserver(async () => {
    const image = output.querySelector("img");
    if (!view && (!image || image === last)) return;
    last = image;
    if (!view) await image.decode();
    note(image);
  });
  if (view) observer.observe(view, { attributeFilter: ["data-shown"] });
  else observer.observe(output, { childList: true, subtree: true, attributeFilter: ["src"] });

  const onKey = (event) => (pressed = event.timeStamp);
  const onMove = (event) => (moved = event.timeStamp, moves++);
  window.addEventListener("keydown", onKey, true);
  window.addEventListener("mousemove", onMove, true);

  window.probe = {
    // Milliseconds from the last key press to the painted picture of this position.
    latency: (position) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`position ${position} was never painted`)), 20_000);
      onPaint = () => {
        const paint = paints.find((paint) => paint.position === position && paint.at > pressed);
        if (!paint) return;
        clearTimeout(timer);
        onPaint = () => {};
        resolve(paint.at - pressed);
      };
      onPaint();
    }),
    // After a drag: the last position painted, and its milliseconds after the last move of the mouse.
    afterDrag: () => {
      const { position } = paints.at(-1);
      const first = paints.find((paint) => paint.position === position && paint.at > moved);
      return { position, after: first ? first.at - moved : 0, pictures: paints.length, moves };
    },
    // When each picture was painted, in milliseconds.
    painted: () => paints.map((paint) => paint.at),
    stop: () => {
      observer.disconnect();
      window.removeEventListener("keydown", onKey, true);
      window.removeEventListener("mousemove", onMove, true);
    },
  };
}
