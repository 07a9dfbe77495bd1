// Text to be read and taken along: never markup; with a button that puts it on the clipboard.
function render({ model, el }) {
  el.classList.add("ir-kit-pane");
  el.dataset.lmSuppressShortcuts = "true"; // keys belong to the text, not to the notebook around it
  const label = document.createElement("label");
  const text = document.createElement("textarea");
  text.readOnly = true;
  text.rows = model.get("_rows");
  text.spellcheck = false;
  label.append(model.get("_label"), text);
  el.append(label);
  const name = model.get("_copy");
  if (name) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "lm-Widget jupyter-widgets jupyter-button";
    button.textContent = name;
    button.addEventListener("click", async () => {
      text.select();
      const copied = navigator.clipboard?.writeText(text.value).then(() => "Copied");
      button.textContent = await (copied ?? Promise.reject()).catch(() => "Marked: press Ctrl+C");
      setTimeout(() => { button.textContent = name; }, 2000);
    });
    el.append(button);
  }
  const fill = () => { text.value = model.get("text"); };
  model.on("change:text", fill);
  fill();
  return () => model.off("change:text", fill);
}
export default { render };
