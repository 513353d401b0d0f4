/** The streams on the server: created, and brought to the options when those have changed. */
import { Configuration } from '@workflow/core/adapter'
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream'
import { type Api, insist } from './insistence.ts'
import { apiCode, isStreamMissing, isSilence } from './nats-error.ts'
import type { Settings } from './settings.ts'
import type { Names } from './subject.ts'

const nanos = 1_000_000
/** For so long the server knows a message's id. Must be longer than a sender tries again. */
const duplicateWindowMs = 60_000

type Limits = Pick<StreamConfig, 'max_age' | 'max_bytes' | 'max_msgs_per_subject' | 'duplicate_window'>

/** Makes sure of the stream for what is not events. */
export async function ensureStateStream(api: Api, names: Names, settings: Settings, clustered: boolean): Promise<void> {
  const limits = { max_age: 0, max_bytes: -1, max_msgs_per_subject: 1, duplicate_window: 1_000 * nanos }
  await ensureStream(api, names.stateStream, [names.stateSubjects], limits, settings, clustered)
}

/** Makes sure of the stream for a workflow's events. */
export async function ensureEventStream(
  api: Api,
  names: Names,
  workflowName: string,
  settings: Settings,
  clustered: boolean,
): Promise<StreamInfo> {
  const { maxAgeMs, maxBytes } = settings
  const limits = {
    max_age: maxAgeMs * nanos,
    max_bytes: maxBytes ?? -1,
    max_msgs_per_subject: -1,
    duplicate_window: Math.min(duplicateWindowMs, maxAgeMs) * nanos,
  }
  return ensureStream(api, names.eventStream(workflowName), names.eventSubjects(workflowName), limits, settings, clustered)
}

async function ensureStream(
  api: Api,
  name: string,
  subjects: readonly string[],
  limits: Limits,
  settings: Settings,
  clustered: boolean,
): Promise<StreamInfo> {
  const present = await streamInfo(api, name)
  if (present !== undefined) return upgraded(api, present, subjects, limits, settings)
  if (!settings.create)
    throw new Configuration(
      `the stream ${name} does not exist, and create is false: create it with the subjects ${subjects.join(', ')}, or leave create out`,
      { details: { stream: name } },
    )
  const config = {
    ...limits,
    name,
    subjects: [...subjects],
    retention: RetentionPolicy.Limits,
    // The oldest go first: a sender is never refused for want of room in its own stream.
    discard: DiscardPolicy.Old,
    storage: storageOf(settings),
    num_replicas: settings.replicas ?? (clustered ? 3 : 1),
    allow_direct: false,
  }
  try {
    return await api.manager.streams.add(config)
  } catch (error) {
    // Somebody else was first, with other options perhaps, or our own request went through although its answer was lost.
    const made = apiCode(error) === nameInUse || isSilence(error) ? await streamInfo(api, name) : undefined
    if (made !== undefined) return upgraded(api, made, subjects, limits, settings)
    throw refusal(error, name, 'created')
  }
}

const nameInUse = 10058

function storageOf({ storage }: Settings): StorageType {
  return storage === 'file' ? StorageType.File : StorageType.Memory
}

/** What the server says of a stream; undefined where there is none. */
export async function streamInfo(api: Api, name: string): Promise<StreamInfo | undefined> {
  try {
    return await insist(api, (manager) => manager.streams.info(name))
  } catch (error) {
    if (isStreamMissing(error)) return undefined
    throw error
  }
}

async function upgraded(api: Api, info: StreamInfo, subjects: readonly string[], limits: Limits, settings: Settings): Promise<StreamInfo> {
  const { config } = info
  const { name } = config
  assertUsable(config, subjects)
  const replicas = settings.replicas ?? config.num_replicas
  const wanted = { ...limits, subjects: [...subjects], num_replicas: replicas, storage: storageOf(settings) }
  const changed = (Object.keys(wanted) as (keyof typeof wanted)[]).filter(
    (key) => JSON.stringify(config[key]) !== JSON.stringify(wanted[key]),
  )
  if (changed.length === 0) return info
  // Somebody else cares for the stream's limits, then.
  if (!settings.create) return info
  try {
    return await api.manager.streams.update(name, { ...config, ...wanted })
  } catch (error) {
    throw refusal(error, name, `given another ${changed.join(', ')}`)
  }
}

function assertUsable(config: StreamConfig, subjects: readonly string[]): void {
  const { name } = config
  const flaw =
    config.retention !== RetentionPolicy.Limits
      ? `its retention is ${config.retention}, which deletes events under other receivers: it must be limits`
      : config.sealed || config.mirror !== undefined
        ? 'nothing can be written to it'
        : config.no_ack
          ? 'with no_ack it never says that it has stored something'
          : subjects.some((subject) => !config.subjects.includes(subject))
            ? `its subjects are ${config.subjects.join(', ')}, and must be ${subjects.join(', ')}`
            : undefined
  if (flaw !== undefined)
    throw new Configuration(`the stream ${name} cannot be used: ${flaw}; delete it, or choose another prefix`, {
      details: { stream: name },
    })
}

/** The server's own words tell best what about a stream cannot be. */
function refusal(error: unknown, name: string, what: string): unknown {
  const code = apiCode(error)
  if (code === undefined || jetStreamTrouble.includes(code)) return error
  return new Configuration(
    `the stream ${name} cannot be ${what}: ${error instanceof Error ? error.message : String(error)}; change the options replicas, storage, maxAge or maxBytes, or the limits of the account`,
    { cause: error, details: { stream: name, apiCode: code } },
  )
}

/** Codes that have a way out of their own: JetStream is off, or the cluster has no leader just now. */
const jetStreamTrouble: readonly number[] = [10008, 10009, 10039, 10076]
