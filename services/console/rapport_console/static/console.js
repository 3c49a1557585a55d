// Draws charts from the options that the server wrote into the page, takes a token from behind the # of an address, and
// lets a slider of days (counted from 1970) set the date beside it.
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

document.addEventListener("input", (event) => {
  const slider = event.target;
  if (slider.matches("[data-days]")) slider.form.elements.on.value = new Date(slider.value * 864e5).toISOString().slice(0, 10);
});
document.addEventListener("DOMContentLoaded", () => { draw(document); enter(); });
document.addEventListener("htmx:afterSwap", (event) => draw(event.detail.target.parentElement || document));
