// Live refresh, copy buttons and keys. Every page works without it.
"use strict";
(() => {
  const REFRESH_MS = 5000;
  const state = document.getElementById("refresh-state");
  let paused = false;
  let failedSince = "";
  const main = () => document.getElementById("main");
  const refreshes = () => main().dataset.refresh === "on";
  const isEditing = () => {
    const active = document.activeElement;
    const inForm = active && main().contains(active) && active.matches("input, select, textarea");
    return Boolean(inForm || main().querySelector("input[type=checkbox]:checked, details[open] form"));
  };
  const showState = () => {
    state.hidden = !refreshes();
    state.textContent = paused ? state.dataset.off : state.dataset.on;
    if (failedSince && !paused) state.textContent = `${state.dataset.failed} ${failedSince}`;
    state.classList.toggle("bad", Boolean(failedSince));
  };

  // Copy buttons stand only where they work.
  const addCopyButtons = () => {
    const words = document.getElementById("copy-words").dataset;
    if (!navigator.clipboard) return;
    for (const text of main().querySelectorAll("[data-copy]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = words.copy;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = words.copied;
      });
      text.after(" ", button);
    }
  };

  // The page without what changed keeps its place; what is being filled in is left alone.
  const refresh = async () => {
    if (paused || document.hidden || !refreshes() || isEditing()) return;
    const answer = await fetch(location.href, { headers: { "x-payout-refresh": "1" }, redirect: "error" });
    if (answer.status === 401) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    failedSince = "";
    showState();
    if (isEditing()) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("main");
    if (!fresh) return;
    const place = items().indexOf(current());
    const focused = main().contains(document.activeElement) && document.activeElement.getAttribute("href");
    main().replaceWith(document.adoptNode(fresh));
    addCopyButtons();
    if (focused) main().querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (place >= 0) choose(place, false);
  };

  // Lists: `j` and `k` move, Enter opens.
  const items = () => [...main().querySelectorAll(".item")];
  const current = () => main().querySelector(".item.current");
  const choose = (place, scrolls) => {
    const all = items();
    if (all.length === 0) return;
    for (const item of all) item.classList.remove("current");
    const item = all[Math.max(0, Math.min(place, all.length - 1))];
    item.classList.add("current");
    if (!scrolls) return;
    item.scrollIntoView({ block: "nearest" });
    item.querySelector("a")?.focus({ preventScroll: true });
  };
  const move = (by) => choose(current() ? items().indexOf(current()) + by : 0, true);

  const search = () => document.getElementById("search")?.focus();
  const keys = {
    "/": search,
    j: () => move(1),
    k: () => move(-1),
    "?": () => { const help = document.getElementById("keys"); help.hidden = !help.hidden; },
    r: () => { paused = !paused; showState(); },
  };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  addCopyButtons();
  showState();
  // A page that looks alive and is not would be believed.
  const failed = () => {
    failedSince ||= new Date().toLocaleTimeString();
    showState();
  };
  setInterval(() => refresh().catch(failed), REFRESH_MS);
})();
