// Reads task data with the npm package isoxml, which nobody here wrote, and says as JSON what it found.
// node second_reader.js FOLDER: one line of JSON for each zip in it, by name.
const fs = require('fs')
const path = require('path')
const { ISOXMLManager, ExtendedPolygon, TAGS } = require('isoxml')

const named = (entity, key) => entity && entity.entity ? entity.entity.attributes[key] : null

function zones(task) {
  return (task.attributes.TreatmentZone || []).map(zone => ({
    code: zone.attributes.TreatmentZoneCode,
    values: (zone.attributes.ProcessDataVariable || []).map(v => v.attributes.ProcessDataValue),
    shape: zone.attributes.PolygonTreatmentZoneonly
      ? ExtendedPolygon.toGeoJSON([].concat(zone.attributes.PolygonTreatmentZoneonly)) : null
  }))
}

function grid(task) {
  const one = (task.attributes.Grid || [])[0]
  if (!one) return null
  const a = one.attributes
  const found = { kind: a.GridType, rows: a.GridMaximumRow, columns: a.GridMaximumColumn }
  if (a.GridType === '2') {
    const names = task.getGridValuesDescription().map((_, n) => `v${n}`)
    found.cells = task.getGridAsGeoJSON(names).features.map(f => [f.geometry.coordinates[0][0], names.map(n => f.properties[n])])
  } else {
    found.codes = Array.from(one.binaryData)
    found.corner = [a.GridMinimumEastPosition, a.GridMinimumNorthPosition]
  }
  found.step = [a.GridCellEastSize, a.GridCellNorthSize]
  return found
}

async function read(file) {
  const manager = new ISOXMLManager()
  await manager.parseISOXMLFile(new Uint8Array(fs.readFileSync(file)), 'application/zip')
  const task = (manager.rootElement.attributes.Task || [])[0]
  const field = manager.rootElement.attributes.Partfield[0]
  const logs = task.attributes.TimeLog || []
  return {
    name: path.basename(file),
    version: manager.options.version,
    warnings: manager.getWarnings(),
    task: task.attributes.TaskDesignator,
    customer: named(task.attributes.CustomerIdRef, 'CustomerLastName'),
    field: field.attributes.PartfieldDesignator,
    boundary: field.toGeoJSON(),
    units: task.getGridValuesDescription ? task.getGridValuesDescription().map(v => [v.unit, v.scale, v.DDIString]) : [],
    zones: zones(task),
    grid: grid(task),
    logs: logs.map(log => log.getFilledTimeLogs().map(r => [r.time.toISOString(), r.position.PositionEast, r.position.PositionNorth, r.values]))
  }
}

async function main() {
  const folder = process.argv[2]
  for (const name of fs.readdirSync(folder).filter(n => n.endsWith('.zip')).sort()) {
    console.log(JSON.stringify(await read(path.join(folder, name))))
  }
}

main().catch(error => { console.error(error); process.exit(1) })
