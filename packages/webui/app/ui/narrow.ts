/** Whether the window is as narrow as a phone's: the same width as in the style sheets. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

const query = '(max-width: 720px)'

export function useNarrow(): boolean {
  const narrow = useSignal(matchMedia(query).matches)
  useEffect(() => {
    const media = matchMedia(query)
    const changed = (): void => {
      narrow.value = media.matches
    }
    media.addEventListener('change', changed)
    return () => media.removeEventListener('change', changed)
  }, [])
  return narrow.value
}
