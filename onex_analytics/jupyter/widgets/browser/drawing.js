// What all widgets draw with. Text is only ever put in as text: nothing of a log is read as markup.

const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Put children in place of those that are there. */
const fill = (node, ...children) => node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));

/** An HTML element; children are elements, or texts. */
const el = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);

/** An SVG element. */
const svg = (tag, attributes = {}, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

// ------------------------------------------------------------------ numbers and times in words

const count = (n) => n.toLocaleString("en-US");
const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;
const share = (part, whole) => (whole ? `${digits((100 * part) / whole)} %` : "–");

/** Three digits that tell something. */
function digits(value) {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 999.5) return Math.round(value).toLocaleString("en-US");
  const text = String(Number(value.toPrecision(3)));
  return text;
}

const UNITS = [["d", 86400000], ["h", 3600000], ["min", 60000], ["s", 1000], ["ms", 1], ["µs", 0.001], ["ns", 0.000001]];

/** A duration in its own unit: 12.3 ms. */
function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms === 0) return "0 ms";
  const [name, size] = UNITS.find(([, size]) => Math.abs(ms) >= size * (size >= 60000 ? 2 : 1)) || UNITS[UNITS.length - 1];
  return `${digits(ms / size)} ${name}`;
}

/** A round length in the largest unit that fits: 1 h, 10 min. */
function length(ms) {
  const [name, size] = UNITS.find(([, size]) => ms >= size) || UNITS[UNITS.length - 1];
  return `${digits(ms / size)} ${name}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n) => String(n).padStart(2, "0");

/** A moment in UTC, as fine as `step` (milliseconds) asks for. */
function moment(ms, step = 1000, withYear = true) {
  const at = new Date(ms);
  const day = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${withYear ? ` ${at.getUTCFullYear()}` : ""}`;
  if (step >= 86400000 && ms % 86400000 === 0) return day;
  let clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  if (step < 60000) clock += `:${two(at.getUTCSeconds())}`;
  if (step < 1000) clock += `.${String(at.getUTCMilliseconds()).padStart(3, "0")}`;
  return `${day} ${clock}`;
}

// ------------------------------------------------------------------ axes

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000,
  900000, 1800000, 3600000, 7200000, 10800000, 21600000, 43200000, 86400000, 172800000, 604800000, 1209600000];
const MONDAY = 4 * 86400000;

/** Where a time axis has its marks, and what they say: at least `apart` pixels from each other. */
function timeTicks(begin, end, pixels, apart = 84) {
  const most = Math.max(1, Math.floor(pixels / apart));
  const step = STEPS.find((one) => (end - begin) / one <= most);
  const found = [];
  if (step === undefined) {
    const months = (end - begin) / 2629800000;
    const stride = [1, 2, 3, 6, 12, 24, 60, 120, 240].find((one) => months / one <= most) || 600;
    const first = new Date(begin);
    for (let month = first.getUTCFullYear() * 12 + first.getUTCMonth(); found.length <= most + 1; month++) {
      const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
      if (at > end) break;
      if (at >= begin && month % stride === 0) {
        found.push([at, stride % 12 ? `${MONTHS[month % 12]} ${Math.floor(month / 12)}` : String(Math.floor(month / 12))]);
      }
    }
    return found;
  }
  const offset = step >= 604800000 ? MONDAY : 0;
  let day = null;
  for (let at = Math.ceil((begin - offset) / step) * step + offset; at <= end; at += step) {
    const text = moment(at, step, false);
    const [number, name, clock] = text.split(" ");
    const short = clock === undefined || clock === "00:00" || day === null ? text : clock;
    day = `${number} ${name}`;
    found.push([at, clock === "00:00" && step < 86400000 ? `${number} ${name}` : short]);
  }
  return found;
}

/** Round numbers from 0, or from `low`, to `high`. */
function valueTicks(low, high, most = 4) {
  if (!(high > low)) return [low];
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((times) => times * power >= raw * 0.999) * power;
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high * (1 + 1e-9) + 1e-300 && found.length < 20; n++) {
    found.push(Number((n * step).toPrecision(12)));
  }
  return found;
}

/** A number as an axis has room for it: 1.2 M. */
function brief(value) {
  for (const [size, name] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}${name}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** A time axis below a chart of height `bottom`, from pixel `left` to `right`. */
function timeAxis(begin, end, left, right, bottom) {
  const group = svg("g", { "aria-hidden": "true" });
  group.append(svg("line", { class: "onex-axis", x1: left, x2: right, y1: bottom, y2: bottom }));
  let free = -Infinity; // from where on there is room for the next mark's text
  for (const [at, text] of timeTicks(begin, end, right - left)) {
    const x = left + ((at - begin) / (end - begin || 1)) * (right - left);
    const half = text.length * 3.4 + 4;
    const from = x > right - 30 ? x - 2 * half : x < left + 30 ? x : x - half;
    if (from < free) continue;
    free = from + 2 * half;
    group.append(svg("line", { class: "onex-axis", x1: x, x2: x, y1: bottom, y2: bottom + 4 }));
    const anchor = x > right - 30 ? "end" : x < left + 30 ? "start" : "middle";
    group.append(svg("text", { x, y: bottom + 15, "text-anchor": anchor }, text));
  }
  return group;
}

// ------------------------------------------------------------------ what every widget needs

/** A text cut in the middle. */
function shortened(text, most) {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(text.length - (most - 1 - half))}`;
}

/** The root of a widget, with what a screen reader is told, and with the way to ask Python. */
function rootOf(model, host, name, label) {
  const status = el("div", { class: "onex-hidden", role: "status", "aria-live": "polite" });
  // JupyterLab would take arrow keys, Enter and letters for its own commands; those with Ctrl it shall have
  const ours = (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); };
  const root = el("div", { class: `onex ${name}`, role: "group", "aria-label": label, on: { keydown: ours } }, status);
  const problem = el("div", { class: "onex-problem onex-long", role: "alert" });
  const busy = el("div", { class: "onex-busy onex-note", "aria-hidden": "true" }, "waiting for the kernel…");
  root.append(problem, busy);
  host.append(root);
  let later = null;
  const say = (text) => {
    clearTimeout(later);
    later = setTimeout(() => { if (status.textContent !== text) status.textContent = text; }, 250);
  };
  const view = Math.random().toString(36).slice(2);
  let asked = 0;
  let slow = null;
  let open = false; // whether the last thing that this view asked for is not answered yet; other views ask, too
  const waiting = () => open;
  const ask = (action, more = {}) => {
    asked += 1;
    open = true;
    clearTimeout(slow);
    slow = setTimeout(() => { if (open) root.setAttribute("aria-busy", "true"); }, 500);
    model.send({ do: action, id: `${view}/${asked}`, ...more });
  };
  const heard = () => {
    problem.textContent = model.get("_problem") || "";
    if (model.get("_answered") === `${view}/${asked}`) open = false;
    if (!open) root.removeAttribute("aria-busy");
  };
  for (const trait of ["_answered", "_problem"]) model.on(`change:${trait}`, heard);
  heard();
  const leave = () => {
    for (const trait of ["_answered", "_problem"]) model.off(`change:${trait}`, heard);
    clearTimeout(slow);
    clearTimeout(later);
    root.remove();
  };
  return { root, say, ask, waiting, leave };
}

/** Quiet text must be legible on the theme's own ground, whichever that is. */
function fitTheme(root) {
  const parts = (getComputedStyle(root).color.match(/[\d.]+/g) || ["0", "0", "0"]).map(Number);
  const dark = (parts[0] * 299 + parts[1] * 587 + parts[2] * 114) / 1000 > 128; // light ink stands on a dark ground
  root.classList.toggle("onex-on-dark", dark);
  root.classList.toggle("onex-on-light", !dark);
}

/** Draw now, whenever one of the traits changes, and whenever the widget becomes wider or narrower. */
function keepDrawn(model, root, traits, draw) {
  let width = 0;
  const redraw = () => { fitTheme(root); draw(Math.max(240, root.clientWidth - 20)); };
  const resized = new ResizeObserver(() => {
    if (Math.abs(root.clientWidth - width) > 1) {
      width = root.clientWidth;
      redraw();
    }
  });
  const themed = new MutationObserver(() => fitTheme(root));
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  const events = traits.map((trait) => `change:${trait}`);
  for (const event of events) model.on(event, redraw);
  width = root.clientWidth;
  redraw();
  resized.observe(root);
  return () => {
    resized.disconnect();
    themed.disconnect();
    for (const event of events) model.off(event, redraw);
  };
}

/** The numbers that came as bytes. */
function floats(view) {
  if (!view || !view.byteLength) return new Float64Array(0);
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  return new Float64Array(bytes);
}

function integers(view) {
  if (!view || !view.byteLength) return new Int32Array(0);
  return new Int32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** Take a pointer until it is let go. */
function dragged(target, begin, move, end) {
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || begin(event) === false) return;
    event.preventDefault();
    target.setPointerCapture(event.pointerId);
    const moved = (next) => { if (next.pointerId === event.pointerId) move(next); };
    const done = (last) => {
      if (last.pointerId !== event.pointerId) return;
      for (const [name, listener] of [["pointermove", moved], ["pointerup", done], ["pointercancel", done]]) {
        target.removeEventListener(name, listener);
      }
      end(last, last.type === "pointercancel");
    };
    for (const [name, listener] of [["pointermove", moved], ["pointerup", done], ["pointercancel", done]]) {
      target.addEventListener(name, listener);
    }
  });
}
