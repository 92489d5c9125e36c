"use strict";
for (const block of document.querySelectorAll("pre.command")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy the command " + block.textContent.slice(0, 60));
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(block.textContent);
    } catch {
      getSelection().selectAllChildren(block);
      done = document.execCommand("copy");
    }
    const says = done ? "Copied" : "Selected";
    button.textContent = says;
    document.getElementById("copied").textContent = says + ": " + block.textContent;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  const frame = document.createElement("div");
  frame.className = "copy";
  block.replaceWith(frame);
  frame.append(block, button);
}
