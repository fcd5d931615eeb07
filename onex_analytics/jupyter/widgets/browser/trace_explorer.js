// A heat map of how long work took, traces worth a look, and the waterfall of the one that was picked.

const LEFT = 60;
const RIGHT = 12;
const ROW = 9;
const FOOT = 20;
const COLOUR = { span: "var(--onex-blue)", failed: "var(--onex-red)", open: "var(--onex-orange)", other: "var(--onex-grey)" };

function render({ model, el: host }) {
  const { root, say, ask, leave } = rootOf(model, host, "onex-traces", "Traces");

  const scope = el("select", { "aria-label": "Which spans", on: { change: () => rescope() } },
    el("option", { value: "whole" }, "Whole traces"), el("option", { value: "every" }, "Every span"));
  const names = el("select", { "aria-label": "Name of the spans", on: { change: () => rescope() } });
  const failed = el("input", { type: "checkbox", on: { change: () => rescope() } });
  const summary = el("div", { class: "onex-grow" });
  const map = svg("svg", { class: "onex-map", tabindex: 0, role: "application", "aria-roledescription": "heat map" });
  const note = el("div", { class: "onex-note" });
  const heading = el("span", { class: "onex-strong onex-grow" });
  const back = el("button", { type: "button", on: { click: () => ask("list") } }, "Back to all kinds");
  const previous = el("button", { type: "button", on: { click: () => ask("previous") } }, "Previous");
  const next = el("button", { type: "button", on: { click: () => ask("next") } }, "Next");
  const table = el("div", { class: "onex-scroll", tabindex: 0, role: "region", "aria-label": "Traces to look at" });
  const traceHead = el("div", { class: "onex-long" });
  const traceKeys = el("div", { class: "onex-keys" });
  const lines = el("div", { class: "onex-lines", role: "listbox", "aria-label": "Spans of the trace" });
  const details = el("div", { "aria-live": "polite" });
  const trace = el("div", { class: "onex-trace" }, traceHead, traceKeys, lines, details);
  root.append(
    el("div", { class: "onex-bar" }, summary, scope, names, el("label", { class: "onex-key" }, failed, "failed only")),
    map, note, el("div", { class: "onex-bar" }, heading, back, previous, next), table, trace,
  );

  let told = {};
  let width = 600;
  let cursor = null; // [column, row] of the heat map that the keys are at
  const rescope = () => ask("scope", { whole: scope.value === "whole", failed: failed.checked, name: names.value === "" ? null : Number(names.value) });

  // -------------------------------------------------------------- the heat map

  const rows = () => (told.map && told.map.bounds.length ? told.map.bounds[told.map.bounds.length - 1][0] + 1 : 0);
  const x = (column) => LEFT + (column / Math.max(told.map.columns, 1)) * (width - LEFT - RIGHT);
  const y = (row) => (rows() - row - 1) * ROW + 2;
  const boundsOf = (row) => told.map.bounds.find(([one]) => one === row);
  const cellOf = (column, row) => told.map.cells.find(([c, r]) => c === column && r === row);

  function cellWords([column, row, n]) {
    const [, lower, upper] = boundsOf(row);
    const took = upper > 0 ? `above ${duration(lower)} up to ${duration(upper)}` : "0 ms";
    return `${moment(told.map.begin + column * told.map.width, told.map.width)} UTC, ${took}: ${plural(n, "span")}`;
  }

  function drawMap() {
    const { cells, bounds } = told.map;
    const height = Math.max(rows() * ROW, 0) + 4;
    map.style.display = cells.length ? "" : "none";
    map.setAttribute("viewBox", `0 0 ${width} ${height + FOOT}`);
    map.setAttribute("height", height + FOOT);
    const most = Math.max(1, ...cells.map(([, , n]) => n));
    const wide = Math.max(x(1) - x(0), 1);
    const groups = new Map(); // one path a shade, so that thousands of cells are a dozen elements
    for (const [column, row, n] of cells) {
      const shade = most > 1 ? Math.round((Math.log(n) / Math.log(most)) * 10) / 10 : 1;
      const d = `M${x(column).toFixed(2)} ${y(row)}h${(wide > 3 ? wide - 0.6 : wide).toFixed(2)}v${ROW - 0.6}h${(-(wide > 3 ? wide - 0.6 : wide)).toFixed(2)}z`;
      groups.set(shade, (groups.get(shade) || "") + d);
    }
    const parts = [...groups].map(([shade, d]) => svg("path", { d, fill: "var(--onex-red)", opacity: 0.18 + 0.82 * shade }));
    let above = Infinity;
    for (const [row, lower, upper] of bounds) {
      const at = upper > 0 ? y(row) + ROW : y(row) + ROW / 2;
      if (above - at < 26 && above !== Infinity) continue;
      above = at;
      parts.push(svg("line", { class: "onex-grid", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }));
      parts.push(svg("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, upper > 0 ? duration(lower) : "0"));
    }
    if (told.map.columns) parts.push(timeAxis(told.map.begin, told.map.begin + told.map.columns * told.map.width, LEFT, width - RIGHT, height));
    const frame = ([column, row], colour, dash) => svg("rect", { x: x(column) - 1, y: y(row) - 1, width: wide + 1.4, height: ROW + 1.4, fill: "none",
      stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash, "pointer-events": "none" });
    if (told.cell) parts.push(frame(told.cell, "var(--onex-ink)", null));
    if (cursor && cellOf(...cursor)) parts.push(frame(cursor, "var(--onex-blue)", "3 2"));
    map.replaceChildren(svg("title", {}), ...parts);
    map.setAttribute("aria-label", `How long spans took over time, ${plural(cells.length, "cell")}. Arrow keys go from cell to cell, Enter lists its spans.`);
  }

  const pointed = (event) => {
    const box = map.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left - LEFT) / Math.max(box.width - LEFT - RIGHT, 1)) * told.map.columns);
    return cellOf(column, rows() - 1 - Math.floor((event.clientY - box.top - 2) / ROW));
  };
  map.addEventListener("pointermove", (event) => {
    const cell = pointed(event);
    map.querySelector("title").textContent = cell ? cellWords(cell) : "";
  });
  map.addEventListener("click", (event) => {
    const cell = pointed(event);
    if (cell) {
      cursor = [cell[0], cell[1]];
      ask("cell", { column: cell[0], row: cell[1] });
    }
  });
  map.addEventListener("keydown", (event) => {
    const { cells } = told.map;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!cells.length || (!move && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    if (!cursor || !cellOf(...cursor)) cursor = told.cell && cellOf(...told.cell) ? [...told.cell] : cells.reduce((a, b) => (b[2] > a[2] ? b : a)).slice(0, 2);
    else if (move) {
      const ahead = cells.filter(([column, row]) => (column - cursor[0]) * move[0] + (row - cursor[1]) * move[1] > 0);
      const aside = ([column, row]) => Math.abs(move[0] ? row - cursor[1] : column - cursor[0]);
      const along = ([column, row]) => Math.abs(move[0] ? column - cursor[0] : row - cursor[1]);
      if (ahead.length) cursor = ahead.reduce((a, b) => (aside(b) * 1000 + along(b) < aside(a) * 1000 + along(a) ? b : a)).slice(0, 2);
    }
    const cell = cellOf(...cursor);
    if (move) {
      drawMap();
      say(cellWords(cell));
    } else ask("cell", { column: cell[0], row: cell[1] });
  });

  function drawNote() {
    const { spans, measured, open, untimed, outside, cells } = told.map;
    const what = told.whole ? "root span" : "span";
    summary.replaceChildren(el("span", { class: "onex-big" }, count(spans)), ` ${spans === 1 ? what : `${what}s`}`,
      el("div", { class: "onex-quiet" }, `${count(measured)} measured, ${count(open)} open` + (spans > measured + open ? `, ${count(spans - measured - open)} without a duration that counts` : "")));
    const parts = [];
    if (!spans) parts.push("There is no such span.");
    else if (!cells.length) parts.push("No measured span says when it began, so that there is no map.");
    else {
      parts.push(`Each cell is ${length(told.map.width)} of time; the fuller the stronger, at most ${plural(Math.max(...cells.map(([, , n]) => n)), "span")}; durations on a log scale. Click a cell, or use the arrow keys.`);
      if (outside) parts.push(`${plural(outside, "span")} long before or after nearly all others ${outside === 1 ? "is" : "are"} not drawn.`);
      if (untimed) parts.push(`${plural(untimed, "span")} without a start ${untimed === 1 ? "is" : "are"} not drawn.`);
    }
    note.textContent = parts.join(" ");
  }

  // -------------------------------------------------------------- the table

  function drawTable() {
    const listed = told.rows || [];
    const cell = told.cell ? cellOf(...told.cell) : null;
    heading.textContent = cell ? `${listed.length < cell[2] ? `The slowest ${plural(listed.length, "trace")} of ` : ""}${plural(cell[2], "span")} in the cell`
      : listed.length ? "Traces to look at" : "No trace to look at";
    back.style.display = told.cell ? "" : "none";
    previous.disabled = !listed.length || told.place === 0;
    next.disabled = !listed.length || told.place === listed.length - 1;
    table.style.display = listed.length ? "" : "none";
    const head = [["why", ""], ["took", "onex-number"], ["name", ""], ["node", "onex-wide"], ["started (UTC)", "onex-wide"], ["error", "onex-wide"]];
    const body = listed.map((row, place) => el("tr", { "aria-current": place === told.place ? "true" : null, on: { click: () => ask("trace", { place }) } },
      el("td", {}, row.why), el("td", { class: "onex-number" }, duration(row.ms)),
      el("td", { title: row.name }, el("button", { type: "button", "data-place": place, "aria-label": `${row.why}: ${row.name}, ${duration(row.ms)}` }, (row.failed ? "✕ " : "") + row.name)),
      el("td", { class: "onex-wide", title: row.node }, row.node),
      el("td", { class: "onex-wide" }, row.start === null ? "–" : moment(row.start, 1, false)), el("td", { class: "onex-wide", title: row.error }, row.error)));
    const focused = table.contains(document.activeElement) ? document.activeElement.dataset.place : null;
    const top = table.scrollTop;
    table.replaceChildren(el("table", {}, el("colgroup", {}, ...["104px", "80px", null, null, null, null].map((w, i) => el("col", { style: w ? `width: ${w}` : null, class: head[i][1] === "onex-wide" ? "onex-wide" : null }))),
      el("thead", {}, el("tr", {}, ...head.map(([text, kind]) => el("th", { class: kind, scope: "col" }, text)))), el("tbody", {}, ...body)));
    table.scrollTop = top;
    if (focused) table.querySelector(`[data-place="${focused}"]`)?.focus();
    const current = table.querySelector('[aria-current="true"]');
    if (current) {
      const [above, below] = [current.offsetTop - 26, current.offsetTop + current.offsetHeight - table.clientHeight];
      if (table.scrollTop > above) table.scrollTop = above;
      if (table.scrollTop < below) table.scrollTop = below;
    }
  }

  // -------------------------------------------------------------- the waterfall

  const kindOf = (line) => (line.folded ? "other" : line.open ? "open" : line.errors ? "failed" : "span");

  function drawTrace() {
    const found = model.get("_trace");
    details.replaceChildren();
    trace.style.display = found ? "" : "none";
    if (!found) return;
    const folded = found.folded ? `; ${count(found.folded)} short and ordinary ones are put together` : "";
    const out = found.left_out ? `; ${plural(found.left_out, "span")} without any time not drawn` : "";
    traceHead.replaceChildren(el("span", { class: "onex-strong" }, "Trace "), found.trace, el("div", { class: "onex-quiet" },
      found.lines.length ? `${plural(found.spans, "span")} over ${duration(found.until)}, in ${plural(found.lines.length, "line")}${folded}${out}` : "There is no such trace, or none of its spans has a time."));
    traceKeys.style.display = lines.style.display = found.lines.length ? "" : "none";
    const block = (style, text) => el("span", { class: "onex-key" }, el("i", { style }), text);
    const kinds = new Set(found.lines.map(kindOf));
    fill(traceKeys, block("background: var(--onex-blue)", "on the critical path"),
      block("background: color-mix(in srgb, var(--onex-blue) 35%, transparent); border: 1px solid var(--onex-blue)", "not on it"),
      kinds.has("failed") ? block("background: var(--onex-red)", "✕ failed") : null, kinds.has("open") ? block(`background: ${fading()}`, "… has not ended") : null,
      kinds.has("other") ? block(`background: ${hatched()}; border: 1px solid var(--onex-grey)`, "several spans") : null);
    lines.replaceChildren(ticks(found.until), ...found.lines.map((line, lane) => lineOf(line, lane, found.until)));
    lines.scrollTop = 0;
    say(`Trace of ${plural(found.spans, "span")} over ${duration(found.until)}`);
  }

  const fading = () => "linear-gradient(90deg, var(--onex-orange), transparent)";
  const hatched = () => "repeating-linear-gradient(45deg, var(--onex-grey) 0 2px, transparent 2px 6px)";
  const percent = (ms, until) => `${((ms / (until || 1)) * 100).toFixed(3)}%`;

  function ticks(until) {
    const marks = valueTicks(0, until, width < 560 ? 2 : 4).filter((ms) => ms < until * 0.93);
    return el("div", { class: "onex-line onex-ticks", "aria-hidden": "true" }, el("span", { class: "onex-name" }), el("span", { class: "onex-track" },
      ...marks.map((ms) => el("span", { style: `left: ${percent(ms, until)}` }, duration(ms)))));
  }

  function lineOf(line, lane, until) {
    const kind = kindOf(line);
    const own = line.folded ? plural(line.folded, "more span") : line.name + (line.node !== line.name && line.node !== "–" ? ` · ${line.node}` : "");
    const colour = COLOUR[kind];
    const bar = `left: ${percent(line.from, until)}; width: ${percent(line.to - line.from, until)};`;
    const fill = kind === "other" ? hatched() : `color-mix(in srgb, ${colour} 35%, transparent)`;
    const track = el("span", { class: "onex-track" }, el("i", { style: `${bar} background: ${fill}; border-color: ${colour}` }),
      ...line.critical.map(([from, to]) => el("b", { style: `left: ${percent(from, until)}; width: ${percent(to - from, until)}; background: ${colour}` })));
    if (kind === "open") track.append(el("i", { style: `left: ${percent(line.to, until)}; width: 6%; background: ${fading()}; border-color: transparent` }));
    if (line.errors) track.append(el("span", { style: `left: ${percent(line.to, until)}; color: var(--onex-red)` }, "✕"));
    const took = line.folded ? `together ${duration(line.to - line.from)}` : line.open ? "has not ended" : duration(line.ms);
    const words = `${own}: ${took}${line.errors ? ", failed" : ""}${line.critical_ms ? `, ${duration(line.critical_ms)} of it on the critical path` : ""}`;
    const name = el("span", { class: "onex-name", style: `padding-left: ${4 + Math.min(line.depth, 14) * (width < 560 ? 6 : 12)}px` }, line.folded ? el("em", {}, own) : shortened(own, 90));
    return el("div", {
      class: "onex-line", role: "option", "aria-selected": "false", "aria-label": words, title: words, tabindex: lane ? -1 : 0, "data-lane": lane,
      on: { click: () => choose(lane), keydown: (event) => walk(event, lane) },
    }, name, track);
  }

  function walk(event, lane) {
    const all = lines.querySelectorAll("[data-lane]");
    const to = { ArrowDown: lane + 1, ArrowUp: lane - 1, Home: 0, End: all.length - 1, PageDown: lane + 20, PageUp: lane - 20 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const wanted = all[Math.min(Math.max(to, 0), all.length - 1)];
      all[lane].tabIndex = -1;
      wanted.tabIndex = 0;
      wanted.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(lane);
    }
  }

  const choose = (lane) => ask("span", { lane });

  function drawDetails() {
    const found = model.get("_span");
    for (const line of lines.querySelectorAll("[data-lane]")) line.setAttribute("aria-selected", String(Boolean(found) && Number(line.dataset.lane) === found.lane));
    const shown = model.get("_trace");
    if (!found || !shown || !shown.lines[found.lane]) {
      details.replaceChildren(el("div", { class: "onex-note" }, shown && shown.lines.length ? "Click a line, or press Enter on it, for all that its span says." : ""));
      return;
    }
    const line = shown.lines[found.lane];
    const head = line.folded ? `${plural(line.folded, "span")}, short and ordinary: ${count(line.errors)} failed, ${count(line.open)} open`
      : `${line.name}: ${line.open ? "has not ended" : duration(line.ms)}, ${duration(line.critical_ms)} on the critical path`;
    details.replaceChildren(el("div", { class: "onex-strong onex-long" }, head),
      el("dl", { class: "onex-says" }, ...found.attributes.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { tabindex: value.length > 400 ? 0 : null }, value)])));
  }

  // -------------------------------------------------------------- what comes from Python

  let choices = "";

  function drawScope() {
    scope.value = told.whole ? "whole" : "every";
    failed.checked = told.failed;
    const wanted = JSON.stringify([told.names, told.unlisted, told.other_name]);
    if (wanted !== choices) {
      choices = wanted;
      names.replaceChildren(el("option", { value: "" }, "all names"), ...told.names.map((name, i) => el("option", { value: i }, shortened(name, 50))),
        told.other_name === null ? "" : el("option", { value: "-1" }, shortened(told.other_name, 50)),
        told.unlisted ? el("option", { disabled: true }, `${plural(told.unlisted, "name")} more: look_at(name=…)`) : "");
    }
    names.value = told.other_name !== null ? "-1" : told.name === null ? "" : String(told.name);
  }

  function draw(wide) {
    width = wide;
    told = model.get("_told") || {};
    if (!told.map) return;
    drawScope();
    drawNote();
    drawMap();
    drawTable();
  }

  const traced = () => { drawTrace(); drawDetails(); };
  model.on("change:_trace", traced);
  model.on("change:_span", drawDetails);
  const stop = keepDrawn(model, root, ["_told"], draw);
  traced();
  return () => {
    stop();
    model.off("change:_trace", traced);
    model.off("change:_span", drawDetails);
    leave();
  };
}

export default { render };
