/** Infrastructure as the engine reads it: checked, with every default in place, durations in milliseconds, frozen. */
import { jsonCodec } from './adapter/json-codec.ts'
import { Configuration } from './errors.ts'
import type { DefinitionModel, HandlerOptionsModel } from './model/definition.ts'
import { suggestion } from './model/nearest.ts'
import { checkedBoolean, checkedFunction, checkedInteger, checkedMs, checkedObject, shown } from './model/option-check.ts'
import { backOffOf, type BackOffMs, checkedBackOff, checkedOptions, libraryOptions } from './options.ts'
import type { Clock } from './ports/clock.ts'
import type { Codec } from './ports/codec.ts'
import type { Connector } from './ports/connector.ts'
import type { EventStreamer } from './ports/event-streamer.ts'
import type { Instrumentation } from './ports/instrumentation.ts'
import type { Logger } from './ports/logger.ts'
import type { Random } from './ports/random.ts'
import type { RecordStore } from './ports/record-store.ts'
import type { RoleScheduler } from './ports/role-scheduler.ts'
import { consoleLogger } from './system/console-logger.ts'
import { systemClock } from './system/system-clock.ts'
import { systemRandom } from './system/system-random.ts'

export interface ResolvedClientInfrastructure {
  readonly recordStore: RecordStore
  readonly eventStreamer: EventStreamer
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly codec: Codec
  readonly instrumentation: readonly Instrumentation[]
  readonly instance: string
  readonly slots: number
  readonly maxObjectBytes: number
  readonly maxForeignIdLength: number
  readonly historyObjects: boolean
  readonly storeTimeoutMs: number
  readonly awaitPollingFrequencyMs: number
}

export interface ResolvedInfrastructure extends ResolvedClientInfrastructure {
  readonly roleScheduler: RoleScheduler
  readonly connectors: ReadonlyMap<string, Connector>
  readonly defaults: HandlerOptionsModel
  /** `Infinity` = never. */
  readonly autoResumeMs: number
  readonly outbox: ResolvedOutbox | false
  readonly maxInFlight: number
  readonly retryInPlaceMs: number
  readonly sweepFrequencyMs: number
  readonly shutdownTimeoutMs: number
  readonly generation: number
}

export interface ResolvedOutbox {
  readonly pollingFrequencyMs: number
  readonly backOffMs: BackOffMs
  readonly lagAlertMs: number
  readonly batch: number
}

type Given = { readonly [key: string]: unknown }

const clientKeys: readonly string[] = [
  'recordStore',
  'eventStreamer',
  'clock',
  'random',
  'logger',
  'codec',
  'instrumentation',
  'instance',
  'slots',
  'maxObjectBytes',
  'maxForeignIdLength',
  'historyObjects',
  'storeTimeout',
  'awaitPollingFrequency',
]
const workerKeys: readonly string[] = [
  ...clientKeys,
  'timeoutStore',
  'roleScheduler',
  'connectors',
  'defaults',
  'autoResume',
  'outbox',
  'maxInFlight',
  'retryInPlace',
  'sweepFrequency',
  'shutdownTimeout',
  'generation',
]
const foreignIdLengthMax = 255

/** What every port must be able to do, to tell a port from a mistake. */
const portMethods = {
  recordStore: ['commit', 'lookup', 'latest', 'list', 'history', 'close'],
  eventStreamer: ['ensure', 'newSender', 'newReceiver', 'close'],
  roleScheduler: ['awaitRole', 'holders', 'close'],
  clock: ['now', 'monotonic', 'setTimer', 'setImmediate'],
  logger: ['debug', 'info', 'warn', 'error'],
  codec: ['encode', 'decode'],
  instrumentation: ['count', 'gauge', 'observe'],
  connector: ['connect'],
} as const

/**
 * For a client. Throws `Configuration` that names the workflow, what is missing or wrong, and the fix. What only workers
 * use may be there and is not looked at, so that one bundle serves both.
 */
export function resolveClientInfrastructure(workflowName: string, infrastructure: unknown): ResolvedClientInfrastructure {
  const where = `the infrastructure of workflow '${workflowName}'`
  return Object.freeze(clientPart(given(infrastructure, where), where))
}

/** For a worker, checked against what the definition needs. Throws `Configuration` as above. */
export function resolveInfrastructure(model: DefinitionModel, infrastructure: unknown): ResolvedInfrastructure {
  const where = `the infrastructure of workflow '${model.contract.name}'`
  const options = given(infrastructure, where)
  const roleScheduler = port<RoleScheduler>(options, 'roleScheduler', where)
  const client = clientPart({ ...options, instance: options['instance'] ?? roleScheduler.instance }, where)
  assertStoreFits(model, options, client.recordStore, where)
  return Object.freeze({
    ...client,
    roleScheduler,
    connectors: connectorsOf(model, options['connectors'], where),
    defaults: checkedOptions(options['defaults'], `${where}: defaults`),
    autoResumeMs: options['autoResume'] === false ? Infinity : ms(options, 'autoResume', '1h', where, 1),
    outbox: outboxOf(options['outbox'], where),
    maxInFlight: integer(options, 'maxInFlight', 1_024, where, 1, 1_000_000),
    retryInPlaceMs: ms(options, 'retryInPlace', '5s', where, 0),
    sweepFrequencyMs: ms(options, 'sweepFrequency', '1m', where, 1),
    shutdownTimeoutMs: ms(options, 'shutdownTimeout', '30s', where, 0),
    generation: integer(options, 'generation', 0, where, 0),
  })
}

function clientPart(options: Given, where: string): ResolvedClientInfrastructure {
  const random = 'random' in options ? checkedFunction<Random>(options['random'], `${where}: random`) : systemRandom
  const historyObjects = options['historyObjects']
  return {
    recordStore: port<RecordStore>(options, 'recordStore', where),
    eventStreamer: port<EventStreamer>(options, 'eventStreamer', where),
    clock: 'clock' in options ? port<Clock>(options, 'clock', where) : systemClock,
    random,
    logger: 'logger' in options ? port<Logger>(options, 'logger', where) : consoleLogger(),
    codec: 'codec' in options ? port<Codec>(options, 'codec', where) : jsonCodec,
    instrumentation: instrumentationsOf(options['instrumentation'], where),
    instance: instanceOf(options['instance'], random, where),
    slots: integer(options, 'slots', 16, where, 1, 1_024),
    maxObjectBytes: integer(options, 'maxObjectBytes', 1_048_576, where, 1),
    maxForeignIdLength: integer(options, 'maxForeignIdLength', 255, where, 1, foreignIdLengthMax),
    historyObjects: historyObjects === undefined || checkedBoolean(historyObjects, `${where}: historyObjects`),
    storeTimeoutMs: ms(options, 'storeTimeout', '10s', where, 0),
    awaitPollingFrequencyMs: ms(options, 'awaitPollingFrequency', '5s', where, 1),
  }
}

/** What is defined, without the methods that an adapter's bundle may bring along, such as `close`. */
function given(infrastructure: unknown, where: string): Given {
  if (typeof infrastructure !== 'object' || infrastructure === null) {
    throw new Configuration(
      `${where} is missing: give an object like memory() or { recordStore, eventStreamer, roleScheduler, timeoutStore }; got ${shown(infrastructure)}`,
    )
  }
  const own = Object.entries(infrastructure).filter(([key, value]) => typeof value !== 'function' || workerKeys.includes(key))
  return checkedObject(Object.fromEntries(own), workerKeys, where)
}

function assertStoreFits(model: DefinitionModel, options: Given, recordStore: RecordStore, where: string): void {
  const timeoutStore = options['timeoutStore']
  const timed = [...model.contract.graph].find(([, exits]) => exits.timeout !== undefined)
  if (timeoutStore === undefined && timed !== undefined) {
    throw new Configuration(
      `${where} has no timeoutStore, but a timeout leaves '${timed[0]}': give the record store's own, recordStore.timers`,
    )
  }
  if (timeoutStore !== undefined && timeoutStore !== recordStore.timers) {
    throw new Configuration(
      `${where}: timeoutStore must be the record store's own, recordStore.timers, because timers are written together with transitions`,
    )
  }
  if (model.transactional && !recordStore.capabilities.transactions) {
    throw new Configuration(
      `${where}: workflow '${model.contract.name}' has transactional handlers, but its record store has no transactions: take one that has, or leave .transactional() out`,
    )
  }
}

function connectorsOf(model: DefinitionModel, value: unknown, where: string): ReadonlyMap<string, Connector> {
  const names = [...model.connectors.keys()]
  const sources = value === undefined ? {} : checkedObject(value, names, `${where}: connectors`)
  return new Map(
    names.map((name) => {
      if (!(name in sources)) {
        throw new Configuration(
          `${where} has no source for connector '${name}': build({ connectors: { ${JSON.stringify(name)}: … } }). ${suggestion(name, Object.keys(sources))}`,
        )
      }
      return [name, checkedPort<Connector>(sources[name], portMethods.connector, `${where}: connectors.${name}`)]
    }),
  )
}

function instrumentationsOf(value: unknown, where: string): readonly Instrumentation[] {
  if (value === undefined) return []
  const several = Array.isArray(value)
  const all: readonly unknown[] = several ? value : [value]
  return Object.freeze(
    all.map((each, place) =>
      checkedPort<Instrumentation>(each, portMethods.instrumentation, `${where}: instrumentation${several ? `[${place}]` : ''}`),
    ),
  )
}

function outboxOf(value: unknown, where: string): ResolvedOutbox | false {
  if (value === false) return false
  const at = `${where}: outbox`
  const options = value === undefined ? {} : checkedObject(value, ['pollingFrequency', 'errBackOff', 'lagAlert', 'batch'], at)
  return Object.freeze({
    pollingFrequencyMs: ms(options, 'pollingFrequency', '250ms', at, 1),
    backOffMs: backOffOf(checkedBackOff(options['errBackOff'] ?? '500ms', `${at}: errBackOff`), libraryOptions.errBackOff),
    lagAlertMs: ms(options, 'lagAlert', '1m', at, 1),
    batch: integer(options, 'batch', 1_000, at, 1, 100_000),
  })
}

function instanceOf(value: unknown, random: Random, where: string): string {
  if (value === undefined)
    return Math.floor(random() * 36 ** 8)
      .toString(36)
      .padStart(8, '0')
  if (typeof value === 'string' && value.length > 0 && value.length <= 255) return value
  throw new Configuration(`${where}: instance must be a text of 1 to 255 characters; got ${shown(value)}`)
}

function port<P>(options: Given, name: keyof typeof portMethods, where: string): P {
  const value = options[name]
  if (value === undefined)
    throw new Configuration(`${where} has no ${name}: adapters such as memory() from '@workflow/core/memory' bring one`)
  return checkedPort<P>(value, portMethods[name], `${where}: ${name}`)
}

function checkedPort<P>(value: unknown, methods: readonly string[], what: string): P {
  const missing = methods.filter((method) => typeof (value as Given | null)?.[method] !== 'function')
  if (missing.length > 0)
    throw new Configuration(`${what} is not one: it lacks ${missing.map((method) => `${method}()`).join(', ')}; got ${shown(value)}`)
  // The cast holds as far as a run-time check can tell: the methods are there.
  return value as P
}

function ms(options: Given, key: string, fallback: string, where: string, minMs: number): number {
  return checkedMs(options[key] ?? fallback, `${where}: ${key}`, minMs)
}

function integer(options: Given, key: string, fallback: number, where: string, min: number, max?: number): number {
  return checkedInteger(options[key] ?? fallback, `${where}: ${key}`, min, max)
}
