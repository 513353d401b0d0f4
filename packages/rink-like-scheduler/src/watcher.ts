/**
 * Keeps a view of what is in etcd: reads it once, and then hears of every change. It outlives terms of membership, so that one
 * who lost its lease in an overload does not add to it by reading everything again.
 */
import { backOffMs, Wakeup } from '@workflow/core/adapter'
import { readDomain } from './domain.ts'
import type { EtcdDriver } from './driver.ts'
import { isReplaced } from './etcd-error.ts'
import type { Keys } from './keys.ts'
import type { Settings } from './settings.ts'
import { View } from './view.ts'

export interface WatcherEvents {
  readonly changed: () => void
  /** etcd is not the store that it was. The view is of what it is now. */
  readonly replaced: () => void
}

/** How long a watch may say nothing while etcd is written to, before somebody asks whether it has missed something. */
const silenceMs = 10_000

export class Watcher {
  readonly view: View
  readonly #driver: EtcdDriver
  readonly #keys: Keys
  readonly #settings: Settings
  readonly #events: WatcherEvents
  readonly #stop = new AbortController()
  #watching = new AbortController()
  #loaded: Promise<void> | undefined
  #heard = 0
  readonly #arrivals = new Set<{ readonly revision: bigint; readonly arrived: () => void }>()

  constructor(driver: EtcdDriver, keys: Keys, settings: Settings, events: WatcherEvents) {
    this.#driver = driver
    this.#keys = keys
    this.#settings = settings
    this.#events = events
    this.view = new View(keys)
  }

  /** Reads what is there, the first time. Throws what etcd says; then the next call tries again. */
  open(): Promise<void> {
    this.#loaded ??= this.#load().then(
      () => void this.#follow(),
      (error: unknown) => {
        this.#loaded = undefined
        throw error
      },
    )
    return this.#loaded
  }

  stop(): void {
    this.#stop.abort()
    this.#watching.abort()
  }

  /** Which store this is, and which history of it: tokens of one domain are comparable. */
  domain(): string {
    // A store that was copied to another cluster has other revisions.
    return this.#domainOf(this.view.domain)
  }

  #domainOf(value: string | undefined): string {
    return `${readDomain(value)?.name ?? ''}@${this.#driver.clusterId() ?? ''}`
  }

  /** Waits until the view has what was written at a revision. Throws `signal.reason`. */
  async reached(revision: bigint, signal: AbortSignal): Promise<void> {
    if (this.view.revision >= revision) return
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#arrivals.delete(arrival)
        signal.removeEventListener('abort', onAbort)
      }
      const arrival = {
        revision,
        arrived: () => {
          end()
          resolve()
        },
      }
      const onAbort = (): void => {
        end()
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort)
      this.#arrivals.add(arrival)
    })
  }

  /**
   * etcd is at another revision than the view: that may be of others' keys, or the watch is dead, and nobody has noticed. On an etcd
   * that others write to, too, it is the former every time: so this asks for what was missed, instead of reading all anew.
   */
  suspectSilence(revision: bigint): void {
    const now = this.#settings.clock.monotonic()
    if (revision === this.view.revision || now - this.#heard < silenceMs) return
    this.#heard = now
    void this.#probe(this.#watching)
  }

  /** Ends the watch if it has missed something. Does not reject. */
  async #probe(watching: AbortController): Promise<void> {
    const { revision, size } = this.view
    try {
      if ((await this.#driver.hasChanged(this.#keys.root, revision, size)) && this.view.revision === revision) watching.abort()
    } catch (error) {
      // Anything else is tried again when it is silent for as long again.
      if (isReplaced(error)) watching.abort()
    }
  }

  async #load(): Promise<void> {
    const { entries, revision } = await this.#driver.read(this.#keys.root)
    this.view.load(entries, revision)
  }

  async #follow(): Promise<void> {
    const { clock, random } = this.#settings
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        if (failures > 0) {
          await new Wakeup().waitAtMost(this.#stop.signal, clock, backOffMs(failures, random, { firstMs: 20, maxMs: 500 }))
          await this.#verify()
        }
        // What ends a watch is of that watch: one that begins after the end would never hear of it.
        if (this.#stop.signal.aborted) return
        this.#watching = new AbortController()
        this.#heard = clock.monotonic()
        for await (const batch of this.#driver.watch(this.#keys.root, this.view.revision + 1n, this.#watching.signal)) {
          failures = 0
          this.#heard = clock.monotonic()
          if ('compacted' in batch) {
            await this.#load()
            this.#tell()
            break
          }
          this.view.apply(batch.changes)
          this.#tell()
        }
        failures = 1
      } catch {
        // Until it works, or this ends: leases end by themselves meanwhile.
        failures++
      }
    }
  }

  /** Between two connections the store may have been replaced by one of the past, or by another: then nothing of the view holds. */
  async #verify(): Promise<void> {
    const domain = this.domain()
    try {
      const { results } = await this.#driver.transact({ conditions: [], operations: [{ type: 'get', key: this.#keys.domain }] })
      if (this.#domainOf(results[0]?.entries[0]?.value) === domain && !this.#driver.hasGoneBack()) {
        const { entries, revision } = await this.#driver.read(this.#keys.root)
        const same = this.view.isPastOf(entries)
        this.view.load(entries, revision)
        if (same) return this.#tell()
        this.#driver.noteGoneBack()
      }
    } catch (error) {
      if (!isReplaced(error)) throw error
    }
    await this.#load()
    this.#events.replaced()
    this.#tell()
  }

  #tell(): void {
    for (const { revision, arrived } of this.#arrivals) if (this.view.revision >= revision) arrived()
    this.#events.changed()
  }
}
