"use strict";
// One tab of the dashboard: the address bar is the state, the server's answers are drawn where they belong.

const SETTINGS = {responsive: true, displaylogo: false, showSendToCloud: false,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]]};
const THEMES = ["auto", "light", "dark"];
const SILENT_MS = 40000;

export function render({model}) {
  const page = document.getElementById("page");
  const head = document.getElementById("head");
  const status = document.getElementById("status");
  const banner = document.getElementById("banner");
  let number = 0;
  let heard = Date.now();
  let lost = false;

  function say(text) { status.textContent = text; }

  function ask(how) {
    number += 1;
    document.body.classList.add("asking");
    model.send_msg({ask: location.search, number: number, how: how});
  }

  function go(query) {
    if (query === location.search) { ask("again"); return; }
    history.replaceState({top: window.scrollY}, "");
    history.pushState({top: 0}, "", query);
    ask("go");
  }

  // ---------------------------------------------------------------- drawing

  function draw(within) {
    for (const box of within.querySelectorAll(".plot")) {
      const held = box.querySelector('script[type="application/json"]');
      if (!held) continue;
      const drawn = JSON.parse(held.textContent);
      box.textContent = "";
      fit(drawn.layout);
      Plotly.newPlot(box, drawn.data, drawn.layout, SETTINGS).then(() => {
        box.dataset.drawn = "yes";
        if (drawn.layout.meta && drawn.layout.meta.click === "cell") box.on("plotly_click", into);
      });
    }
  }

  function fit(layout) {  // a narrow page has no room for wide margins, and little for long names
    if (window.innerWidth >= 600) return;
    if (layout.margin) layout.margin.r = Math.min(layout.margin.r || 8, 8);
    for (const [name, axis] of Object.entries(layout)) {
      if (name.startsWith("yaxis") && Array.isArray(axis.ticktext)) axis.ticktext = axis.ticktext.map(shorter);
    }
  }

  function shorter(text) {  // hovering tells the whole name; what holds signs of markup is left alone
    const plain = typeof text === "string" && text.length > 22 && !/[<&]/.test(text);
    return plain ? text.slice(0, 11) + "…" + text.slice(-10) : text;
  }

  function into(event) {  // from a cell of the heat map to the traces in it
    const told = event.points[0].customdata;
    if (!Array.isArray(told) || told.length < 5) return;
    const asked = new URLSearchParams(location.search);
    asked.set("at", told[1] + "/" + told[2]);
    asked.set("ms", told[3] + "/" + told[4]);
    asked.delete("trace");
    go("?" + asked.toString());
  }

  function fill(anchor, html, note, busy) {
    const slot = document.getElementById(anchor);
    if (!slot) return;
    const body = slot.querySelector(".body");
    for (const box of body.querySelectorAll(".plot")) Plotly.purge(box);
    body.style.minHeight = body.offsetHeight + "px";
    body.innerHTML = html;
    const line = slot.querySelector(".note");
    line.textContent = note || "";
    line.hidden = !note;
    slot.setAttribute("aria-busy", busy ? "true" : "false");
    draw(body);
    requestAnimationFrame(() => { body.style.minHeight = ""; });
  }

  // ---------------------------------------------------------------- what the server says

  function hear(told) {
    heard = Date.now();
    if (lost) { lost = false; banner.hidden = true; }
    if (told.kind === "alive") return;
    if (told.kind === "grown") { grown(told); return; }
    if (told.number !== number) return;
    if (told.kind === "page") {
      for (const box of page.querySelectorAll(".plot")) Plotly.purge(box);
      document.title = told.title;
      const open = document.querySelector("details.filters");
      const wasOpen = open ? open.open : window.innerWidth >= 900;
      head.innerHTML = told.head;
      const filters = document.querySelector("details.filters");
      if (filters) filters.open = wasOpen;
      page.innerHTML = told.html;
      banner.hidden = true;
      const top = told.how === "back" && history.state ? history.state.top || 0 : 0;
      const target = told.target && document.getElementById(told.target);
      if (target && told.how === "go") target.scrollIntoView(); else window.scrollTo(0, top);
      if (told.how === "go") page.focus({preventScroll: true});
      say("Asking for " + told.name);
    } else if (told.kind === "version") {
      const line = document.getElementById("version");
      if (line) line.textContent = told.text;
      banner.hidden = true;
    } else if (told.kind === "slot") {
      fill(told.anchor, told.html, told.note, told.busy);
    } else if (told.kind === "done") {
      document.body.classList.remove("asking");
      page.dataset.number = String(told.number);
      page.dataset.version = String(told.version);
      say(told.text);
    }
  }

  function grown(told) {
    banner.hidden = false;
    banner.innerHTML = "";
    const line = document.createElement("span");
    line.textContent = told.text + " ";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Show it";
    button.addEventListener("click", () => ask("again"));
    banner.append(line, button);
    if (localStorage.getItem("onex-follow") === "yes") ask("again");
  }

  // ---------------------------------------------------------------- what the user does

  document.addEventListener("click", (event) => {
    const inside = event.target.closest && event.target.closest('nav.inside a[href^="#"]');
    if (inside) {  // the address is the state: it keeps no place within the page
      event.preventDefault();
      document.getElementById(inside.getAttribute("href").slice(1)).scrollIntoView();
      return;
    }
    const link = event.target.closest && event.target.closest('a[href^="?"]');
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      go(link.getAttribute("href"));
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-view]");
    if (!form) return;
    event.preventDefault();
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (value !== "" || form.querySelector('input[type="checkbox"][name="' + name + '"]')) asked.append(name, value);
    }
    if (asked.get("ms_above") !== null || asked.get("ms_up_to") !== null) lengths(asked);
    go("?" + asked.toString());
  });

  function lengths(asked) {
    const above = asked.get("ms_above") || "0";
    const upTo = asked.get("ms_up_to") || "1e12";
    asked.delete("ms_above");
    asked.delete("ms_up_to");
    asked.set("ms", above + "/" + upTo);
  }

  document.addEventListener("input", (event) => {
    const box = event.target.closest && event.target.closest("input[data-narrow]");
    if (!box) return;
    const wanted = box.value.toLowerCase();
    for (const line of box.closest("fieldset").querySelectorAll("label.choice")) {
      line.hidden = !line.textContent.toLowerCase().includes(wanted) && !line.querySelector("input").checked;
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "follow") localStorage.setItem("onex-follow", event.target.checked ? "yes" : "no");
  });
  window.addEventListener("popstate", () => ask("back"));

  // ---------------------------------------------------------------- light and dark

  const button = document.getElementById("theme");
  function dress(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = {auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark"}[theme];
  }
  dress(localStorage.getItem("onex-theme") || "auto");
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(localStorage.getItem("onex-theme") || "auto") + 1) % 3];
    localStorage.setItem("onex-theme", next);
    dress(next);
  });
  const follow = document.getElementById("follow");
  follow.checked = localStorage.getItem("onex-follow") === "yes";

  // ---------------------------------------------------------------- the connection

  setInterval(() => {
    model.send_msg({alive: true});
    if (Date.now() - heard > SILENT_MS && !lost) {
      lost = true;
      banner.hidden = false;
      banner.textContent = "The dashboard does not answer. Is it still running? Reload this page once it is.";
    }
  }, 10000);

  history.scrollRestoration = "manual";
  model.on("msg:custom", hear);
  ask("first");
}
