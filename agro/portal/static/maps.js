// What both maps share: a plain ground without any address of others, outlines, names that any font can write.

export function dataOf(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

export function groundMap(place, bounds, words, hillshade) {
  const style = {
    version: 8,
    sources: {},
    layers: [{ id: "ground", type: "background", paint: { "background-color": "#eceee8" } }],
  };
  if (hillshade) {
    style.sources.hillshade = { type: "raster", tiles: [absolute(hillshade)], tileSize: 256, bounds };
    style.layers.push({ id: "hillshade", type: "raster", source: "hillshade", paint: { "raster-opacity": 0.45 } });
  }
  const map = new maplibregl.Map({
    container: place,
    style,
    bounds,
    fitBoundsOptions: { padding: 34 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    cooperativeGestures: window.matchMedia("(max-width: 700px)").matches,
    locale: words,
    maxZoom: 18,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 110 }), "bottom-left");
  return map;
}

export function absolute(template) {
  return new URL(template, location.origin).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
}

export function named(map, place, words) {
  const mark = document.createElement("span");
  mark.className = "map-name";
  mark.textContent = words;
  return new maplibregl.Marker({ element: mark }).setLngLat(place).addTo(map);
}

export function legend(place, layer) {
  const svg = "http://www.w3.org/2000/svg";
  const make = (name, attributes, words) => {
    const element = document.createElementNS(svg, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (words !== undefined) element.textContent = words;
    return element;
  };
  const bar = make("svg", { class: "bar", viewBox: "0 0 240 34", role: "img", "aria-label": layer.name });
  const blend = make("linearGradient", { id: "legend-blend" });
  layer.colours.forEach((colour, i) => {
    blend.append(make("stop", { offset: i / (layer.colours.length - 1), "stop-color": colour }));
  });
  bar.append(blend, make("rect", { x: 8, y: 2, width: 224, height: 12, fill: "url(#legend-blend)", stroke: "#0003" }));
  layer.marks.forEach((words, i) => {
    const x = 8 + (224 * i) / (layer.marks.length - 1);
    bar.append(make("text", { x, y: 29, "text-anchor": "middle", "font-size": 12, fill: "#1f2a30" }, words));
  });
  const unit = document.createElement("span");
  unit.textContent = [layer.unit, layer.stretched].filter(Boolean).join(", ");
  place.replaceChildren(bar, unit);
}
