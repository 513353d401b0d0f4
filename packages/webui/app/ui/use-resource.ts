/** A resource for as long as a part of the page is shown, kept fresh by what is heard. */
import { useEffect, useMemo } from 'preact/hooks'
import type { ChangeJson } from '../../src/api/change-json.ts'
import type { Ask } from '../data/api-client.ts'
import { type Resource, resource } from '../live/resource.ts'
import { timer, useSite } from './site.ts'

/**
 * All viewers share some answers, for two seconds where they took little: so long after what was heard last, and after the page was
 * opened, the answer may still be one from before.
 */
const sharedMs = 2_100

/**
 * `key`: what is asked for; another key is another resource. `concerns`: whether a change is one of what is shown. `isPartial`: whether
 * the rest of an answer comes later, so that it is asked for again. `isShared`: whether all viewers share an answer for a while.
 */
export function useResource<T>(
  key: string,
  load: (ask: Ask, signal: AbortSignal) => Promise<T>,
  concerns: (change: ChangeJson) => boolean,
  isPartial: (value: T) => boolean = () => false,
  isShared = false,
): Resource<T> {
  const site = useSite()
  const made = useMemo(() => resource((signal) => load(site.ask, signal), { setTimer: timer }), [key])
  useEffect(() => {
    let cancelLast = (): void => undefined
    const askLast = (): void => {
      cancelLast()
      if (isShared) cancelLast = timer(sharedMs, () => made.refresh())
    }
    void made.reload()
    askLast()
    const settled = made.value.subscribe((value) => {
      if (value !== undefined && isPartial(value)) made.refresh()
    })
    const deaf = site.hear((change) => {
      if (change !== undefined && !concerns(change)) return
      made.refresh()
      askLast()
    })
    return () => {
      settled()
      deaf()
      cancelLast()
      made.dispose()
    }
  }, [made])
  return made
}
