// Events over time with a brush, and filters. Python keeps the selection; a drag is drawn here and told when it ends.

const HEIGHT = 132;
const FOOT = 20;
const LEFT = 44;
const RIGHT = 12;

function render({ model, el: host }) {
  const { root, say, ask, waiting, leave } = rootOf(model, host, "onex-time-range", "Time range and filters");

  const summary = el("div", { class: "onex-grow" });
  const button = (text, action, title) => el("button", { type: "button", title, on: { click: () => ask(action) } }, text);
  const undo = button("Undo", "undo", "Take back the last step");
  const reset = button("Reset", "reset", "Select everything");
  const closer = button("Look closer", "closer", "Show the selected time alone, in finer bars");
  const whole = button("Whole time", "all", "Show the whole time; the selection stays");
  const chart = svg("svg", { class: "onex-chart", height: HEIGHT + FOOT });
  const note = el("div", { class: "onex-note" });
  const filters = el("div", { class: "onex-filters" });
  root.append(el("div", { class: "onex-bar" }, summary, undo, reset, closer, whole), chart, note, filters);

  let told = {};
  let width = 600;
  let brush = null; // [low, high] in bars while it is being moved, else null
  let grip = null; // which handle has the focus

  const bars = () => told.bars || [];
  const place = (ms) => (ms - told.begin) / told.width;
  /** The brush in bars: as it is being moved, else as the selection has it; it may begin or end within a bar. */
  const range = () => brush || [
    told.since === null || told.since === undefined ? 0 : Math.min(Math.max(place(told.since), 0), bars().length),
    told.until === null || told.until === undefined ? bars().length : Math.min(Math.max(place(told.until), 0), bars().length),
  ];
  const isWhole = ([low, high]) => low <= 0 && high >= bars().length;
  const at = (bar) => told.begin + bar * told.width;
  const x = (bar) => LEFT + (bar / Math.max(bars().length, 1)) * (width - LEFT - RIGHT);
  const barAt = (event) => {
    const box = chart.getBoundingClientRect();
    return ((event.clientX - box.left - LEFT) / Math.max(box.width - LEFT - RIGHT, 1)) * bars().length;
  };
  const inside = (bar) => Math.min(Math.max(bar, 0), bars().length);

  function words([low, high]) {
    const fine = Math.min(told.width, Number.isInteger(low) && Number.isInteger(high) ? told.width : 1);
    if (isWhole([low, high]) && told.since === null && told.until === null && !brush) return "all of the time";
    const since = !brush && told.since !== null ? told.since : at(low);
    const until = !brush && told.until !== null ? told.until : at(high);
    return `${moment(since, fine)} – ${moment(until, fine)} UTC (${duration(until - since)})`;
  }

  function drawSummary() {
    const ends = range();
    let selected = told.selected;
    if (brush) selected = bars().slice(brush[0], brush[1]).reduce((sum, n) => sum + n, 0);
    const filtered = (told.columns || []).filter((column) => column.values.some((value) => value.on)).map((column) => column.name);
    const by = filtered.length ? `, filtered by ${filtered.join(", ")}` : "";
    summary.replaceChildren(
      el("span", { class: "onex-big" }, count(selected || 0)),
      ` of ${plural(told.total || 0, "event")} selected (${share(selected, told.total)})`,
      el("div", { class: "onex-quiet" }, words(ends) + by),
    );
    say(`${count(selected || 0)} of ${plural(told.total || 0, "event")} selected, ${words(ends)}${by}`);
  }

  function drawBars() {
    const [low, high] = range();
    const most = Math.max(1, ...(told.all || []));
    const y = (n) => (n ? Math.max(1.5, (n / most) * (HEIGHT - 14)) : 0);
    const step = (width - LEFT - RIGHT) / Math.max(bars().length, 1);
    const gap = step > 3 ? 1 : 0;
    const path = (values, from, to) => values.map((n, bar) => (bar + 1 > from && bar < to && n
      ? `M${x(bar).toFixed(2)} ${HEIGHT}v${(-y(n)).toFixed(2)}h${Math.max(step - gap, 0.5).toFixed(2)}v${y(n).toFixed(2)}z` : "")).join("");
    const parts = [];
    for (const tick of valueTicks(0, most, 3).filter((one) => Number.isInteger(one))) {
      const top = HEIGHT - (tick / most) * (HEIGHT - 14);
      parts.push(svg("line", { class: "onex-grid", x1: LEFT, x2: width - RIGHT, y1: top, y2: top }));
      parts.push(svg("text", { x: LEFT - 6, y: top + 4, "text-anchor": "end" }, brief(tick)));
    }
    parts.push(svg("path", { d: path(told.all || [], 0, bars().length), fill: "var(--onex-grey)", opacity: 0.3 }));
    parts.push(svg("path", { d: path(bars(), 0, bars().length), fill: "var(--onex-grey)", opacity: isWhole([low, high]) ? 0 : 0.55 }));
    parts.push(svg("path", { d: path(bars(), low, high), fill: "var(--onex-blue)" }));
    if (bars().length) parts.push(timeAxis(told.begin, at(bars().length), LEFT, width - RIGHT, HEIGHT));
    if (bars().length && !isWhole([low, high])) {
      parts.push(svg("rect", { x: x(low), y: 2, width: Math.max(x(high) - x(low), 1), height: HEIGHT - 2,
        fill: "var(--onex-blue)", opacity: 0.1, "pointer-events": "none" }));
    }
    if (bars().length) parts.push(handle("begin", low), handle("end", high));
    chart.replaceChildren(...parts);
    if (grip) chart.querySelector(`[data-grip="${grip}"]`)?.focus();
  }

  function handle(which, bar) {
    const [low, high] = range();
    const name = which === "begin" ? "Begin of the selected time" : "End of the selected time";
    return svg("g", {
      class: "onex-handle", "data-grip": which, role: "slider", tabindex: 0, "aria-label": name, "aria-orientation": "horizontal",
      "aria-valuemin": which === "begin" ? 0 : Math.floor(low) + 1, "aria-valuemax": which === "begin" ? Math.ceil(high) - 1 : bars().length,
      "aria-valuenow": Math.round(bar), "aria-valuetext": `${moment(at(bar), told.width)} UTC`,
      on: {
        keydown: (event) => moveHandle(event, which),
        focus: () => { grip = which; },
        blur: () => { if (!brushing) grip = null; },
      },
    }, svg("rect", { x: x(bar) - 11, y: 0, width: 22, height: HEIGHT, fill: "transparent", stroke: "none" }),
    svg("line", { x1: x(bar), x2: x(bar), y1: 2, y2: HEIGHT, stroke: "var(--onex-blue)", "stroke-width": 2 }),
    svg("rect", { x: x(bar) - 5, y: HEIGHT / 2 - 15, width: 10, height: 30, rx: 3, fill: "var(--onex-ground)",
      stroke: "var(--onex-blue)", "stroke-width": 1.5 }));
  }

  let brushing = false;
  let drag = null;

  function draw(wide) {
    told = model.get("_told") || {};
    width = wide;
    if (!drag && !waiting()) brush = null; // else an older answer would take back what was done since
    chart.setAttribute("viewBox", `0 0 ${width} ${HEIGHT + FOOT}`);
    undo.disabled = !told.undo;
    reset.disabled = !told.undo && told.since === null && told.until === null && told.selected === told.total;
    closer.disabled = !told.closer;
    whole.disabled = !told.close;
    chart.style.display = bars().length ? "" : "none";
    drawSummary();
    brushing = true;
    drawBars();
    brushing = false;
    drawNote();
    drawFilters();
  }

  function drawNote() {
    const parts = [];
    if (!told.total) parts.push("This log holds no event.");
    else if (!bars().length) parts.push("No event says when it happened, so there is no time to choose.");
    else parts.push(`A bar is ${length(told.width)}; times are UTC. Drag over the bars, or move the handles with the arrow keys.`);
    const out = [];
    if (told.before) out.push(`${plural(told.before, "event")} long before`);
    if (told.after) out.push(`${plural(told.after, "event")} long after`);
    if (out.length) parts.push(`Not drawn: ${out.join(" and ")} nearly all others.`);
    if (told.untimed && bars().length) parts.push(`${plural(told.untimed, "event")} without a time: in no selection of a time.`);
    note.textContent = parts.join(" ");
  }

  // -------------------------------------------------------------- the brush

  function settle(low, high) {
    const ends = [Math.round(inside(Math.min(low, high))), Math.round(inside(Math.max(low, high)))];
    ask("brush", { from: ends[0], to: ends[1] });
  }

  function show(low, high) {
    brush = [Math.round(inside(Math.min(low, high))), Math.round(inside(Math.max(low, high)))];
    brushing = true;
    drawBars();
    brushing = false;
    drawSummary();
  }

  function moveHandle(event, which) {
    const [low, high] = range();
    const [from, to] = [Math.round(low), Math.round(high)];
    const far = Math.max(2, Math.round(bars().length / 12));
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -far, PageUp: far }[event.key];
    let bar = which === "begin" ? from : to;
    if (event.key === "Escape") {
      event.preventDefault();
      settle(0, 0);
      return;
    }
    if (event.key === "Home") bar = which === "begin" ? 0 : from + 1;
    else if (event.key === "End") bar = which === "begin" ? to - 1 : bars().length;
    else if (by) bar += by * (event.shiftKey ? far : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
    const ends = which === "begin" ? [Math.min(Math.max(bar, 0), to - 1), to] : [from, Math.max(Math.min(bar, bars().length), from + 1)];
    show(...ends);
    settle(...ends);
  }

  dragged(chart, (event) => {
    if (!bars().length) return false;
    const bar = barAt(event);
    const reach = ((event.pointerType === "touch" ? 16 : 7) / Math.max(width - LEFT - RIGHT, 1)) * bars().length;
    const [low, high] = range();
    const anchor = isWhole([low, high]) ? null : Math.abs(bar - low) <= reach ? high : Math.abs(bar - high) <= reach ? low : null;
    if (anchor !== null) drag = { kind: "edge", anchor, from: bar };
    else if (!isWhole([low, high]) && bar > low && bar < high) drag = { kind: "move", from: bar, low, high };
    else drag = { kind: "new", from: inside(bar) };
    drag.x = event.clientX;
    return true;
  }, (event) => {
    const bar = barAt(event);
    if (Math.abs(event.clientX - drag.x) > 3) drag.moved = true;
    if (!drag.moved) return;
    if (drag.kind === "edge") show(drag.anchor, bar);
    else if (drag.kind === "new") show(Math.floor(Math.min(drag.from, bar)), Math.ceil(Math.max(drag.from, inside(bar))));
    else {
      const by = Math.min(Math.max(Math.round(bar - drag.from), -Math.floor(drag.low)), Math.floor(bars().length - drag.high));
      show(drag.low + by, drag.high + by);
    }
  }, (event, cancelled) => {
    const { moved } = drag;
    drag = null;
    if (cancelled) brush = null;
    if (!cancelled && brush && brush[0] < brush[1]) settle(...brush);
    else if (!cancelled && !moved) settle(Math.floor(inside(barAt(event))), Math.min(Math.floor(inside(barAt(event))) + 1, bars().length));
    else draw(width);
  });
  chart.addEventListener("dblclick", () => settle(0, 0));

  // -------------------------------------------------------------- filters

  let shape = "";
  const rows = new Map();

  function drawFilters() {
    const columns = told.columns || [];
    const wanted = JSON.stringify(columns.map((column) => [column.name, column.others, column.values.map((v) => [v.kind, v.text])]));
    if (wanted !== shape) {
      shape = wanted;
      rows.clear();
      filters.replaceChildren(...columns.map((column, number) => (column.values.length ? fieldset(column, number) : "")));
    }
    columns.forEach((column, number) => {
      const most = Math.max(1, ...column.values.map((value) => value.n));
      const none = !column.values.some((value) => value.on);
      column.values.forEach((value, place) => {
        const row = rows.get(`${number}/${place}`);
        row.box.checked = value.on;
        row.number.textContent = count(value.n);
        row.share.style.transform = `scaleX(${value.n / most})`;
        row.row.classList.toggle("onex-off", !none && !value.on);
      });
    });
  }

  function fieldset(column, number) {
    return el("fieldset", {}, el("legend", {}, column.name), ...column.values.map((value, place) => {
      const name = value.kind === "value" ? el("span", { class: "onex-name", title: value.text }, shortened(value.text, 60) || "(empty text)")
        : el("span", { class: "onex-name" }, el("em", {}, value.kind === "none" ? "(none)" : `(other: ${plural(column.others, "value")})`));
      const row = {
        box: el("input", { type: "checkbox", on: { change: () => picked(number) } }),
        number: el("span", { class: "onex-number" }),
        share: el("span", { class: "onex-share", "aria-hidden": "true" }),
      };
      row.row = el("label", { class: "onex-value" }, row.box, name, row.number, row.share);
      rows.set(`${number}/${place}`, row);
      return row.row;
    }));
  }

  function picked(number) {
    const values = told.columns[number].values;
    ask("pick", { column: number, places: values.map((_, place) => place).filter((place) => rows.get(`${number}/${place}`).box.checked) });
  }

  const stop = keepDrawn(model, root, ["_told", "_answered"], draw);
  return () => { stop(); leave(); };
}

export default { render };
