import type { HandlerContext } from '@workflow/core'
import { waitsVirtually } from '../virtual-wait.ts'

/**
 * A mock of something that never answers: time passes until the handler's deadline, then it fails with what its signal
 * says. Takes whatever has the signal: a run, or a connector's or hook's context.
 */
export function neverAnswers({ signal }: Pick<HandlerContext, 'signal'>): Promise<never> {
  const over = waitsVirtually()
  return new Promise<never>((_resolve, reject) => {
    const end = (): void => {
      over()
      reject(signal.reason)
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
