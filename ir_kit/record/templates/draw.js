"use strict";
const widthOnPaper = 680; // A4 less its margins, in CSS pixels
const drawn = [];
for (const block of document.querySelectorAll("script.plotly-figure")) {
  const place = block.parentElement.querySelector(".chart-place");
  try {
    const figure = JSON.parse(block.textContent);
    Plotly.newPlot(place, figure.data, figure.layout, {displayModeBar: false, responsive: true});
    drawn.push([place, figure.layout.width]);
  } catch (error) {
    place.textContent = "This chart could not be drawn. The table beside it shows the same numbers.";
  }
}
window.addEventListener("beforeprint", () => {
  for (const [place] of drawn) Plotly.relayout(place, {width: widthOnPaper});
});
window.addEventListener("afterprint", () => {
  for (const [place, width] of drawn) Plotly.relayout(place, width ? {width: width} : {width: null, autosize: true});
});
