// Fetches the page again and swaps the parts that changed.  Without it the browser reloads.
"use strict";
(() => {
  const EVERY = 2000, PATIENCE = 5000;
  const gone = document.getElementById("gone"), told = document.getElementById("told");
  let answered = new Date();

  const swap = (fresh) => {
    const scroll = [window.scrollX, window.scrollY];
    const focus = document.activeElement && document.activeElement.id;
    const open = new Map([...document.querySelectorAll("details[id]")].map((d) => [d.id, d.open]));
    const parts = (root) => [...root.querySelectorAll("[data-part]")];
    const names = (root) => parts(root).map((part) => part.id).join(" ");
    if (names(document) === names(fresh)) {
      for (const part of parts(fresh)) {
        const old = document.getElementById(part.id);
        for (const d of part.querySelectorAll("details[id]")) {
          if (open.has(d.id)) { d.open = open.get(d.id); }
        }
        if (old.outerHTML !== part.outerHTML) { old.replaceWith(document.adoptNode(part)); }
      }
    } else {
      for (const id of ["head", "page"]) {
        document.getElementById(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
      }
      for (const [id, was] of open) {
        const details = document.getElementById(id);
        if (details) { details.open = was; }
      }
    }
    document.title = fresh.title;
    document.querySelector("link[rel=icon]").href = fresh.querySelector("link[rel=icon]").href;
    const said = document.getElementById("head").dataset.said;
    if (told.textContent !== said) { told.textContent = said; }
    if (focus && document.getElementById(focus)) {
      document.getElementById(focus).focus({ preventScroll: true });
    }
    window.scrollTo(...scroll);
  };

  const silent = () => {
    const text = `bridged has not answered since ${answered.toLocaleTimeString()}: ` +
      "this is what was then. Look with systemctl status bridged, then journalctl -u bridged";
    // Said once: a text that changes is read out again and again.
    if (gone.hidden) { gone.querySelector("span").textContent = text; }
    gone.hidden = false;
    document.documentElement.classList.add("stale");
  };

  const look = async () => {
    if (!document.hidden) {
      try {
        const headers = { Accept: "text/html" };
        const signal = AbortSignal.timeout(PATIENCE);
        const answer = await fetch("/", { headers, signal, cache: "no-store" });
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!fresh.getElementById("page")) { throw new Error(`answered ${answer.status}`); }
        swap(fresh);
        answered = new Date();
        gone.hidden = true;
        document.documentElement.classList.remove("stale");
      } catch (error) {
        silent();
      }
    }
    window.setTimeout(look, EVERY);
  };
  window.setTimeout(look, EVERY);
})();
