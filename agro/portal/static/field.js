// A field's map: one layer at a time, its passes under a slider, the value where it is clicked.
import { absolute, dataOf, groundMap, legend } from "/static/maps.js";

const data = dataOf("field-data");
const place = document.getElementById("map");
const choice = document.getElementById("layer");
const slider = document.getElementById("pass");
const told = document.getElementById("pass-told");
const note = document.getElementById("layer-note");
const passes = document.getElementById("passes");
const words = data.words;
const map = groundMap(place, data.bounds, data.locale, data.hillshade);

let layer = null;
let shown = null;
let popup = null;

function show() {
  shown = layer.shown[layer.shown.length > 1 ? Number(slider.value) : 0];
  const own = `${data.maps}${shown.id}/${layer.code}/`;
  told.textContent = shown.told;
  document.getElementById("geotiff").href = `${own}file.tif`;
  slider.setAttribute("aria-valuetext", shown.told);
  legend(document.getElementById("legend"), layer);
  const source = map.getSource("layer");
  const tiles = [absolute(`${own}tiles/{z}/{x}/{y}.png?v=${data.version}`)];
  if (source) {
    source.setTiles(tiles);
  } else {
    map.addSource("layer", { type: "raster", tiles, tileSize: 256, bounds: data.bounds, maxzoom: 17 });
    map.addLayer(
      { id: "layer", type: "raster", source: "layer", paint: { "raster-resampling": "nearest", "raster-fade-duration": 0 } },
      "outline-under",
    );
  }
  if (popup) popup.remove();
}

function choose(code) {
  layer = data.layers.find((one) => one.code === code) || data.layers[0];
  if (!layer) return;
  passes.hidden = layer.shown.length < 2;
  slider.max = layer.shown.length - 1;
  slider.value = layer.first;
  note.textContent = "";
  show();
  const asked = layer.code;
  fetch(`${data.notes[0]}${layer.code}${data.notes[1]}`)
    .then((answer) => (answer.ok ? answer.json() : { note: "" }))
    .then((found) => {
      if (layer.code === asked) note.textContent = found.note;
    })
    .catch(() => {});
}

map.once("style.load", () => {
  map.addSource("outline", { type: "geojson", data: data.outline });
  map.addLayer({ id: "outline-under", type: "line", source: "outline", paint: { "line-color": "#fff", "line-width": 4 } });
  map.addLayer({ id: "outline", type: "line", source: "outline", paint: { "line-color": "#1f2a30", "line-width": 1.8 } });
  if (data.places.features.length) {
    map.addSource("places", { type: "geojson", data: data.places });
    map.addLayer({
      id: "places", type: "circle", source: "places",
      paint: { "circle-radius": 9, "circle-color": "rgba(255, 255, 255, 0.15)", "circle-stroke-color": "#a3341f", "circle-stroke-width": 3 },
    });
  }
  choose(choice.value);
  place.dataset.ready = "yes";
  map.once("idle", () => (place.dataset.drawn = "yes"));
});

choice.addEventListener("change", () => map.loaded && choose(choice.value));
slider.addEventListener("input", show);
for (const [id, step] of [["pass-before", -1], ["pass-after", 1]]) {
  document.getElementById(id).addEventListener("click", () => {
    slider.value = Number(slider.value) + step;
    show();
  });
}

map.on("click", async (event) => {
  if (!shown) return;
  const { lng, lat } = event.lngLat;
  const at = `${data.maps}${shown.id}/${layer.code}/value?lon=${lng.toFixed(6)}&lat=${lat.toFixed(6)}`;
  const answer = await fetch(at).catch(() => null);
  const found = answer && answer.ok ? await answer.json() : null;
  const value = found && typeof found.value === "number" ? found.value * layer.times : NaN;
  const figure = Number.isFinite(value) ? value.toLocaleString(data.language, { maximumFractionDigits: layer.digits, minimumFractionDigits: layer.digits }) : words.nothing;
  const box = document.createElement("div");
  box.className = "map-value";
  const strong = document.createElement("strong");
  strong.textContent = Number.isFinite(value) ? `${figure} ${layer.unit}` : figure;
  box.append(strong, document.createElement("br"), layer.name, document.createElement("br"), shown.told);
  popup = new maplibregl.Popup({ closeButton: true, maxWidth: "220px" }).setLngLat(event.lngLat).setDOMContent(box).addTo(map);
});
