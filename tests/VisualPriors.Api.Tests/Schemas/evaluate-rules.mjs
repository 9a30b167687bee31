// Evaluates the x-kubernetes-validations of a schema as an API server does, by an evaluator of CEL that is not ours.
// Standard input: {"schemas": {kind: schema}, "cases": [{"kind", "object", "old"?}]}; standard output: for every case the messages of the rules
// that refuse it. Standard error: rules that do not fit their types, fail, or refuse a default. Argument: the node_modules folder with @marcbachmann/cel-js.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { Environment } = await import(pathToFileURL(join(process.argv[2], '@marcbachmann/cel-js/lib/index.js')))
const environment = new Environment().registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn')
const programs = new Map()

function program(rule) {
  if (!programs.has(rule)) programs.set(rule, environment.parse(rule))
  return programs.get(rule)
}

// An API server refuses a definition whose rules do not fit the types of its schema.
function checkTypes(schema) {
  for (const { rule } of schema['x-kubernetes-validations'] ?? []) {
    // (This evaluator knows no equality of objects by their types; oldSelf is used for nothing else.)
    if (/\boldSelf\b/.test(rule)) continue
    const typedEnvironment = new Environment()
    const { valid, type, error } = typedEnvironment.registerVariable('self', typeName(typedEnvironment, schema, 'Self')).check(rule)
    if (!valid || type !== 'bool') process.stderr.write(`${rule}: ${error?.message ?? type}\n`)
  }
  for (const part of [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]) {
    if (part) checkTypes(part)
  }
}

function typeName(registry, schema, name) {
  if (schema.type === 'array') return `list<${typeName(registry, schema.items, `${name}Item`)}>`
  if (schema.additionalProperties) return `map<string, ${typeName(registry, schema.additionalProperties, `${name}Value`)}>`
  if (schema.type !== 'object') return { integer: 'int', number: 'double', boolean: 'bool', string: 'string' }[schema.type]
  registry.registerType(name, { fields: Object.fromEntries(Object.entries(schema.properties ?? {}).map(
    ([field, part]) => [field, typeName(registry, part, name + field[0].toUpperCase() + field.slice(1))])) })
  return name
}

// Nor does it take one whose rules refuse a default, which they are shown as it stands: what it lacks is not filled in.
function checkDefaults(schema) {
  const refused = []
  if (schema.default !== undefined) check(schema, schema.default, undefined, refused)
  for (const message of refused) process.stderr.write(`${JSON.stringify(schema.default)}: ${message}\n`)
  for (const part of [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]) {
    if (part) checkDefaults(part)
  }
}

// CEL tells whole numbers from others by type; JSON does not, the schema does.
function typed(schema, value) {
  if (value === null || value === undefined) return value
  switch (schema.type) {
    case 'integer': return BigInt(value)
    case 'array': return value.map(item => typed(schema.items, item))
    case 'object': return Object.fromEntries(Object.entries(value).map(
      ([name, item]) => [name, typed(schema.properties?.[name] ?? schema.additionalProperties ?? {}, item)]))
    default: return value
  }
}

function check(schema, value, old, refused) {
  if (value === null || value === undefined) return
  for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
    const isTransition = /\boldSelf\b/.test(rule)
    if (isTransition && old === undefined) continue
    const context = { self: typed(schema, value), oldSelf: isTransition ? typed(schema, old) : null }
    let accepts
    try {
      accepts = program(rule)(context)
    } catch (error) {
      accepts = false
      process.stderr.write(`${rule}: ${error.message}\n`)
    }
    if (accepts !== true) refused.push(message)
  }
  if (schema.type === 'object') {
    for (const [name, item] of Object.entries(value)) {
      check(schema.properties?.[name] ?? schema.additionalProperties ?? {}, item, old?.[name], refused)
    }
  } else if (schema.type === 'array') {
    const keys = schema['x-kubernetes-list-map-keys']
    for (const item of value) {
      // Items of other lists have no old selves.
      check(schema.items, item, keys && old?.find(other => keys.every(key => other[key] === item[key])), refused)
    }
  }
}

const { schemas, cases } = JSON.parse(readFileSync(0, 'utf8'))
Object.values(schemas).forEach(checkTypes)
Object.values(schemas).forEach(checkDefaults)
process.stdout.write(JSON.stringify(cases.map(({ kind, object, old }) => {
  const refused = []
  check(schemas[kind], object, old, refused)
  return refused
})))
