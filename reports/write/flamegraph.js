// Zoom and search of a flame graph; svg.cpp draws the picture, which works without this.
(function () {
  "use strict";
  var CHARACTER = 6.65;
  var svg = document.documentElement;
  var left = 10, inner = svg.viewBox.baseVal.width - 20;
  var details = document.getElementById("details");
  var found = document.getElementById("found");
  var reset = document.getElementById("reset");
  var pattern = null;
  var panels = Array.prototype.map.call(document.querySelectorAll("g.panel"), function (panel) {
    return Array.prototype.map.call(panel.querySelectorAll("g.f"), function (g) {
      var rect = g.querySelector("rect");
      var about = g.querySelector("title").textContent;
      return {
        g: g, rect: rect, label: g.querySelector("text"), about: about,
        name: about.split("\n", 1)[0],
        x: +rect.getAttribute("x"), y: +rect.getAttribute("y"), w: +rect.getAttribute("width")
      };
    });
  });

  function fit(frame, x, w) {
    var room = Math.floor((w - 4) / CHARACTER);
    var name = frame.name;
    while (name.length > room && name.indexOf("::") >= 0 && name.indexOf("::") + 2 < name.length) {
      name = name.slice(name.indexOf("::") + 2);
    }
    var text = room < 3 ? "" : name.length <= room ? name : name.slice(0, room - 1) + "\u2026";
    if (!frame.label) {
      if (!text) return;
      frame.label = document.createElementNS("http://www.w3.org/2000/svg", "text");
      frame.label.setAttribute("y", frame.y + 12);
      frame.g.appendChild(frame.label);
    }
    frame.label.setAttribute("x", x + 2);
    frame.label.textContent = text;
  }

  function place(frame, x, w) {
    frame.rect.setAttribute("x", x);
    frame.rect.setAttribute("width", w);
    fit(frame, x, w);
  }

  function zoom(frames, to) {
    frames.forEach(function (frame) {
      var inside = frame.x >= to.x - 0.01 && frame.x + frame.w <= to.x + to.w + 0.01 &&
        frame.y <= to.y;
      var around = frame.y > to.y && frame.x <= to.x + 0.01 &&
        frame.x + frame.w >= to.x + to.w - 0.01;
      frame.g.style.display = inside || around ? "" : "none";
      frame.g.classList.toggle("p", around);
      if (around) place(frame, left, inner);
      if (inside) place(frame, left + (frame.x - to.x) / to.w * inner, frame.w / to.w * inner);
    });
    reset.setAttribute("visibility", "visible");
  }

  function show_all() {
    panels.forEach(function (frames) {
      frames.forEach(function (frame) {
        frame.g.style.display = "";
        frame.g.classList.remove("p");
        place(frame, frame.x, frame.w);
      });
    });
    reset.setAttribute("visibility", "hidden");
  }

  // Of nested frames that match, the outer one counts.
  function matched_share(frames) {
    var matches = frames.filter(function (frame) { return pattern.test(frame.name); });
    matches.sort(function (a, b) { return a.x - b.x || b.y - a.y; });
    var sum = 0, end = -1;
    matches.forEach(function (frame) {
      frame.g.classList.add("m");
      if (frame.x + frame.w <= end + 0.001) return;
      sum += frame.w;
      end = frame.x + frame.w;
    });
    return (100 * sum / frames[0].w).toFixed(1) + " %";
  }

  function search() {
    var text = window.prompt("Search names (regular expression); nothing to clear", "");
    if (text === null) return;
    document.querySelectorAll("g.m").forEach(function (g) { g.classList.remove("m"); });
    found.textContent = "";
    if (!text) return;
    try {
      pattern = new RegExp(text, "i");
    } catch (error) {
      pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
    }
    found.textContent = "matched: " + panels.filter(function (frames) {
      return frames.length > 0;
    }).map(matched_share).join(", ");
  }

  panels.forEach(function (frames) {
    frames.forEach(function (frame) {
      frame.g.addEventListener("click", function () {
        if (frame === frames[0]) show_all(); else zoom(frames, frame);
      });
      frame.g.addEventListener("mouseover", function () {
        details.textContent = frame.about.split("\n").join(" \u00b7 ");
      });
      frame.g.addEventListener("mouseout", function () { details.textContent = " "; });
    });
  });
  reset.addEventListener("click", show_all);
  document.getElementById("search").addEventListener("click", search);
  window.addEventListener("keydown", function (event) {
    if (event.key === "Escape") show_all();
  });
  document.getElementById("tools").setAttribute("visibility", "visible");
  reset.setAttribute("visibility", "hidden");
})();
