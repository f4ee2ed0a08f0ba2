// The page of a server: models are tried on it, and it shows how the server fares. What comes from the server is only ever put
// into text nodes and values, never read as HTML; where a bar ends is set by the script, as the page's policy allows no style in HTML.

const $ = (id) => document.getElementById(id);
const DIGIT_SIDE = 280;
const [POLL, LONGEST_POLL] = [2000, 30000];
const TOP = 10;

let models = [];
let status = null;
let model = null;
let panel = null;

function h(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null) continue;
    if (name === "class") node.className = value;
    else if (name === "vars") for (const [key, to] of Object.entries(value)) node.style.setProperty(`--${key}`, to);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.flat(2).filter(Boolean));
  return node;
}

const list = (items) => (items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`);
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
const spoken = (name) => name.replaceAll("_", " ");
// Columns keep their names, as a program has to give them.
const titled = (name) => (model.input.kind === "row" ? name : spoken(name));
const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;
const whole = (count) => Math.round(count).toLocaleString("en");
const tidy = (value) => Number(value.toPrecision(7));

function number(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) return value.toExponential(3);
  return value.toLocaleString("en", size >= 1e5 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 5 }).replace("-", "−");
}

function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  if (share < 1 && share >= 0.9995) return "> 99.9 %";
  return `${(share * 100).toFixed(share === 1 || share === 0 ? 0 : 1)} %`;
}

function milliseconds(value) {
  if (typeof value !== "number") return "–";
  const [inUnit, unit] = value < 1000 ? [value, "ms"] : [value / 1000, "s"];
  return `${inUnit.toLocaleString("en", { maximumSignificantDigits: inUnit < 100 ? 2 : 3 })} ${unit}`;
}

function duration(seconds) {
  const units = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const place = Math.max(0, seconds < 1 ? 3 : units.findIndex(([length]) => seconds >= length));
  const [length, name] = units[place];
  const rest = place < 2 ? Math.floor((seconds % length) / units[place + 1][0]) : 0;
  return plural(Math.floor(seconds / length), name) + (rest > 0 ? ` ${plural(rest, units[place + 1][1])}` : "");
}

const bytes = (count) => (count ? ` · ${number(Number((count / 2 ** 20).toPrecision(3)))} MiB` : "");
const shape = (sides) => sides.join(" × ");
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Puts nodes into a place, but only where what they show has changed, so that nobody loses their place in it. */
const shown = new Map();
function update(id, state, make) {
  const key = JSON.stringify(state);
  if (shown.get(id) === key) return;
  shown.set(id, key);
  const open = new Set([...$(id).querySelectorAll("details[open]")].map((node) => node.dataset.key));
  const reached = () => [...$(id).querySelectorAll("a, summary")];
  const at = reached().indexOf(document.activeElement);
  $(id).replaceChildren(...[make()].flat(2).filter(Boolean));
  for (const node of $(id).querySelectorAll("details")) node.open = open.has(node.dataset.key);
  reached()[at]?.focus({ preventScroll: true });
}

// Requests.

/** Sends the latest of what is asked, after a delay and one request at a time: of what comes meanwhile only the last is sent. */
function live(delay, send) {
  let [timer, busy, again] = [null, false, false];
  const run = async () => {
    timer = null;
    again = busy;
    if (busy) return;
    busy = true;
    await send();
    busy = false;
    if (again) ask();
  };
  // The time is not begun anew, so that answers come while somebody draws on and on.
  const ask = () => { timer ??= setTimeout(run, delay); };
  const stop = () => {
    clearTimeout(timer);
    timer = null;
    again = false;
  };
  panel.signal.addEventListener("abort", stop);
  return { ask, stop };
}

async function post(path, type, body, signal) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "content-type": type }, body, signal });
  } catch (error) {
    throw signal.aborted ? error : new Error("The server cannot be reached.");
  }
  if (response.ok) return response;
  const problem = await response.json().then((said) => said.error, () => null);
  throw new Error(typeof problem === "string" && problem ? sentence(problem) : `The server answered with status ${response.status}.`);
}

const path = (ending) => `/v1/models/${encodeURIComponent(model.name)}${ending}`;

/** Asks the model and shows what it says. `sample` gives a type and a body, or nothing if there is nothing to ask. */
async function classify(sample) {
  const of = panel;
  const asked = await sample();
  if (of !== panel) return;
  if (!asked) return showNothing();
  const begun = performance.now();
  try {
    const response = await post(path("/classify"), asked[0], asked[1], of.signal);
    const said = await response.json();
    if (of !== panel || of.signal.aborted || !of.asks()) return;
    showAnswer(said, performance.now() - begun);
    if (model.explains) offerWhy(asked, of);
  } catch (error) {
    if (of === panel && !of.signal.aborted) showProblem(error.message);
  }
}

// Answers.

let saying;
function say(text) {
  clearTimeout(saying);
  // While somebody draws or types, answers come faster than they can be read out.
  saying = setTimeout(() => { $("said").textContent = text; }, 700);
}

function answer(state, ...nodes) {
  const place = $("answer");
  place.dataset.state = state;
  if (state === "answered") place.dataset.count = Number(place.dataset.count) + 1;
  const all = [h("h2", {}, "Answer"), ...nodes.flat().filter(Boolean)];
  // Bars that are there stay, so that they grow from where they were.
  const kept = all.findIndex((node) => node.parentNode === place);
  if (kept < 0) return place.replaceChildren(...all);
  for (const node of [...place.children]) if (node !== all[kept]) node.remove();
  all[kept].before(...all.slice(0, kept));
  all[kept].after(...all.slice(kept + 1));
}

function showNothing() {
  say("");
  answer("empty", h("p", { class: "hint" }, panel.hint));
}

function showProblem(text) {
  clearTimeout(saying);
  $("said").textContent = "";
  answer("problem", h("p", { class: "notice bad", role: "alert" }, text));
}

function showAnswer(said, took) {
  const notes = said.notes?.length > 0 && h("p", { class: "caption" }, `What was done to the ${model.input.kind}: ${said.notes.join("; ")}.`);
  const by = h("p", { class: "caption by" }, `Version ${said.version} answered in ${milliseconds(took)}.`);
  if (said.values) {
    const [first, ...others] = said.values;
    answer("answered", headline(number(first.value), titled(first.name)), interval(first.value, said.interval),
      others.length > 0 && facts(others.map(({ name, value }) => [titled(name), number(value)])), notes, by);
    const within = said.interval ? `, interval ${said.interval.map(number).join(" to ")}` : "";
    return say(`${titled(first.name)}: ${number(first.value)}${within}`);
  }
  const probabilities = said.probabilities ?? [];
  const old = { list: $("answer").querySelector("ol.bars"), open: $("answer").querySelector("details")?.open ?? false };
  const probability = probabilities.find((each) => each.class === said.class)?.probability;
  const text = said.labels ? list(said.labels) || "No label" : said.class;
  const beside = said.labels?.length === 0 ? "none reaches 50 %" : probability === undefined ? "" : percent(probability);
  answer("answered", headline(text, beside), bars(probabilities, said.labels ?? [said.class], old), notes, by);
  say(`${text}${beside && ", "}${beside}`);
}

// What decided.

/** Below an answer, until another one takes its place. */
function offerWhy(asked, of) {
  const place = h("div", { class: "why" });
  place.append(button("What decided?", () => why(place, asked, of), { id: "why" }));
  $("answer").append(place);
}

async function why(place, [type, body], of) {
  place.replaceChildren(h("p", { class: "hint", role: "status" }, "Looking for what decided…"));
  try {
    const response = await post(path("/explain"), type, body, of.signal);
    const said = await response.json();
    if (of === panel && place.isConnected) place.replaceChildren(...explanation(said));
  } catch (error) {
    if (of === panel && place.isConnected) place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));
  }
}

/** With its sign, and as many decimals as the greatest needs for three digits. */
function signed(value, most) {
  const decimals = Math.min(Math.max(2 - Math.floor(Math.log10(most)), 0), 6);
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(decimals)}`;
}

const side = (value) => (value > 0 ? "for" : value < 0 ? "against" : "");

function explanation(said) {
  const parts = said.words ?? said.columns ?? [];
  const most = Math.max(...parts.map((part) => Math.abs(part.attribution)), 0) || 1;
  const share = (part) => Math.abs(part.attribution) / most;
  const what = said.rather_than ? `${said.class} rather than ${said.rather_than}` : said.class ?? "this value";
  const nodes = [h("h3", {}, `What decided for ${what}`)];
  if (said.picture) nodes.push(h("img", { class: "overlay", src: said.picture, alt: "The picture, coloured where it spoke for the answer or against it" }));
  if (said.words) {
    // Less than that is not seen.
    const word = (each) => (share(each) < 0.03 ? each.word
      : h("span", { class: side(each.attribution), title: signed(each.attribution, most), vars: { v: `${share(each) * 100}%` } }, each.word));
    nodes.push(h("p", { class: "attributed" }, said.words.map((each) => [word(each), " "])));
  }
  if (said.columns) {
    const ordered = [...said.columns].sort((one, other) => Math.abs(other.attribution) - Math.abs(one.attribution));
    const row = (each) => h("li", {}, h("span", {}, titled(each.column)),
      h("i", { class: side(each.attribution), "aria-hidden": "true", vars: { v: `${share(each) * 50}%` } }), h("span", { class: "number" }, signed(each.attribution, most)));
    nodes.push(h("ol", { class: "bars named sides" }, ordered.slice(0, TOP).map(row)));
    const rest = ordered.slice(TOP);
    if (rest.length > 0) nodes.push(h("p", { class: "caption" }, `${plural(rest.length, "more column")}: ${signed(rest.reduce((sum, each) => sum + each.attribution, 0), most)} together.`));
  }
  nodes.push(h("ul", { class: "key" }, h("li", {}, h("span", { class: "for" }), "spoke for it"), h("li", {}, h("span", { class: "against" }), "spoke against it")));
  nodes.push(h("p", { class: "caption" }, `${said.meaning} It is what the model went by, and not whether that is right.`));
  return nodes;
}

function headline(text, beside) {
  const size = text.length <= 3 ? "short" : text.length <= 14 ? "middle" : "";
  return h("p", { class: "headline" }, h("b", { class: size, id: "answer-class" }, text), beside && h("span", {}, beside));
}

function interval(value, ends) {
  if (!ends) return null;
  const [low, high] = ends;
  const [from, to] = [Math.min(low, value), Math.max(high, value)];
  const room = (to - from) * 0.35 || 1;
  const at = (point) => `${((point - from + room) / (to - from + 2 * room)) * 100}%`;
  const wide = `${((high - low) / (to - from + 2 * room)) * 100}%`;
  return h("div", { class: "interval" }, h("div", { "aria-hidden": "true", vars: { from: at(low), wide, at: at(value) } }),
    h("p", {}, `Interval: ${number(low)} to ${number(high)}`));
}

/** Few classes keep their places, so that their bars can be watched; of many the most probable come first. */
function bars(probabilities, chosen, old) {
  const few = probabilities.length <= TOP;
  const rank = (each) => model.classes.indexOf(each.class);
  const top = few ? [...probabilities].sort((one, other) => rank(one) - rank(other)) : probabilities.slice(0, TOP);
  const others = few ? [] : probabilities.slice(TOP);
  const names = JSON.stringify(top.map((each) => each.class));
  const ordered = old.list?.dataset.names === names ? old.list : h("ol", { class: top.some((each) => each.class.length > 2) ? "bars named" : "bars", "data-names": names },
    top.map((each) => h("li", {}, h("span", {}, each.class), h("i", { "aria-hidden": "true" }), h("span", { class: "number" }))));
  top.forEach((each, place) => {
    const item = ordered.children[place];
    item.className = chosen.includes(each.class) ? "top" : "";
    item.children[1].style.setProperty("--v", `${each.probability * 100}%`);
    item.children[2].textContent = percent(each.probability);
  });
  if (!others.length) return ordered;
  const most = others.slice(0, 490);
  const left = others.length > most.length && h("p", { class: "caption" }, `And ${whole(others.length - most.length)} less probable ones.`);
  const rows = most.map((each) => [each.class, cell(percent(each.probability))]);
  return [ordered, h("details", { open: old.open }, h("summary", {}, plural(others.length, "other class", "other classes")), table("plain", ["Class", "#Probability"], rows), left)];
}

/** `heads` are names of columns, a number's with a `#` before it. */
const table = (kind, heads, rows) => h("table", { class: kind },
  h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col", class: name[0] === "#" ? "number" : null }, name.replace("#", ""))))),
  h("tbody", {}, rows.map(([first, ...cells]) => h("tr", {}, h("th", { scope: "row" }, first), cells))));
const cell = (text) => h("td", { class: "number" }, text);

const facts = (lines) => h("dl", { class: "facts" }, lines.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))));

// Panels.

function begin(hint) {
  const controller = new AbortController();
  panel = { hint, signal: controller.signal, close: () => controller.abort(), asks: () => true };
  return panel;
}

const curl = (ending, type, body, option = "--data-raw") => `curl ${quoted(location.origin + path(ending))} -H 'content-type: ${type}' ${option} ${body}`;
const button = (text, press, properties) => h("button", { type: "button", onclick: press, ...properties }, text);

const png = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

function picturePanel({ channels, height, width, form }) {
  // Digits are drawn in light ink on dark, as those of MNIST are.
  const draws = form === "digit";
  const digits = model.classes.length > 0 && model.classes.every((name) => /^\d$/.test(name));
  const of = begin(draws ? "It appears here while you draw." : "It appears here once there is a picture.");
  let strokes = [];
  let stroke = null;
  let picture = null;
  let address = null;

  const { ask, stop } = live(100, () => classify(sample));
  const canvas = draws && h("canvas", { id: "canvas", width: 2 * DIGIT_SIDE, height: 2 * DIGIT_SIDE, role: "img", "aria-label": "Canvas to draw on; by keyboard, choose a picture instead" });
  const prompt = h("p", { class: draws ? "" : "empty" }, draws ? `Draw ${digits ? "a digit" : "here"}` : "Choose, drop or paste a picture");
  const frame = h("div", { class: "frame" }, canvas, prompt);
  const undo = draws && button("Undo", takeBack, { id: "undo" });
  const clear = button("Clear", wipe, { id: "clear" });
  const file = h("input", { type: "file", accept: "image/*", id: "file", onchange: () => { take(file.files[0]); file.value = ""; } });
  const save = draws && button("Save the drawing as digit.png", keep, { id: "save" });

  function paint(on, ink, ground) {
    const context = on.getContext("2d");
    const side = on.width;
    context.fillStyle = ground;
    context.fillRect(0, 0, side, side);
    context.strokeStyle = ink;
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = side * 0.075;
    // A soft edge, as a pen's in a scanned picture.
    context.shadowColor = ink;
    context.shadowBlur = side * 0.022;
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(points[0][0] * side, points[0][1] * side);
      // Through the middles between the points, so that it has no corners; a point alone is a dot.
      points.forEach(([x, y], place) => {
        const [next, below] = points[place + 1] ?? [x + 1e-4, y];
        context.quadraticCurveTo(x * side, y * side, ((x + next) / 2) * side, ((y + below) / 2) * side);
      });
      context.stroke();
    }
    context.shadowBlur = 0;
  }

  function show() {
    if (draws) {
      paint(canvas, "#fbf4ea", "#16110e");
      undo.disabled = save.disabled = !strokes.length;
    }
    clear.disabled = !strokes.length && !picture;
    prompt.hidden = !clear.disabled;
    showCommand();
  }

  /** The drawing in black and white, always of one size. */
  async function drawn() {
    const plain = h("canvas", { width: DIGIT_SIDE, height: DIGIT_SIDE });
    paint(plain, "#fff", "#000");
    return png(plain);
  }

  async function sample() {
    if (picture) return [picture.type, picture];
    return strokes.length ? ["image/png", await drawn()] : null;
  }

  function takeBack() {
    strokes.pop();
    show();
    ask();
  }

  function wipe() {
    strokes = [];
    forget();
    show();
    stop();
    showNothing();
    file.focus({ preventScroll: true });
  }

  function forget() {
    picture = null;
    if (address) URL.revokeObjectURL(address);
    address = null;
    frame.querySelector("img")?.remove();
  }

  async function keep() {
    const link = h("a", { href: URL.createObjectURL(await drawn()), download: "digit.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async function take(given) {
    if (!given) return;
    let sent = given;
    if (!["image/png", "image/jpeg"].includes(given.type)) {
      // A browser reads more kinds of pictures than the server.
      try {
        const bitmap = await createImageBitmap(given);
        const plain = h("canvas", { width: bitmap.width, height: bitmap.height });
        plain.getContext("2d").drawImage(bitmap, 0, 0);
        sent = new File([await png(plain)], "picture.png", { type: "image/png" });
      } catch {
        return showProblem("That file is no picture; PNG and JPEG can be read.");
      }
    }
    if (of !== panel) return;
    strokes = [];
    forget();
    picture = sent;
    address = URL.createObjectURL(sent);
    const preview = h("img", { class: draws ? "preview dark" : "preview cover", src: address, alt: `The picture ${given.name}`, draggable: false });
    preview.style.aspectRatio = `${width} / ${height}`;
    frame.append(preview);
    show();
    ask();
  }

  if (draws) {
    const point = (event) => {
      const edge = canvas.getBoundingClientRect();
      return [(event.clientX - edge.left) / edge.width, (event.clientY - edge.top) / edge.height];
    };
    let painting = 0;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || stroke) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      if (picture) forget();
      stroke = { id: event.pointerId, points: [point(event)] };
      strokes.push(stroke.points);
      show();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (stroke?.id !== event.pointerId) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) stroke.points.push(point(each));
      painting ||= requestAnimationFrame(() => {
        painting = 0;
        paint(canvas, "#fbf4ea", "#16110e");
      });
      ask();
    });
    const end = (event) => {
      if (stroke?.id === event.pointerId) stroke = null;
      show();
      ask();
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    document.addEventListener("keydown", (event) => {
      if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || undo.disabled) return;
      event.preventDefault();
      takeBack();
    }, { signal: of.signal });
  }
  document.addEventListener("paste", (event) => {
    const given = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (given) take(given);
  }, { signal: of.signal });
  const over = (on) => $("try").classList.toggle("over", on);
  document.addEventListener("dragover", (event) => { event.preventDefault(); over(true); }, { signal: of.signal });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); }, { signal: of.signal });
  document.addEventListener("drop", (event) => { event.preventDefault(); over(false); take(event.dataTransfer.files[0]); }, { signal: of.signal });
  of.signal.addEventListener("abort", () => { forget(); over(false); });

  const how = draws ? "Or drop or paste a picture of one, dark on light or light on dark."
    : `Its middle is taken, as shown, and made ${shape([width, height])} pixels${channels === 1 ? ", grey" : ""}.`;
  $("ask").replaceChildren(frame, h("div", { class: "buttons" }, undo, clear, h("label", { class: "button" }, "Choose a picture", file)), h("p", { class: draws ? "caption how" : "caption" }, how));
  of.asks = () => strokes.length > 0 || Boolean(picture);
  of.command = () => {
    const name = picture?.name ?? (draws ? "digit.png" : "picture.jpg");
    return curl("/classify", picture?.type ?? (draws ? "image/png" : "image/jpeg"), quoted(`@${name}`), "--data-binary");
  };
  of.beside = save;
  show();
  showNothing();
}

function textPanel() {
  const of = begin("It appears here while you type.");
  const { ask } = live(300, () => classify(() => (of.asks() ? ["text/plain; charset=utf-8", text.value] : null)));
  const text = h("textarea", { id: "text", rows: 9, spellcheck: false, oninput: () => { ask(); showCommand(); } });
  const clear = button("Clear", () => { text.value = ""; text.focus(); ask(); showCommand(); }, { id: "clear" });
  $("ask").replaceChildren(h("label", { class: "name", htmlFor: "text" }, "A text to be classified"), text, h("div", { class: "buttons" }, clear));
  of.asks = () => text.value.trim() !== "";
  of.command = () => curl("/classify", "text/plain", quoted(text.value || "A text."));
  of.wide = true;
  showNothing();
}

function rowPanel({ columns }) {
  const of = begin("It appears here once the row is filled.");
  const { ask } = live(120, () => classify(() => ["application/json", JSON.stringify(row())]));
  const row = () => Object.fromEntries(fields.map(({ name, value }) => [name, value()]));
  const changed = () => { ask(); showCommand(); };
  const fields = columns.map((column, place) => field(column, `column-${place}`, changed));
  const all = (set) => () => { fields.forEach((each) => each[set]()); changed(); };
  $("ask").replaceChildren(h("div", { class: "fields" }, fields.map(({ node }) => node)),
    h("div", { class: "buttons" }, button("Usual values", all("reset")), button("Empty", all("empty"))));
  of.command = () => curl("/classify", "application/json", quoted(JSON.stringify(row())));
  of.wide = true;
  showNothing();
  all("reset")();
}

/** A column's input: `value` gives what is in it, `null` where it is missing. */
function field({ name, kind, lowest, highest, usual, values }, id, changed) {
  const label = h("label", { class: "name", htmlFor: id }, name);
  const known = (value) => typeof value === "number";
  if (kind === "category") {
    // The value of an option is its place, as a category may be an empty text.
    const select = h("select", { id, "data-column": name, onchange: changed }, h("option", { value: "" }, "(missing)"),
      values.map((value, place) => h("option", { value: place }, value === "" ? "(empty)" : value)));
    const set = (to) => () => { select.value = to; };
    return { name, node: h("div", { class: "field" }, label, select), reset: set(values.length ? "0" : ""), empty: set(""),
      value: () => (select.value === "" ? null : values[select.value]) };
  }
  const hint = h("p", { class: "caption", id: `${id}-hint` });
  const type = kind === "number" ? "number" : kind === "date" ? "date" : "text";
  const input = h("input", { id, type, "data-column": name, "data-kind": kind, "aria-describedby": hint.id, autocomplete: "off", oninput: () => { checked(); changed(); } });
  if (kind === "number") { input.step = "any"; input.inputMode = "decimal"; }
  const ranged = kind === "number" && known(lowest) && known(highest) && lowest < highest;
  const range = ranged ? `${number(lowest)} to ${number(highest)}` : "";
  let slider = null;
  if (ranged) {
    const countable = [lowest, highest, usual ?? lowest].every(Number.isInteger) && highest - lowest >= 2;
    const step = countable ? 1 : tidy(10 ** Math.floor(Math.log10((highest - lowest) / 100)));
    // A keyboard has the field; the slider is for a hand.
    slider = h("input", { type: "range", tabIndex: -1, "aria-label": `${name}, slider`, min: tidy(lowest), max: tidy(highest), step,
      oninput: () => { input.value = tidy(slider.valueAsNumber); checked(); changed(); } });
  }
  function checked() {
    const value = type === "number" ? input.valueAsNumber : NaN;
    const outside = ranged && !Number.isNaN(value) && (value < tidy(lowest) || value > tidy(highest));
    const wrong = input.validity.badInput;
    hint.classList.toggle("outside", outside || wrong);
    hint.textContent = wrong ? "This is no number." : outside ? `Outside of ${range}` : input.value === "" ? "Missing" : ranged ? `${range} in training` : "";
    if (slider && !Number.isNaN(value)) slider.value = value;
  }
  const set = (to) => () => { input.value = to; checked(); };
  const middle = known(usual) ? tidy(usual) : ranged ? tidy((lowest + highest) / 2) : "";
  return { name, node: h("div", { class: "field" }, label, input, slider, hint), empty: set(""),
    // In Sweden a date is written as in ISO 8601.
    reset: set(kind === "date" ? new Date().toLocaleDateString("sv") : kind === "number" ? middle : ""),
    value: () => (input.value === "" ? null : kind === "number" ? input.valueAsNumber : input.value) };
}

function writingPanel() {
  const of = begin("The text appears here word by word. An empty beginning is allowed.");
  let writing = null;
  const fields = { id: "prompt", rows: 3, oninput: showCommand, onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) write(); } };
  const prompt = h("textarea", fields);
  const most = h("input", { id: "most", type: "number", min: 1, max: 4096, step: 1, value: 60, required: true, oninput: showCommand });
  const heat = h("input", { id: "temperature", type: "range", min: 0.1, max: 1.5, step: 0.1, value: 0.8, oninput: heated });
  const hot = h("p", { class: "caption" });
  const start = button("Write", write, { id: "write", class: "main" });
  const stop = button("Stop", () => writing?.abort(), { id: "stop", disabled: true });
  const body = () => ({ prompt: prompt.value, max_tokens: most.valueAsNumber || 60, temperature: heat.valueAsNumber, stream: true });

  function heated() {
    const value = heat.valueAsNumber;
    hot.textContent = `${value.toFixed(1)}: ${value < 0.6 ? "mostly the likeliest words" : value > 1 ? "many surprising words" : "likely words, some surprise"}`;
    showCommand();
  }

  async function write() {
    if (writing || !most.reportValidity()) return;
    const { signal } = writing = new AbortController();
    start.disabled = true;
    stop.disabled = false;
    const text = h("div", { class: "written busy", id: "written" });
    const meta = h("p", { class: "caption by", id: "written-by" }, "Writing …");
    answer("writing", text, meta);
    const begun = performance.now();
    let tokens = 0;
    let ended = false;
    const end = (told) => {
      meta.textContent = told;
      $("answer").dataset.state = "answered";
      $("answer").dataset.count = Number($("answer").dataset.count) + 1;
      say(text.textContent);
    };
    try {
      const response = await post(path("/generate"), "application/json", JSON.stringify(body()), signal);
      for await (const { error, done, text: word, tokens: count } of events(response.body)) {
        if (error !== undefined) throw new Error(sentence(String(error)));
        tokens = count ?? tokens;
        ended = Boolean(done);
        if (ended) break;
        // The text begins with the prompt, as the model reads it.
        const first = !text.hasChildNodes() && word.trim() && prompt.value.trim().toLowerCase() === word.trim().toLowerCase();
        text.append(first ? h("span", {}, word) : word);
        tokens += first || !word ? 0 : 1;
      }
      if (!ended) throw new Error("The connection ended before the text did.");
      const seconds = (performance.now() - begun) / 1000;
      end(`${plural(tokens, "token")} in ${seconds.toFixed(1)} s, ${whole(tokens / Math.max(seconds, 0.001))} per second.`);
    } catch (error) {
      if (of.signal.aborted) return;
      if (signal.aborted) {
        end(`Stopped after ${plural(tokens, "token")}.`);
      } else if (text.hasChildNodes()) {
        meta.replaceWith(h("p", { class: "notice bad", role: "alert" }, error.message));
        $("answer").dataset.state = "problem";
      } else {
        showProblem(error.message);
      }
    }
    if (of.signal.aborted) return;
    writing = null;
    text.classList.remove("busy");
    start.disabled = false;
    stop.disabled = true;
    if (document.activeElement === document.body) start.focus({ preventScroll: true });
  }

  $("ask").replaceChildren(h("label", { class: "name", htmlFor: "prompt" }, "The beginning of a text"), prompt,
    h("div", { class: "fields settings" },
      h("div", { class: "field" }, h("label", { class: "name", htmlFor: "most" }, "Tokens at most"), most),
      h("div", { class: "field" }, h("label", { class: "name", htmlFor: "temperature" }, "Temperature"), heat, hot)),
    h("div", { class: "buttons" }, start, stop));
  of.signal.addEventListener("abort", () => writing?.abort());
  of.command = () => curl("/generate", "application/json", quoted(JSON.stringify(body())), "--no-buffer --data-raw");
  of.whole = true;
  heated();
  showNothing();
}

/** Server-sent events, each as the JSON in it. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest = (rest + (value ?? "")).replaceAll("\r\n", "\n");
      const parts = rest.split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const data = part.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
        if (data.length) yield JSON.parse(data.join("\n"));
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function valuesPanel(input) {
  const of = begin("");
  const sides = input.shape.map((side) => (side > 0 ? side : 1));
  const size = sides.reduce((product, side) => product * side, 1);
  of.command = () => {
    if (size > 60) {
      const zeros = sides.reduceRight((inner, side) => `[${inner}]*${side}`, "0.0");
      return `python3 -c 'import json; print(json.dumps({"instances": [${zeros}]}))' |\n  ${curl(":predict", "application/json", "@-", "--data-binary")}`;
    }
    const zeros = sides.reduceRight((inner, side) => Array(side).fill(inner), 0);
    return curl(":predict", "application/json", quoted(JSON.stringify({ instances: [zeros] })));
  };
  $("ask").replaceChildren(h("p", {}, "A program sends such samples; this command sends zeros:"),
    commandBox(of.command(), "command-values"));
  of.whole = of.silent = true;
}

// From a program.

function commandBox(text, id) {
  const box = h("pre", { class: "command", tabIndex: 0, id, "aria-label": "Command" }, text);
  const told = h("span", { role: "status" });
  const copy = async () => {
    getSelection().selectAllChildren(box);
    // The clipboard is only there on HTTPS and on this machine.
    const copied = document.execCommand("copy") || await navigator.clipboard?.writeText(box.textContent).then(() => true, () => false);
    if (copied) getSelection().removeAllRanges();
    told.textContent = copied ? "Copied." : "It is selected.";
  };
  return h("div", {}, box, h("div", { class: "buttons" }, button("Copy", copy), told));
}

function showCommand() {
  const text = panel.command?.() ?? "";
  const box = $("command");
  if (box) { if (box.textContent !== text) box.textContent = text; return; }
  const shown = commandBox(text, "command");
  if (panel.beside) shown.lastChild.append(panel.beside);
  $("program-body").replaceChildren(shown,
    h("p", { class: "caption" }, "Requests of many samples, other protocols and metrics: ",
      h("a", { href: "/openapi.json" }, "/openapi.json"), "."));
}

// The selected model.

function leadOf({ input, answers, classes }) {
  if (answers === "text") return "Goes on from the beginning of a text, word by word.";
  const takes = {
    picture: () => (input.form === "digit" ? "picture, finds the digit in it" : `picture in ${input.channels === 1 ? "grey" : "colour"}`),
    text: () => "text",
    row: () => `row of ${plural(input.columns.length, "column")}`,
    values: () => (input.shape.length ? `sample of ${shape(input.shape)} numbers` : "number"),
  }[input.kind]();
  const names = classes.length <= 4 && classes.every((name) => name.length <= 20) ? `: ${list(classes.map((name) => `“${name}”`))}` : "";
  const says = {
    classes: `says which of ${plural(classes.length, "class", "classes")} it is${names}`,
    labels: `says which of ${plural(classes.length, "label")} apply${names}`,
  }[answers] ?? "answers with a number";
  return `Takes a ${takes} and ${says}.`;
}

/** Of a panel: it stays as it is for another version that takes and gives the same. */
const kindOf = ({ name, input, answers, classes }) => JSON.stringify([name, input, answers, classes]);

function select(next) {
  const same = model && kindOf(model) === kindOf(next);
  model = next;
  document.title = `${model.name} · Fireclay serve`;
  $("name").textContent = model.name;
  $("name").className = model.name.length > 28 ? "long" : "";
  $("lead").textContent = leadOf(model);
  $("about").replaceChildren("Model", h("span", {}, ` · version ${model.version}`));
  showModels();
  showCard();
  showStatus();
  if (same) return;
  panel?.close();
  $("said").textContent = "";
  $("program-body").replaceChildren();
  const open = { picture: picturePanel, text: textPanel, row: rowPanel, values: valuesPanel }[model.input.kind];
  model.answers === "text" ? writingPanel() : open(model.input);
  $("try").className = `try${panel.wide ? " wide" : ""}${panel.whole ? " whole" : ""}`;
  $("answer").hidden = $("program").hidden = Boolean(panel.silent);
  showCommand();
  $("main").dataset.model = model.name;
}

const selected = () => {
  let name = location.hash.slice(1);
  try { name = decodeURIComponent(name); } catch { /* It stays as it is. */ }
  return models.find((each) => each.name === name);
};

const warns = (name) => Boolean(status?.models.find((each) => each.name === name)?.versions.some((each) => each.drift?.warning));

function showModels() {
  $("layout").classList.toggle("single", models.length < 2);
  const names = models.map(({ name }) => [name, name === model.name, warns(name)]);
  update("model-list", names, () => names.map(([name, current, warned]) => h("li", {},
    h("a", { href: `#${encodeURIComponent(name)}`, "aria-current": current ? "page" : null }, name), warned && h("small", {}, "drift"))));
  update("model-select", names, () => names.map(([name, current, warned]) => h("option", { value: name, selected: current }, name + (warned ? " (drift)" : ""))));
}

function showCard() {
  update("card", model.card, () => (model.card.length ? facts(model.card) : h("p", {}, "Its file says nothing of it.")));
  const share = status?.models.find((each) => each.name === model.name)?.canary_share ?? null;
  update("versions", [model.versions, share], () => {
    const rows = model.versions.map(({ version, state, labels, problem }) => [String(version),
      h("td", {}, h("span", { class: `dot ${state}`, "aria-hidden": "true" }), state, problem && h("small", {}, h("br"), sentence(problem))),
      h("td", {}, labels.map((label) => h("span", { class: "tag" }, label)))]);
    const canary = share !== null && h("p", { class: "caption" }, `The canary answers ${number(share * 100)} % of the requests that name no version.`);
    return [table("", ["Version", "State", "Label"], rows), canary];
  });
}

// The status.

const CODES = { 200: "answered", 400: "bad request", 408: "too slow", 413: "too large", 429: "too many", 499: "client left", 500: "failed", 503: "not ready" };

const codes = (requests) => Object.entries(requests).map(([code, count]) => `${whole(count)} ${CODES[code] ?? ""} (${code})`).join(", ");
const total = (requests) => Object.values(requests).reduce((sum, count) => sum + count, 0);
const versionOf = ({ version, labels }) => `Version ${version}${labels.length ? `, ${list(labels)}` : ""}`;

function showStatus() {
  if (!status || !model) return;
  const mine = status.models.find((each) => each.name === model.name);
  const versions = mine?.versions ?? [];
  update("load", [model.name, versions.map(({ drift, ...rest }) => rest)], () => load(versions));
  update("drift", [model.name, versions.map(({ version, labels, drift }) => [version, labels, drift])], () => driftOf(versions));
}

function load(versions) {
  if (!versions.length) return h("p", {}, "No version has answered yet.");
  const measures = (each) => [
    ["Requests", whole(total(each.requests)), codes(each.requests)],
    ["Samples", whole(each.samples), ""],
    ["Waiting", whole(each.waiting), "samples"],
    ["Mean batch", each.batch_mean === null ? "–" : number(each.batch_mean), "samples"],
    ["Latency, median", milliseconds(each.latency_ms.p50), ""],
    ["Latency, 99 %", milliseconds(each.latency_ms.p99), "of requests are faster"],
  ];
  if (versions.length === 1) {
    return h("dl", { class: "tiles" }, measures(versions[0]).map(([name, value, more]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, h("strong", {}, value), more && h("small", {}, more)))));
  }
  const names = measures(versions[0]).map(([name]) => `#${name}`);
  const rows = versions.map((each) => [versionOf(each), measures(each).map(([name, value]) => h("td", { class: "number", "data-name": name }, value))]);
  return [table("stacks", ["Version", ...names], rows),
    versions.map((each) => total(each.requests) > 0 && h("p", { class: "caption" }, `Requests of version ${each.version}: ${codes(each.requests)}.`))];
}

function driftOf(versions) {
  const parts = versions.flatMap((each) => [versions.length > 1 && h("h3", {}, versionOf(each)), ...driftOfVersion(each)]);
  const explained = h("p", { class: "caption" }, "The population stability index (PSI) compares how a value is distributed in the latest requests and in the training. Below 0.1 there is little change, above 0.25 there is much, and the answers may then be worse than they were in the test. What is tried on this page counts, too.");
  return [...parts, versions.some(({ drift }) => drift) && explained];
}

function driftOfVersion({ version, drift }) {
  if (!drift) return [h("p", {}, "Drift is not measured: the model's file has no reference distributions of its training data.")];
  const rows = drift.inputs.map((each) => ({ ...each, title: titled(each.name) }));
  if (drift.confidence) rows.unshift({ ...drift.confidence, title: titled(drift.confidence.name ?? "confidence") });
  if (drift.predictions?.classes.length) rows.unshift({ title: "predicted class", psi: drift.predictions.psi, classes: drift.predictions.classes });
  const much = rows.filter((each) => each.psi > drift.limit);
  // Of many, those come first that changed most.
  if (rows.length > 12) rows.sort((one, other) => other.psi - one.psi);
  const of = (some) => table("stacks", ["Measure", "#PSI", "Change", "#In training", "#Now"], some.map(row));
  const spread = (mean, deviation) => number(mean) + (typeof deviation === "number" ? ` ± ${number(deviation)}` : "");
  const row = (each) => {
    const [now, before] = each.classes ? largest(each.classes) : [spread(each.mean, each.deviation), spread(each.reference_mean, each.reference_deviation)];
    const over = each.psi > drift.limit;
    return [each.title,
      h("td", { class: `number${over ? " much" : ""}`, "data-name": "PSI" }, h("span", { class: "meter", "aria-hidden": "true", vars: { v: `${Math.min(each.psi / drift.limit / 2, 1) * 100}%` } }), each.psi.toFixed(2)),
      h("td", { class: over ? "much" : "", "data-name": "Change" }, over ? "much" : each.psi >= 0.1 ? "some" : "little"),
      h("td", { class: "number", "data-name": "In training" }, before), h("td", { class: "number", "data-name": "Now" }, now)];
  };
  const all = [of(rows.slice(0, 12)), rows.length > 12 && h("details", { "data-key": `rows ${version}` }, h("summary", {}, plural(rows.length - 12, "other measure")), of(rows.slice(12))),
    drift.predictions && shares(drift.predictions.classes, version)];
  const samples = plural(drift.samples, "sample");
  if (!drift.enough) {
    const few = drift.samples ? `Only ${samples} came so far, too few to compare with the training.` : "No sample came so far.";
    return [h("p", {}, few), drift.samples > 0 && h("details", { "data-key": `few ${version}` }, h("summary", {}, "The values all the same"), all)];
  }
  const names = list([...much.slice(0, 5).map((each) => `${each.title} (${each.psi.toFixed(2)})`), ...(much.length > 5 ? [`${much.length - 5} others`] : [])]);
  const judged = drift.warning
    ? h("p", { class: "notice bad" }, h("strong", {}, "Drift. "), `The last ${samples} differ much from the training: above ${drift.limit} ${much.length === 1 ? "is" : "are"} ${names || "some measures"}.`)
    : h("p", {}, `The last ${samples} are distributed much as in the training: no measure is above ${drift.limit}.`);
  return [judged, ...all];
}

const change = (each) => Math.abs(each.share - each.reference_share);

/** Of the classes the one whose share changed most. */
function largest(classes) {
  const most = classes.reduce((one, other) => (change(other) > change(one) ? other : one));
  return [`${most.class}: ${percent(most.share)}`, `${most.class}: ${percent(most.reference_share)}`];
}

function shares(classes, version) {
  const some = classes.length > 20 ? [...classes].sort((one, other) => change(other) - change(one)).slice(0, 20) : classes;
  const rows = some.map((each) => [each.class, cell(percent(each.reference_share)), cell(percent(each.share))]);
  const title = classes.length > some.length ? `Shares of the ${some.length} predicted classes that changed most` : "Shares of the predicted classes";
  return h("details", { "data-key": `shares ${version}` }, h("summary", {}, title), table("plain", ["Class", "#In training", "#Now"], rows));
}

function showState(state, word, more) {
  $("state").dataset.state = state;
  if ($("state-word").textContent !== word) $("state-word").textContent = word;
  $("state-more").textContent = more;
}

// Polling.

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(10000), cache: "no-store" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

let polls = 0;
let wait = POLL;
let timer = null;
let polling = false;

async function poll() {
  if (polling || document.hidden) return;
  polling = true;
  clearTimeout(timer);
  // Versions change more rarely than counts.
  const read = [get("/page/status.json"), polls % 5 === 0 ? get("/page/models.json") : null];
  const [now, fresh] = await Promise.all(read).catch(() => []);
  polling = false;
  polls = now ? polls + 1 : 0;
  wait = now ? POLL : Math.min(wait * 2, LONGEST_POLL);
  timer = setTimeout(poll, wait);
  if (!now) return showState("lost", "Cannot be reached", ` · asked again in ${wait / 1000} s`);
  status = now;
  models = fresh?.models ?? models;
  showState(now.ready ? "ready" : "draining", now.ready ? "Ready" : "Draining", ` · up ${duration(now.uptime_seconds)}${bytes(now.memory_bytes)}`);
  $("layout").hidden = models.length === 0;
  $("trouble").hidden = models.length > 0;
  $("trouble").textContent = "This server serves no model.";
  const next = models.find((each) => each.name === model?.name) ?? selected() ?? models[0];
  if (next) select(next);
}

$("host").textContent = `· ${location.host}`;
$("skip").addEventListener("click", (event) => { event.preventDefault(); $("main").focus(); });
$("model-select").addEventListener("change", (event) => { location.hash = encodeURIComponent(event.target.value); });
addEventListener("hashchange", () => { const next = selected(); if (next && next.name !== model?.name) select(next); });
document.addEventListener("visibilitychange", poll);
poll();
