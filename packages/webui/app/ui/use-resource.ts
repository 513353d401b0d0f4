/** A resource for as long as a part of the page is shown, kept fresh by what is heard. */
import { useEffect, useMemo } from 'preact/hooks'
import type { ChangeJson } from '../../src/api/change-json.ts'
import type { Ask } from '../data/api-client.ts'
import { type Resource, resource } from '../live/resource.ts'
import { timer, useSite } from './site.ts'

/**
 * `key`: what is asked for; another key is another resource. `concerns`: whether a change is one of what is shown. `isPartial`: whether
 * the rest of an answer comes later, so that it is asked for again.
 */
export function useResource<T>(
  key: string,
  load: (ask: Ask, signal: AbortSignal) => Promise<T>,
  concerns: (change: ChangeJson) => boolean,
  isPartial: (value: T) => boolean = () => false,
): Resource<T> {
  const site = useSite()
  const made = useMemo(() => resource((signal) => load(site.ask, signal), { setTimer: timer }), [key])
  useEffect(() => {
    void made.reload()
    const settled = made.value.subscribe((value) => {
      if (value !== undefined && isPartial(value)) made.refresh()
    })
    const deaf = site.hear((change) => {
      if (change === undefined || concerns(change)) made.refresh()
    })
    return () => {
      settled()
      deaf()
      made.dispose()
    }
  }, [made])
  return made
}
