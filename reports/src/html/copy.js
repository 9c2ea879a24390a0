for (const button of document.querySelectorAll("button.copy")) {
  const command = button.previousElementSibling;
  const select = () => {
    const range = document.createRange();
    range.selectNodeContents(command);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Selected";
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    if (!navigator.clipboard) return select();
    navigator.clipboard.writeText(command.textContent).then(() => { button.textContent = "Copied"; }, select);
  });
}
