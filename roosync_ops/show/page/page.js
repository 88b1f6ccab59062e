"use strict";
// Ages count on, and the page says by itself when it is not current. The texts of a machine are never made markup here:
// what comes from the server is escaped there, and a parsed document runs no script.
(() => {
  const SKEW = 5000; // a clock that far behind makes every age wrong
  const POLL = 2000; // at most
  const PATIENCE = 8000;
  const french = document.documentElement.lang === "fr";
  const said = document.getElementById("said");
  let page = document.getElementById("page");
  let offset = 0; // the server's clock minus this one's
  let gone = false;
  let told = null;

  const two = (number) => String(number).padStart(2, "0");

  function duration(ms) {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const sign = ms < 0 && seconds ? "-" : "";
    const minutes = Math.floor(seconds / 60), hours = Math.floor(seconds / 3600), days = Math.floor(seconds / 86400);
    if (minutes === 0) return `${sign}${seconds} s`;
    if (hours === 0) return `${sign}${minutes} min ${two(seconds % 60)} s`;
    if (days === 0) return `${sign}${hours} h ${two(minutes % 60)} min`;
    return `${sign}${days} ${french ? "j" : "d"} ${hours % 24} h`;
  }

  function short(ms) {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const sign = ms < 0 && seconds ? "-" : "";
    for (const [size, unit] of [[86400, french ? "j" : "d"], [3600, "h"], [60, "m"]]) {
      if (seconds >= 2 * size) return `${sign}${Math.floor(seconds / size)}${unit}`;
    }
    return `${sign}${seconds}s`;
  }

  const fresh = () => Number(page.dataset.fresh);
  const since = () => Date.now() + offset - Number(page.dataset.checked);

  function trouble(age) {
    if (gone) return "gone";
    if ("trouble" in page.dataset) return "trouble";
    if (age < -SKEW) return "skew";
    return age > fresh() ? "old" : null;
  }

  function tick() {
    const age = since();
    for (const one of page.querySelectorAll("[data-age]")) {
      const ms = Number(one.dataset.age) + Math.max(0, age);
      const text = "short" in one.dataset ? short(ms) : duration(ms);
      if (one.textContent !== text) one.textContent = text;
    }
    const what = trouble(age);
    document.documentElement.classList.toggle("stale", what !== null);
    document.documentElement.classList.add("counts");
    const banner = document.getElementById("banner");
    banner.hidden = what === null;
    for (const line of banner.querySelectorAll("[data-when]")) {
      // Whatever is wrong, how old the page is belongs to it.
      line.hidden = !(line.dataset.when === what || (line.dataset.when === "old" && what !== "skew"));
    }
    const title = page.querySelector("h1");
    document.title = `${(what === null ? title.firstChild : title).textContent} · roosync-ops`;
    tell(what);
  }

  // One short sentence for a screen reader, where what it would hear has changed.
  function tell(what) {
    const key = `${what} ${what === null ? page.querySelector("h1").firstChild.textContent : ""}`;
    if (key === told) return;
    const first = told === null && what === null;
    told = key;
    const line = what === null ? page.querySelector("h1").firstChild : page.querySelector(`[data-when="${what}"]`);
    if (!first) said.textContent = line.textContent;
  }

  function show(next) {
    const opened = new Set([...page.querySelectorAll("details[open]")].map((one) => one.id));
    const scrolled = new Map([...page.querySelectorAll(".scroll")].map((one) => [one.id, one.scrollLeft]));
    const focus = page.contains(document.activeElement) ? document.activeElement : null;
    const where = focus && (focus.id || focus.closest("[id]").id);
    page.replaceWith(next);
    page = next;
    for (const one of page.querySelectorAll("details")) one.open = opened.has(one.id);
    for (const one of page.querySelectorAll(".scroll")) one.scrollLeft = scrolled.get(one.id) || 0;
    if (where) {
      const again = document.getElementById(where);
      if (again) (again.tagName === "DETAILS" ? again.querySelector("summary") : again).focus({ preventScroll: true });
    }
  }

  function renew(text) {
    const next = new DOMParser().parseFromString(text, "text/html").getElementById("page");
    // A selection is not taken away while what is shown is still current.
    const selecting = !document.getSelection().isCollapsed && since() < fresh() / 2 && !("trouble" in next.dataset);
    if (selecting) return;
    show(document.adoptNode(next));
  }

  async function ask() {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    try {
      const key = encodeURIComponent(page.dataset.key);
      const answer = await fetch(`live?key=${key}`, { signal: abort.signal, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      offset = Number(answer.headers.get("X-Roosync-Now")) - Date.now();
      gone = false;
      if (answer.status !== 204) renew(text);
    } catch {
      gone = true;
    } finally {
      clearTimeout(timer);
    }
    tick();
    setTimeout(ask, Math.min(POLL, fresh() / 4));
  }

  tick();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  if ("live" in page.dataset) ask();
})();
