// Draws charts from the options that the server wrote into the page, and takes a token from behind the # of an address.
"use strict";

const PALETTE = ["#1f6f8b", "#f2b84b", "#7a9e7e", "#c8553d", "#5b5f97"];

function draw(root) {
  for (const place of root.querySelectorAll("[data-chart]")) {
    if (echarts.getInstanceByDom(place)) continue;
    const chart = echarts.init(place, null, { renderer: "canvas" });
    chart.setOption({ color: PALETTE, animation: false, textStyle: { fontFamily: "inherit" }, ...JSON.parse(place.dataset.chart) });
    new ResizeObserver(() => chart.resize()).observe(place);
  }
}

function enter() {
  const form = document.querySelector("[data-enter]");
  const token = decodeURIComponent(location.hash.slice(1));
  if (!form || !token) return;
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = token;
  form.submit();
}

document.addEventListener("DOMContentLoaded", () => { draw(document); enter(); });
document.addEventListener("htmx:afterSwap", (event) => draw(event.detail.target.parentElement || document));
