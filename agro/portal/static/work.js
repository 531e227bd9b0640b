// A piece of work under way: asked after until it ends, then the page is loaded again.
const box = document.getElementById("work");
const told = document.getElementById("work-told");

async function ask() {
  const answer = await fetch(box.dataset.at).catch(() => null);
  if (answer && answer.ok) {
    const work = await answer.json();
    told.textContent = work.told;
    if (work.state !== "running") {
      location.reload();
      return;
    }
  }
  setTimeout(ask, 1500);
}

if (box) ask();
