// Follows a run under way: the part that changes, once a second, until the run is over.
const view = document.querySelector("[data-live]");
if (view) {
  const follow = async () => {
    try {
      const answer = await fetch(view.dataset.live, { cache: "no-store" });
      if (answer.status === 404) return location.reload();
      const said = await answer.json();
      if (said.over) return location.reload();
      view.innerHTML = said.html;
      view.classList.remove("stale");
    } catch {
      view.classList.add("stale");
    }
    setTimeout(follow, 1000);
  };
  setTimeout(follow, 1000);
}
