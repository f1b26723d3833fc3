"use strict";

// Two charts of the latest calls, drawn from the same rows as the table.
const kinds = ["done", "asked", "failed"];

function kind(row) {
  if (["done", "begun", "confirmed", "allowed", "revoked"].includes(row.outcome)) return "done";
  return ["confirmation_needed", "sign_in_needed"].includes(row.outcome) ? "asked" : "failed";
}

function duration(milliseconds) {
  if (milliseconds === undefined || milliseconds === null) return "–";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return milliseconds < 60000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds / 60000)} min`;
}

function percentile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : null;
}

const plot = { left: 44, right: 592, top: 8, bottom: 124 };

function axis(chart, from, to) {
  chart.append(draw("line", { x1: plot.left, x2: plot.right, y1: plot.bottom, y2: plot.bottom, class: "axis" }));
  for (const [share, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    const label = draw("text", {
      x: plot.left + share * (plot.right - plot.left), y: plot.bottom + 18, "text-anchor": anchor,
    });
    label.textContent = new Date(from + share * (to - from)).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    chart.append(label);
  }
}

function level(chart, y, text) {
  chart.append(draw("line", { x1: plot.left, x2: plot.right, y1: y, y2: y, class: "level" }));
  const label = draw("text", { x: plot.left - 6, y: y + 4, "text-anchor": "end" });
  label.textContent = text;
  chart.append(label);
}

function showCharts(rows) {
  const calls = rows.map((row) => ({ at: +new Date(row.time), kind: kind(row), took: row.durationMilliseconds }))
    .filter((call) => Number.isFinite(call.at));
  element("charts").hidden = calls.length === 0;
  if (!calls.length) return;
  const to = Math.max(...calls.map((call) => call.at));
  const from = Math.min(to - 300000, ...calls.map((call) => call.at));
  const across = (at) => plot.left + ((at - from) / (to - from)) * (plot.right - plot.left);

  const bars = element("calls-chart");
  bars.replaceChildren();
  const count = 36;
  const buckets = Array.from({ length: count }, () => ({ done: 0, asked: 0, failed: 0 }));
  for (const call of calls) {
    buckets[Math.min(count - 1, Math.floor(((call.at - from) / (to - from)) * count))][call.kind] += 1;
  }
  const most = Math.max(1, ...buckets.map((bucket) => bucket.done + bucket.asked + bucket.failed));
  level(bars, plot.top, most);
  const width = (plot.right - plot.left) / count;
  buckets.forEach((bucket, index) => {
    let y = plot.bottom;
    for (const name of kinds) {
      const height = (bucket[name] / most) * (plot.bottom - plot.top);
      if (!height) continue;
      y -= height;
      bars.append(draw("rect", { x: plot.left + index * width + 1, y, width: width - 2, height, rx: 1.5, class: name }));
    }
  });
  axis(bars, from, to);
  const failed = calls.filter((call) => call.kind === "failed").length;
  bars.setAttribute("aria-label", `${calls.length} calls, ${failed} failed, at most ${most} at a time`);

  const dots = element("latency-chart");
  dots.replaceChildren();
  const timed = calls.filter((call) => typeof call.took === "number");
  const top = Math.max(1000, ...timed.map((call) => call.took));
  const scale = (took) => plot.bottom - (Math.log10(Math.max(1, took)) / Math.log10(top)) * (plot.bottom - plot.top);
  for (let step = 1; step <= top; step *= 10) level(dots, scale(step), duration(step));
  for (const call of timed) {
    dots.append(draw("circle", { cx: across(call.at), cy: scale(call.took), r: 3.5, class: call.kind }));
  }
  axis(dots, from, to);
  const times = timed.map((call) => call.took);
  const median = duration(percentile(times, 0.5));
  const slow = duration(percentile(times, 0.95));
  dots.setAttribute("aria-label", `Half of the calls took less than ${median}, 95 of 100 less than ${slow}`);
  setText(element("tile-median"), median);
  setText(element("tile-slow"), slow);
}
