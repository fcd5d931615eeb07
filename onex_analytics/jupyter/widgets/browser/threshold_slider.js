// A slider over the thresholds at which anything changes. All steps are here: moving it asks nobody.

const LEFT = 52;
const RIGHT = 12;
const CURVES = 96;
const VALUES = 170;
const FOOT = 20;
const NAMES = ["threshold", "low", "high", "firings", "label_sets", "firing_s", "judged", "right", "caught", "delay_s"];

/** A threshold as a number of YAML 1.1: with a point, also before an exponent. */
function yamlNumber(value) {
  const [mantissa, exponent] = String(value).split("e");
  const pointed = mantissa.includes(".") ? mantissa : `${mantissa}.0`;
  return exponent === undefined ? pointed : `${pointed}e${exponent.startsWith("-") ? exponent : `+${exponent.replace("+", "")}`}`;
}

/** A threshold as people read it: all digits that tell it from its neighbours, up to six. */
const threshold = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : "–");

function render({ model, el: host }) {
  const { root, say, leave } = rootOf(model, host, "onex-threshold", "Threshold of an alert rule");
  const title = el("div", { class: "onex-grow onex-long" });
  const own = el("button", { type: "button", title: "Back to the threshold that the rule has", on: { click: () => go(told.own) } }, "As the rule has it");
  const tiles = el("div", { class: "onex-tiles" });
  const slider = el("input", { type: "range", min: 0, step: 1, "aria-label": "Threshold", on: { input: () => go(Number(slider.value)) } });
  const interval = el("div", { class: "onex-note" });
  const curves = svg("svg", { class: "onex-drag", height: CURVES + 4, role: "img" });
  const curveKeys = el("div", { class: "onex-keys" });
  const bandChoice = el("select", { "aria-label": "Label set whose values are drawn", on: { change: () => drawValues() } });
  const values = svg("svg", { class: "onex-lift", height: VALUES + FOOT, role: "img" });
  const valueKeys = el("div", { class: "onex-keys" });
  const yaml = el("pre", { tabindex: 0, "aria-label": "The rule as the text of a file" });
  const copied = el("span", { class: "onex-note", role: "status" });
  const copy = el("button", { type: "button", on: { click: () => copyRule() } }, "Copy the rule");
  const empty = el("div", {});
  const body = el("div", {}, tiles, slider, interval, curves, curveKeys, el("label", { class: "onex-key onex-pick" }, "Values of", bandChoice), values, valueKeys,
    el("div", { class: "onex-rule" }, el("span", { class: "onex-strong" }, "The rule with this threshold"), el("span", {}, copied, " ", copy)), yaml);
  root.append(el("div", { class: "onex-bar" }, title, own), empty, body);

  let told = {};
  let columns = {};
  let bands = new Float64Array(0);
  let pages = new Int32Array(0);
  let width = 600;
  let step = 0;

  const n = () => told.steps || 0;
  const judged = () => told.incidents !== null && told.incidents !== undefined;

  // -------------------------------------------------------------- the step

  function go(place, quietly = false) {
    if (!n() || place === null || place === undefined) return;
    const wanted = Math.min(Math.max(Math.round(place), 0), n() - 1);
    touched = Date.now();
    if (wanted === step && !quietly) return;
    step = wanted;
    drawStep();
    if (!quietly) {
      model.set("step", step);
      model.save_changes();
    }
  }

  const pagesText = () => {
    if (pages[step] >= 0) return count(pages[step]);
    return columns.firings[step] > told.patience ? "too many" : "…";
  };

  function drawTiles() {
    const c = (name) => columns[name][step];
    const tile = (name, text, note = "") => el("div", { class: "onex-tile", "data-tile": name }, el("div", { class: "onex-quiet" }, name),
      el("div", { class: "onex-big" }, text), el("div", { class: "onex-note" }, note));
    const paged = pages[step] >= 0;
    const found = [
      tile("threshold", threshold(c("threshold")), step === told.own ? "as the rule has it" : ""),
      tile("alerts", count(c("firings")), `of ${plural(c("label_sets"), "label set")}`),
      tile("pages", pagesText(), paged ? "" : columns.firings[step] > told.patience ? "not simulated" : "being simulated"),
      tile("pages a day", paged && told.days > 0 ? digits(pages[step] / told.days) : paged ? "–" : pagesText(), `in ${length(told.days * 86400000)}`),
      tile("time in alert", duration(c("firing_s") * 1000), "all label sets together"),
    ];
    if (judged()) {
      found.push(
        tile("recall", told.incidents ? share(c("caught"), told.incidents) : "–", `${count(c("caught"))} of ${plural(told.incidents, "incident")} caught`),
        tile("precision", c("judged") ? share(c("right"), c("judged")) : "–", `${count(c("right"))} of ${plural(c("judged"), "alert")} right`),
        tile("median delay", Number.isNaN(c("delay_s")) ? "–" : duration(c("delay_s") * 1000), "a miss lasts for ever"),
      );
    }
    tiles.replaceChildren(...found);
  }

  /** What gives the same as this step, in words. */
  function span() {
    const [low, high] = [columns.low[step], columns.high[step]];
    const lowIn = told.strict === told.sign > 0;
    const from = Number.isNaN(low) ? "" : lowIn ? `from ${low}` : `above ${low}`;
    const to = Number.isNaN(high) ? "" : lowIn ? `below ${high}` : `up to ${high}`;
    return from && to ? `${from} and ${to}` : from || to || "whatever it is";
  }

  function drawStep() {
    slider.value = step;
    drawTiles();
    const left = told.every > n() ? ` Of ${count(told.every)} thresholds at which something changes, ${count(n())} are offered.` : "";
    interval.textContent = `Step ${count(step + 1)} of ${count(n())}: all is the same with a threshold ${span()}.${left}`;
    own.disabled = told.own === null || step === told.own;
    const paged = pages[step] >= 0 ? plural(pages[step], "page") : "pages not simulated yet";
    const words = `threshold ${threshold(columns.threshold[step])}: ${plural(columns.firings[step], "alert")}, ${paged}`
      + (judged() ? `, ${count(columns.caught[step])} of ${plural(told.incidents, "incident")} caught` : "");
    slider.setAttribute("aria-valuetext", words);
    say(words);
    yaml.textContent = told.before + yamlNumber(columns.threshold[step]) + told.after;
    copied.textContent = "";
    moveMarks();
  }

  // -------------------------------------------------------------- curves over all steps

  const stepX = (place) => LEFT + ((n() > 1 ? place / (n() - 1) : 0.5) * (width - LEFT - RIGHT));

  function drawCurves() {
    const at = Array.from({ length: Math.min(n(), 700) }, (_, i) => (n() <= 700 ? i : Math.round((i * (n() - 1)) / 699)));
    const most = Math.max(1, ...at.map((place) => Math.max(columns.firings[place], pages[place])));
    const tall = (value) => CURVES - (Math.log1p(value) / Math.log1p(most)) * (CURVES - 10);
    const even = (value) => CURVES - value * (CURVES - 10);
    const line = (value, height, colour, dash) => {
      let d = "";
      for (const place of at) {
        const found = value(place);
        if (found === null || Number.isNaN(found)) continue;
        d += `${d ? "L" : "M"}${stepX(place).toFixed(1)} ${height(found).toFixed(1)}`;
      }
      return svg("path", { d, fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash });
    };
    const parts = [svg("line", { class: "onex-axis", x1: LEFT, x2: width - RIGHT, y1: CURVES, y2: CURVES })];
    for (const tick of [0, 1, 10, 100, 1000, 10000, 100000, 1000000].filter((one) => one <= most)) {
      if (tick === 1 && most > 100) continue;
      parts.push(svg("line", { class: "onex-grid", x1: LEFT, x2: width - RIGHT, y1: tall(tick), y2: tall(tick) }));
      parts.push(svg("text", { x: LEFT - 6, y: tall(tick) + 4, "text-anchor": "end" }, brief(tick)));
    }
    const keys = [["alerts", "var(--onex-blue)", null], ["pages, as far as simulated", "var(--onex-orange)", "7 3"]];
    parts.push(line((place) => columns.firings[place], tall, "var(--onex-blue)", null));
    if (at.every((place) => pages[place] >= 0)) parts.push(line((place) => pages[place], tall, "var(--onex-orange)", "7 3"));
    else {
      const known = Array.from({ length: n() }, (_, place) => place).filter((place) => pages[place] >= 0);
      const kept = known.filter((_, i) => i % Math.ceil(known.length / 700) === 0);
      const d = kept.map((place) => `M${(stepX(place) - 2).toFixed(1)} ${tall(pages[place]).toFixed(1)}h4`).join("");
      parts.push(svg("path", { d, stroke: "var(--onex-orange)", "stroke-width": 4 })); // no line where nothing is known
    }
    if (judged() && told.incidents) {
      parts.push(line((place) => columns.caught[place] / told.incidents, even, "var(--onex-green)", "2 3"));
      parts.push(line((place) => (columns.judged[place] ? columns.right[place] / columns.judged[place] : null), even, "var(--onex-pink)", "9 3 2 3"));
      keys.push(["recall (0 to 100 %)", "var(--onex-green)", "2 3"], ["precision (0 to 100 %)", "var(--onex-pink)", "9 3 2 3"]);
    }
    parts.push(svg("line", { "data-mark": "step", y1: 0, y2: CURVES, stroke: "var(--onex-red)", "stroke-width": 2 }));
    curves.replaceChildren(...parts);
    curves.setAttribute("aria-label", `Alerts and pages over all ${count(n())} steps of the threshold, the lowest on the left; at most ${plural(most, "alert")}`);
    curveKeys.replaceChildren(...keys.map(([text, colour, dash]) => key(text, colour, dash)), el("span", { class: "onex-quiet" }, "by step, the lowest threshold on the left; counts on a log scale"));
  }

  function key(text, colour, dash) {
    const mark = svg("svg", { width: 26, height: 8, "aria-hidden": "true", style: "width: 26px; flex: none" },
      svg("line", { x1: 0, x2: 26, y1: 4, y2: 4, stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash }));
    return el("span", { class: "onex-key" }, mark, text);
  }

  // -------------------------------------------------------------- what the rule saw

  const band = (kind) => {
    const size = (told.names || []).length * told.buckets;
    const from = kind * size + Number(bandChoice.value || 0) * told.buckets;
    return bands.subarray(from, from + told.buckets);
  };
  let low = 0;
  let high = 1;
  const valueY = (value) => VALUES - ((Math.min(Math.max(value, low), high) - low) / (high - low)) * (VALUES - 16);
  const timeX = (bucket) => LEFT + (bucket / Math.max(told.buckets, 1)) * (width - LEFT - RIGHT);

  function drawValues() {
    const [least, greatest] = [band(0), band(1)];
    let [bottom, top] = [Infinity, -Infinity];
    for (let i = 0; i < least.length; i++) {
      if (least[i] <= greatest[i]) {
        bottom = Math.min(bottom, least[i]);
        top = Math.max(top, greatest[i]);
      }
    }
    if (bottom > top) [bottom, top] = [0, 1];
    if (bottom >= 0 && bottom < top / 2) bottom = 0;
    [low, high] = top > bottom ? [bottom, top] : [bottom - (Math.abs(bottom) || 1), top + (Math.abs(top) || 1)];
    const parts = [];
    for (const tick of valueTicks(low, high, 4)) {
      parts.push(svg("line", { class: "onex-grid", x1: LEFT, x2: width - RIGHT, y1: valueY(tick), y2: valueY(tick) }));
      parts.push(svg("text", { x: LEFT - 6, y: valueY(tick) + 4, "text-anchor": "end" }, brief(tick)));
    }
    const end = told.begin + told.buckets * told.width;
    const across = (ms) => LEFT + ((Math.min(Math.max(ms, told.begin), end) - told.begin) / (end - told.begin || 1)) * (width - LEFT - RIGHT);
    for (const one of told.drawn || []) {
      const [from, to] = [across(one.start), across(one.end === null ? end : one.end)];
      parts.push(svg("rect", { x: from, y: 0, width: Math.max(to - from, 2), height: VALUES, fill: "var(--onex-green)", opacity: 0.16 }));
      parts.push(svg("rect", { x: from, y: 0, width: Math.max(to - from, 3), height: 5, fill: "var(--onex-green)" }, svg("title", {}, one.text)));
    }
    parts.push(svg("path", { "data-mark": "firing", fill: "var(--onex-red)", opacity: 0.3 }));
    let d = "";
    for (let i = 0; i < least.length; i++) {
      if (!(least[i] <= greatest[i])) continue;
      const [x, y] = [timeX(i), valueY(greatest[i])];
      d += `M${x.toFixed(1)} ${(y - 0.75).toFixed(1)}h${Math.max(timeX(1) - timeX(0), 0.8).toFixed(1)}v${Math.max(valueY(least[i]) - y + 1.5, 1.5).toFixed(1)}h${(-Math.max(timeX(1) - timeX(0), 0.8)).toFixed(1)}z`;
    }
    parts.push(svg("path", { d, fill: "var(--onex-blue)" }));
    parts.push(svg("line", { "data-mark": "threshold", x1: LEFT, x2: width - RIGHT, stroke: "var(--onex-red)", "stroke-width": 2, "stroke-dasharray": "8 4" }));
    parts.push(svg("text", { "data-mark": "name", x: width - RIGHT, "text-anchor": "end", style: "fill: var(--onex-ink); font-weight: 600; stroke: var(--onex-ground); stroke-width: 4px; paint-order: stroke" }));
    parts.push(timeAxis(told.begin, end, LEFT, width - RIGHT, VALUES));
    values.replaceChildren(...parts);
    const what = Number(bandChoice.value) === 0 && told.label_sets > 1 ? "from the least to the greatest of all label sets" : "from the least to the greatest";
    values.setAttribute("aria-label", `Values over time between ${digits(low)} and ${digits(high)}, with the threshold as a line`);
    const block = (text, colour, opacity) => el("span", { class: "onex-key" }, el("i", { style: `background: ${colour}; opacity: ${opacity}` }), text);
    valueKeys.replaceChildren(
      block(`value, ${what} in ${length(told.width)}`, "var(--onex-blue)", 1), key("threshold", "var(--onex-red)", "8 4"),
      block("fires", "var(--onex-red)", 0.3),
      ...(judged() ? [block("incident" + (told.incidents > told.drawn.length ? ` (${told.drawn.length} of ${told.incidents} drawn)` : ""), "var(--onex-green)", 0.6)] : []),
    );
    moveMarks();
  }

  /** What moves with the threshold. */
  function moveMarks() {
    const mark = (name) => root.querySelector(`[data-mark="${name}"]`);
    if (!mark("step") || !mark("threshold")) return;
    mark("step").setAttribute("x1", stepX(step));
    mark("step").setAttribute("x2", stepX(step));
    const at = columns.threshold[step];
    const y = valueY(at);
    mark("threshold").setAttribute("y1", y);
    mark("threshold").setAttribute("y2", y);
    const beyond = at > high ? " ↑" : at < low ? " ↓" : "";
    mark("name").setAttribute("y", y < 24 ? y + 14 : y - 5);
    mark("name").textContent = `${told.op} ${threshold(at)}${beyond}`;
    const level = band(2);
    const score = told.sign * at;
    const wide = Math.max(timeX(1) - timeX(0), 1);
    let d = "";
    for (let i = 0; i < level.length; i++) {
      if (told.strict ? level[i] > score : level[i] >= score) d += `M${timeX(i).toFixed(1)} 5h${wide.toFixed(1)}V${VALUES}h${(-wide).toFixed(1)}z`;
    }
    mark("firing").setAttribute("d", d);
  }

  // -------------------------------------------------------------- pointers

  const pointed = (event) => {
    const box = curves.getBoundingClientRect();
    go(((event.clientX - box.left - LEFT) / Math.max(box.width - LEFT - RIGHT, 1)) * (n() - 1));
  };
  dragged(curves, (event) => { pointed(event); return true; }, pointed, () => {});
  const lifted = (event) => {
    const box = values.getBoundingClientRect();
    const wanted = low + ((VALUES - (event.clientY - box.top)) / (VALUES - 16)) * (high - low);
    go(nearest(wanted));
  };
  dragged(values, (event) => {
    const box = values.getBoundingClientRect();
    if (event.clientY - box.top > VALUES) return false;
    lifted(event);
    return true;
  }, lifted, () => {});

  /** The step whose threshold is next to a value. */
  function nearest(value) {
    let [from, to] = [0, n() - 1];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (columns.threshold[middle] < value) from = middle + 1;
      else to = middle;
    }
    return from > 0 && value - columns.threshold[from - 1] < columns.threshold[from] - value ? from - 1 : from;
  }

  async function copyRule() {
    try {
      await navigator.clipboard.writeText(yaml.textContent);
    } catch {
      const chosen = document.createRange(); // without a secure address a page may only copy what is marked
      chosen.selectNodeContents(yaml);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(chosen);
      document.execCommand("copy");
    }
    copied.textContent = "copied";
  }

  // -------------------------------------------------------------- what comes from Python

  let touched = 0;
  let waiting = null;
  let asked = false;

  /** Have further pages simulated while nobody moves anything and the widget is seen. */
  function askForMore() {
    clearTimeout(waiting);
    if (!model.get("_more") || asked) return;
    waiting = setTimeout(() => {
      if (Date.now() - touched < 400 || document.hidden || !seen) askForMore();
      else {
        asked = true;
        model.send({ do: "more" });
      }
    }, 500);
  }

  let seen = true;
  const watching = new IntersectionObserver((entries) => { seen = entries[entries.length - 1].isIntersecting; });
  watching.observe(root);

  function read() {
    told = model.get("_told") || {};
    bands = floats(model.get("_bands"));
    pages = integers(model.get("_pages"));
    const all = floats(model.get("_columns"));
    columns = Object.fromEntries(NAMES.map((name, i) => [name, all.subarray(i * n(), (i + 1) * n())]));
    step = Math.min(Math.max(model.get("step") || 0, 0), Math.max(n() - 1, 0));
  }

  let choices = "";

  function draw(wide) {
    width = wide;
    read();
    title.replaceChildren(el("span", { class: "onex-big" }, told.alert || ""), el("span", { class: "onex-quiet" },
      ` fires where the value is ${told.op || ">"} the threshold`));
    body.style.display = n() ? "" : "none";
    own.style.display = n() ? "" : "none";
    empty.textContent = n() ? "" : "No label set was evaluated on this log, so that there is nothing to compare with a threshold.";
    if (!n()) return;
    const names = (told.names || []).map((name) => name || `all ${plural(told.label_sets, "label set")} together`);
    if (JSON.stringify(names) !== choices) {
      choices = JSON.stringify(names);
      bandChoice.replaceChildren(...names.map((name, i) => el("option", { value: i }, shortened(name, 70))));
      bandChoice.parentElement.style.display = names.length > 1 ? "" : "none";
    }
    slider.max = n() - 1;
    slider.disabled = n() < 2;
    for (const chart of [curves, values]) chart.setAttribute("viewBox", `0 0 ${width} ${chart === curves ? CURVES + 4 : VALUES + FOOT}`);
    drawCurves();
    drawValues();
    drawStep();
    askForMore();
  }

  const stepped = () => {
    if (model.get("step") !== step) go(model.get("step"), true);
  };
  const paged = () => {
    asked = false;
    pages = integers(model.get("_pages"));
    if (n() && columns.threshold) {
      drawCurves();
      drawTiles();
      moveMarks();
    }
    askForMore();
  };
  model.on("change:step", stepped);
  model.on("change:_pages", paged);
  model.on("change:_more", askForMore);
  const stop = keepDrawn(model, root, ["_told", "_columns", "_bands"], draw);
  return () => {
    stop();
    clearTimeout(waiting);
    watching.disconnect();
    model.off("change:step", stepped);
    model.off("change:_pages", paged);
    model.off("change:_more", askForMore);
    leave();
  };
}

export default { render };
