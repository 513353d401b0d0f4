/** Where Kafka is on this machine: its jar files, from a folder of the system or fetched once with Maven, and a Java that runs them. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface KafkaBinary {
  /** E.g. `4.1.0`. */
  readonly version: string
  /** The folder with the jar files. */
  readonly libs: string
  /** Where they come from, for messages. */
  readonly origin: string
}

/** The version that is fetched where there is none. */
export const kafkaVersion = '4.1.0'

const javaMin = 17

/** What can be started here as it is: the one that was fetched, else that of `KAFKA_HOME`. */
export function kafkaBinary(): KafkaBinary | undefined {
  if (!hasJava()) return undefined
  const home = process.env['KAFKA_HOME']
  const places = [
    { libs: join(cache(), 'libs'), origin: 'fetched with Maven' },
    ...(home === undefined ? [] : [{ libs: join(home, 'libs'), origin: 'KAFKA_HOME' }]),
  ]
  for (const { libs, origin } of places) {
    const version = existsSync(libs)
      ? readdirSync(libs).flatMap((name) => /^kafka_2\.13-(\d+\.\d+\.\d+)\.jar$/.exec(name)?.[1] ?? [])[0]
      : undefined
    // Older ones know nothing of a quorum of their own by default.
    if (version !== undefined && Number.parseInt(version, 10) >= 4) return { version, libs, origin }
  }
  return undefined
}

/** The jar files, fetched if need be: 43 MB. Safe when two do it at once. Throws with what a person has to do. */
export async function installKafka(): Promise<KafkaBinary> {
  const found = kafkaBinary()
  if (found !== undefined) return found
  if (!hasJava()) throw new Error(`install Java ${javaMin} or newer, which runs Kafka`)
  if (spawnSync('mvn', ['-v']).status !== 0)
    throw new Error('install Maven, with which Kafka is fetched, or set KAFKA_HOME to a folder of Kafka 4 or newer')
  mkdirSync(join(cache(), '..'), { recursive: true })
  // Beside the cache, so that moving it there is one step: another who fetches at the same time sees all of it or nothing.
  const work = mkdtempSync(`${cache()}-`)
  try {
    writeFileSync(join(work, 'pom.xml'), project)
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=libs'], work)
    try {
      renameSync(work, cache())
    } catch (error) {
      // Somebody else was first.
      if (kafkaBinary() === undefined) throw error
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  const fetched = kafkaBinary()
  if (fetched === undefined) throw new Error(`Maven has put no Kafka into ${cache()}`)
  return fetched
}

const project = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>workflow</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

function cache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'workflow-services', `kafka-${kafkaVersion}`)
}

/** Where the archive of its classes is, or is to be: for this Kafka from this folder, on this Java. */
export function kafkaClassArchive({ version, libs }: KafkaBinary): string {
  const name = createHash('sha256').update(`${libs}\n${javaVersion()}`).digest('hex').slice(0, 16)
  return join(cache(), '..', `kafka-${version}-classes-${name}.jsa`)
}

function hasJava(): boolean {
  return Number(/version "(\d+)/.exec(javaVersion())?.[1] ?? 0) >= javaMin
}

/** What Java says of itself; empty where there is none. */
function javaVersion(): string {
  const { status, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  return status === 0 ? stderr : ''
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (text: string): void => {
    output = `${output}${text}`.slice(-2_000)
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  const status = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${output}`)
}
