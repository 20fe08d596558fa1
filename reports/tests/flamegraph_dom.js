// node flamegraph_dom.js FILE.svg: runs the script of a flame graph on as much of a document as it
// uses, clicks, types and looks at what came of it. Exit code 1 and a message where that is wrong.
"use strict";
const fs = require("fs");
const assert = require("assert");

function unescaped(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&amp;/g, "&");
}

class Element {
  constructor(tag, attributes) {
    Object.assign(this, { tag, attributes, children: [], text: "", style: {}, listeners: {} });
    const classes = () => new Set((this.attributes.class || "").split(" ").filter(Boolean));
    const keep = (names) => { this.attributes.class = [...names].join(" "); };
    this.classList = {
      add: (name) => keep(classes().add(name)),
      remove: (name) => { const names = classes(); names.delete(name); keep(names); },
      toggle: (name, on) => (on ? this.classList.add(name) : this.classList.remove(name)),
      contains: (name) => classes().has(name)
    };
  }
  get textContent() { return this.text; }
  set textContent(text) { this.text = text; }
  get viewBox() { return { baseVal: { width: +this.attributes.viewBox.split(" ")[2] } }; }
  getAttribute(name) { return this.attributes[name]; }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  appendChild(child) { this.children.push(child); }
  addEventListener(kind, listener) { this.listeners[kind] = listener; }
  fire(kind) { this.listeners[kind]({}); }
  all() { return this.children.flatMap((child) => [child, ...child.all()]); }
  querySelectorAll(selector) {
    const [tag, name] = selector.split(".");
    return this.all().filter((e) => e.tag === tag && (!name || e.classList.contains(name)));
  }
  querySelector(selector) { return this.querySelectorAll(selector)[0] || null; }
}

/// Our own SVG: well-formed, attributes in double quotes (an XML parser has tested that).
function parse(source) {
  const root = new Element("#document", {});
  const open = [root];
  for (const [, end, tag, attributes, empty, text] of
    source.matchAll(/<(\/?)(\w+)((?:\s+\w+="[^"]*")*)\s*(\/?)>|([^<]+)/g)) {
    if (text !== undefined) { open[open.length - 1].text += unescaped(text); continue; }
    if (end) { open.pop(); continue; }
    const values = {};
    for (const [, name, value] of attributes.matchAll(/(\w+)="([^"]*)"/g)) values[name] = unescaped(value);
    const element = new Element(tag, values);
    open[open.length - 1].children.push(element);
    if (!empty) open.push(element);
  }
  assert.strictEqual(open.length, 1);
  return root.children[0];
}

const file = fs.readFileSync(process.argv[2], "utf8");
const script = file.match(/<script><!\[CDATA\[([^]*)\]\]><\/script>/)[1];
const svg = parse(file.replace(/<\?xml[^>]*>|<style>[^]*?<\/style>|<script>[^]*<\/script>/g, ""));
const byId = (id) => svg.all().find((element) => element.attributes.id === id);
const keys = {};
let typed = null;
new Function("document", "window", script)(
  { documentElement: svg, getElementById: byId, querySelectorAll: (s) => svg.querySelectorAll(s),
    createElementNS: (_, tag) => new Element(tag, {}) },
  { addEventListener: (kind, listener) => { keys[kind] = listener; }, prompt: () => typed });

const panels = svg.querySelectorAll("g.panel").map((panel) => panel.querySelectorAll("g.f"));
const rect = (g) => { const r = g.querySelector("rect"); return { x: +r.getAttribute("x"), y: +r.getAttribute("y"), w: +r.getAttribute("width") }; };
const name = (g) => g.querySelector("title").textContent.split("\n")[0];
const near = (a, b, slack, what) => assert.ok(Math.abs(a - b) < slack, `${what}: ${a}, not ${b}`);
const before = panels.map((frames) => frames.map(rect));
const isAsBefore = () => panels.forEach((frames, p) => frames.forEach((g, i) => {
  assert.deepStrictEqual(rect(g), before[p][i], name(g));
  assert.notStrictEqual(g.style.display, "none");
  assert.ok(!g.classList.contains("p"));
}));

assert.strictEqual(byId("tools").getAttribute("visibility"), "visible");
assert.strictEqual(byId("reset").getAttribute("visibility"), "hidden");
assert.ok(panels.length > 0 && panels.every((frames) => frames.length > 10));

panels.forEach((frames, p) => {
  // Each frame in turn: it and what it calls fill the width, what lies beside it is away.
  const whole = { x: 10, w: svg.viewBox.baseVal.width - 20 };
  for (let i = 1; i < frames.length; i += 1 + Math.floor(frames.length / 40)) {
    const to = before[p][i];
    frames[i].fire("click");
    near(rect(frames[i]).x, whole.x, 0.02, "x of " + name(frames[i]));
    near(rect(frames[i]).w, whole.w, 0.02, "width of " + name(frames[i]));
    const slack = 0.02 + 0.02 * whole.w / to.w;  // positions are written with two decimals
    assert.strictEqual(byId("reset").getAttribute("visibility"), "visible");
    frames.forEach((g, j) => {
      const at = before[p][j];
      const apart = at.x + at.w < to.x + 0.011 || at.x > to.x + to.w - 0.011;
      if (apart && at.w > 0.05) assert.strictEqual(g.style.display, "none", name(g));
      if (g.style.display === "none") return;
      const now = rect(g);
      assert.ok(now.x >= whole.x - slack && now.x + now.w <= whole.x + whole.w + slack, name(g));
      if (at.y > to.y) near(now.w, whole.w, 0.02, "width of a caller, " + name(g));
      else near(now.w, at.w / to.w * whole.w, slack, "width within, " + name(g));
    });
    panels.forEach((others, q) => { if (q > p) others.forEach((g) => assert.notStrictEqual(g.style.display, "none")); });
    if (i % 2) byId("reset").fire("click"); else keys.keydown({ key: "Escape" });
    isAsBefore();
    assert.strictEqual(byId("reset").getAttribute("visibility"), "hidden");
  }
  frames[1].fire("click");
  frames[0].fire("click");  // the whole
  isAsBefore();
});

/// Samples below frames that match, each once, as a part of the whole.
function share(frames, at, pattern) {
  const width = at[0].w;
  const covered = frames.map((g, i) => [name(g), at[i]]).filter(([n]) => pattern.test(n)).map(([, r]) => [r.x, r.x + r.w]);
  covered.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let sum = 0, end = -1;
  for (const [from, to] of covered) { if (to > end + 0.001) { sum += to - Math.max(from, end > from + 0.02 ? end : from); end = to; } }
  return 100 * sum / width;
}

for (const [text, pattern] of [["FUTEX_w", /futex_w/i], ["fuse", /fuse/i], ["nobody calls this", /nobody calls this/], ["(", /\(/]]) {
  typed = text;
  byId("search").fire("click");
  panels.flat().forEach((g) => assert.strictEqual(g.classList.contains("m"), pattern.test(name(g)), `${text}: ${name(g)}`));
  const found = byId("found").textContent;
  const figures = [...found.matchAll(/([0-9.]+) %/g)].map((match) => +match[1]);
  assert.strictEqual(figures.length, panels.length, found);
  figures.forEach((figure, p) => assert.ok(Math.abs(figure - share(panels[p], before[p], pattern)) < 0.11,
    `${text}: ${found}, not ${share(panels[p], before[p], pattern)}`));
}
typed = null;
byId("search").fire("click");
assert.ok(byId("found").textContent, "a cancelled search keeps what was found");
typed = "";
byId("search").fire("click");
assert.strictEqual(byId("found").textContent, "");
assert.strictEqual(svg.querySelectorAll("g.m").length, 0);

const last = panels[0][panels[0].length - 1];
last.fire("mouseover");
assert.ok(byId("details").textContent.startsWith(name(last)) && !byId("details").textContent.includes("\n"));
last.fire("mouseout");
assert.strictEqual(byId("details").textContent.trim(), "");
