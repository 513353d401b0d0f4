/** One Kafka in a temporary folder, on the loopback interface only: broker and controller in one process. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { type Daemon, daemonAt, type DaemonPlace } from './daemon.ts'
import { type KafkaBinary, kafkaBinary, kafkaClassArchive } from './kafka-binaries.ts'
import { freePorts, makeServerFolder, own } from './server-folder.ts'

export interface KafkaPlace extends DaemonPlace {
  readonly port: number
  /** Where clients must give a name and password over TLS; undefined where there is no such listener. */
  readonly securePort?: number
}

export interface KafkaServer extends Daemon {
  readonly place: KafkaPlace
  /** `host:port`, as clients of Kafka take it. */
  readonly url: string
  /** The listener with TLS and passwords, with the certificate of its authority. */
  readonly secure?: { readonly url: string; readonly ca: string }
}

export interface KafkaStartOptions {
  /** Whether there is a listener with TLS and passwords, too. @default false */
  readonly secure?: boolean
  /** Whether the JVM is as Kafka's own scripts start it, as measurements need it, or starts quickly. @default false */
  readonly fast?: boolean
  /** Whether it goes on when this process has ended. @default false */
  readonly outlives?: boolean
  /** More lines for server.properties. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A user of the listener with passwords who may do everything. */
export const kafkaUser = { username: 'app', password: 'secret' } as const
/** One who may do what a test allows. */
export const kafkaGuest = { username: 'guest', password: 'guessed' } as const

const storePassword = 'changeit'
const quickStart = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
/** Heap and collector as kafka-run-class.sh and kafka-server-start.sh choose them where nothing else is said. */
const longRun = ['-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35']
/** It takes 3 s on an idle machine and ten times that on a busy one, because all of it is one JVM that warms up. */
const startMs = 120_000
/** For the server that writes its classes when it ends. */
const archiveMs = 60_000

let archived: Promise<void> | undefined

/** Makes a server and starts it. The first one on a machine that starts quickly takes twice its time: see `archiveClasses`. */
export async function startKafka(options: KafkaStartOptions = {}): Promise<KafkaServer> {
  const binary = kafkaBinary()
  if (binary === undefined) throw new Error('there is no Kafka to start: node scripts/services.ts install kafka')
  if (options.fast === true) return startWith(binary, options, longRun)
  const archive = kafkaClassArchive(binary)
  // Once: where it cannot be made, servers start without.
  archived ??= existsSync(archive) ? Promise.resolve() : archiveClasses(binary, archive).catch(() => undefined)
  await archived
  return startWith(binary, options, [...quickStart, `-XX:SharedArchiveFile=${archive}`])
}

/**
 * Keeps the classes that a server loads as Java has them in memory: with these, starting costs half as much. A server that has ended
 * in good order writes them; one that does not leaves no archive, and the next ones start without.
 */
async function archiveClasses(binary: KafkaBinary, archive: string): Promise<void> {
  const part = `${archive}-${process.pid}`
  mkdirSync(dirname(archive), { recursive: true })
  const server = await startWith(binary, {}, [...quickStart, `-XX:ArchiveClassesAtExit=${part}`])
  try {
    // Two at once are fine: whichever comes last stays.
    if ((await server.stop(archiveMs)) && existsSync(part)) renameSync(part, archive)
  } finally {
    server.remove()
    rmSync(part, { force: true })
  }
}

async function startWith(binary: KafkaBinary, options: KafkaStartOptions, java: readonly string[]): Promise<KafkaServer> {
  const folder = makeServerFolder<KafkaPlace>('kafka', (place) => kafkaAt(place).remove())
  const [port = 0, controllerPort = 0, securePort = 0] = await freePorts(3)
  const file = join(folder, 'server.properties')
  mkdirSync(join(folder, 'data'))
  const secure = options.secure === true ? { securePort } : {}
  if (options.secure === true) makeCertificate(folder)
  writeFileSync(file, propertiesOf(folder, { port, controllerPort, ...secure }, options.settings))
  const classPath = join(binary.libs, '*')
  const clusterId = randomBytes(16).toString('base64url')
  runJava(
    [
      ...quickStart,
      '-Xmx128m',
      ...java.filter((one) => one.startsWith('-XX:SharedArchiveFile')),
      '-cp',
      classPath,
      'kafka.tools.StorageTool',
      'format',
      // In one word: an id may begin with a dash.
      `--cluster-id=${clusterId}`,
      '-c',
      file,
    ],
    folder,
  )
  const place: KafkaPlace = {
    folder,
    program: 'java',
    args: [...java, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, 'kafka.Kafka', file],
    startMs,
    port,
    ...secure,
  }
  if (options.outlives !== true) own(place)
  const server = kafkaAt(place)
  try {
    await server.start()
  } catch (error) {
    server.remove()
    throw error
  }
  return server
}

/** The server of a place, running or not. */
export function kafkaAt(place: KafkaPlace): KafkaServer {
  const { port, securePort, folder } = place
  return {
    ...daemonAt(place, () => answers(port)),
    place,
    url: `127.0.0.1:${port}`,
    ...(securePort === undefined
      ? {}
      : { secure: { url: `127.0.0.1:${securePort}`, ca: readFileSync(join(folder, 'certificate.pem'), 'utf8') } }),
  }
}

interface Ports {
  readonly port: number
  readonly controllerPort: number
  readonly securePort?: number
}

function propertiesOf(
  folder: string,
  { port, controllerPort, securePort }: Ports,
  settings: Readonly<Record<string, string>> = {},
): string {
  const listeners = [`PLAINTEXT://127.0.0.1:${port}`, ...(securePort === undefined ? [] : [`SECURE://127.0.0.1:${securePort}`])]
  const one = '1'
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': one,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': listeners.join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': one,
    'transaction.state.log.replication.factor': one,
    'transaction.state.log.min.isr': one,
    'share.coordinator.state.topic.replication.factor': one,
    'share.coordinator.state.topic.min.isr': one,
    'group.initial.rebalance.delay.ms': '0',
    // What fifty partitions of a test need of a server of its own.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    ...(securePort === undefined ? {} : secureSettings(folder)),
    ...settings,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function secureSettings(folder: string): Readonly<Record<string, string>> {
  const users = [kafkaUser, kafkaGuest].map(({ username, password }) => `user_${username}="${password}"`).join(' ')
  return {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:ANONYMOUS;User:${kafkaUser.username}`,
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.secure.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    'listener.name.secure.ssl.keystore.location': join(folder, 'keystore.p12'),
    'listener.name.secure.ssl.keystore.password': storePassword,
    'listener.name.secure.ssl.keystore.type': 'PKCS12',
  }
}

/** A certificate that is its own authority, with the tool that comes with Java. */
function makeCertificate(folder: string): void {
  const store = ['-keystore', join(folder, 'keystore.p12'), '-storetype', 'PKCS12', '-storepass', storePassword, '-alias', 'kafka']
  const quickly = quickStart.map((option) => `-J${option}`)
  runJava(
    [
      ...quickly,
      '-genkeypair',
      ...store,
      '-keyalg',
      'EC',
      '-groupname',
      'secp256r1',
      '-dname',
      'CN=127.0.0.1',
      '-ext',
      'SAN=ip:127.0.0.1',
      '-validity',
      '3650',
    ],
    folder,
    'keytool',
  )
  runJava([...quickly, '-exportcert', ...store, '-rfc', '-file', join(folder, 'certificate.pem')], folder, 'keytool')
}

function runJava(args: readonly string[], cwd: string, program = 'java'): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} failed: ${[error?.message, stdout, stderr].filter(Boolean).join('\n').slice(-2_000)}`)
}

/** Whether a broker answers what every client asks first: which versions of requests it knows. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(1_000, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    socket.once('data', () => end(true))
    // Its length, then the kind of request, its version, a number to recognise the answer by, and no name of a client.
    const request = Buffer.alloc(14)
    request.writeInt32BE(10, 0)
    request.writeInt16BE(18, 4)
    request.writeInt32BE(1, 8)
    request.writeInt16BE(-1, 12)
    socket.once('connect', () => socket.write(request))
  })
}
