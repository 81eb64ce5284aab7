// A blind comparison: two texts side by side, judged by arrow keys or buttons. Who wrote which never comes here.

const WORDS = { left: "left is better", tie: "no difference", right: "right is better" };
const KEYS = { ArrowLeft: "left", ArrowDown: "tie", ArrowRight: "right", Backspace: "back" };

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

function render({ model, el }) {
  const title = make("div", { className: "kit-judge-title" });
  title.setAttribute("aria-live", "polite");
  const boxes = ["left", "right"].map(() => make("p", { className: "kit-judge-text" }));
  const buttons = ["left", "tie", "right"].map((answer) =>
    make("button", { textContent: WORDS[answer], onclick: () => judge(answer) }),
  );
  const back = make("button", { textContent: "one back", onclick: () => judge("back") });
  const frame = make(
    "div",
    { className: "kit-live kit-judge", tabIndex: 0 },
    title,
    make("div", { className: "kit-judge-pair" }, ...boxes),
    make("div", { className: "kit-controls" }, ...buttons, back),
  );
  frame.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the arrow keys
  frame.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    judge(KEYS[event.key]);
  });

  function judge(answer) {
    const answers = model.get("answers");
    if (answer === "back") model.set("answers", answers.slice(0, -1));
    else if (answers.length < model.get("texts").length) model.set("answers", [...answers, answer]);
    model.save_changes();
  }

  function draw() {
    const [texts, done] = [model.get("texts"), model.get("answers").length];
    const over = done >= texts.length;
    title.textContent = over
      ? `All ${texts.length} pairs are judged. Run the next cell.`
      : `Pair ${done + 1} of ${texts.length}: ← left, ↓ no difference, → right`;
    boxes.forEach((box, side) => (box.textContent = over ? "" : texts[done][side]));
    buttons.forEach((button) => (button.disabled = over));
    back.disabled = done === 0;
  }

  model.on("change:answers", draw);
  draw();
  el.append(frame);
  return () => model.off("change:answers", draw);
}

export default { render };
