/** Plain lines, for logs, pipes and screens that cannot be drawn on. */
import type { Progress } from './progress.ts'
import { grouped, perSecond, seconds, spelled, type View } from './view.ts'

export class PlainView implements View {
  readonly intervalMs = 1_000
  readonly #write: (line: string) => void

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  show(progress: Progress): void {
    const { elapsedMs, finished, total, intake, failures, retries, processes } = progress
    const counts = progress.statuses.filter(({ count }) => count > 0).map(({ status, count }) => `${spelled(status)} ${grouped(count)}`)
    const parts = [
      `${grouped(finished)}/${grouped(total)}${intake.state === 'finished' ? '' : '+'} done`,
      perSecond(progress.perSecond),
      ...(counts.length === 0 ? [] : [counts.join(', ')]),
      `${grouped(failures)} failures, ${grouped(retries)} retries`,
      ...(progress.paused === 0 ? [] : [`${grouped(progress.paused)} paused`]),
      ...(processes > 1 ? [`${processes} processes`] : []),
    ]
    this.#write(`${seconds(elapsedMs).padStart(6)}  ${parts.join(' | ')}`)
  }

  note(line: string): void {
    this.#write(line)
  }

  ask(question: string | undefined): void {
    if (question !== undefined) this.#write(question)
  }

  end(): void {}
}
