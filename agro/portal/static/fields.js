// All fields of a person on one map, coloured by what needs attention; a click opens the field.
import { dataOf, groundMap, named } from "/static/maps.js";

const data = dataOf("fields-data");
const place = document.getElementById("map");
const map = groundMap(place, data.bounds, data.locale, null);

map.once("style.load", () => {
  map.addSource("fields", { type: "geojson", data: data.fields });
  const colour = ["match", ["get", "state"], "look", "#c4482f", "watch", "#e0b04a", "well", "#7fb069", "#c3c9cb"];
  map.addLayer({ id: "fields", type: "fill", source: "fields", paint: { "fill-color": colour, "fill-opacity": 0.85 } });
  map.addLayer({ id: "edges", type: "line", source: "fields", paint: { "line-color": "#1f2a30", "line-width": 1.2 } });
  for (const one of data.fields.features) {
    if (data.fields.features.length <= 60) named(map, one.properties.middle, one.properties.name);
  }
  map.on("click", "fields", (event) => {
    location.href = event.features[0].properties.href;
  });
  map.on("mouseenter", "fields", () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", "fields", () => (map.getCanvas().style.cursor = ""));
  place.dataset.ready = "yes";
  map.once("idle", () => (place.dataset.drawn = "yes"));
});
