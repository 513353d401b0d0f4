/** A block at the bottom of the terminal that is drawn anew a few times a second; notes go above it and stay. */
import { stripVTControlCharacters, styleText } from 'node:util'
import { isOver, type Progress } from './progress.ts'
import { grouped, perSecond, seconds, spelled, type View } from './view.ts'

export interface Screen {
  readonly columns: number
  readonly rows: number
  write(text: string): unknown
}

type Style = Parameters<typeof styleText>[0]

const hideCursor = '\u001B[?25l'
const showCursor = '\u001B[?25h'
const clearDown = '\u001B[0J'
const barWidthMax = 48
/** What the block needs; on anything smaller it could not be drawn over. */
export const rowsMin = 18
export const columnsMin = 50

export class TerminalView implements View {
  readonly intervalMs = 150
  readonly #screen: Screen
  readonly #paint: (style: Style, text: string) => string
  #progress: Progress | undefined
  #question: string | undefined
  /** Lines of the block on the screen now. */
  #drawn = 0
  #ended = false

  constructor(screen: Screen, colours: boolean) {
    this.#screen = screen
    this.#paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text)
    screen.write(hideCursor)
  }

  show(progress: Progress): void {
    this.#progress = progress
    this.#draw()
  }

  note(line: string): void {
    this.#draw(line)
  }

  ask(question: string | undefined): void {
    this.#question = question
    this.#draw()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#question = undefined
    this.#draw()
    this.#drawn = 0
    this.#screen.write(showCursor)
  }

  /** One write per picture, so that it does not flicker. */
  #draw(note?: string): void {
    const lines = this.#progress === undefined ? [] : this.#block(this.#progress).map((line) => this.#fitted(line))
    const up = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A`
    this.#screen.write(`${up}\r${clearDown}${note === undefined ? '' : `${note}\n`}${lines.map((line) => `${line}\n`).join('')}`)
    this.#drawn = lines.length
  }

  #block(progress: Progress): string[] {
    const { failures, retries, processes, paused } = progress
    const width = Math.max(...progress.statuses.map(({ count }) => grouped(count).length))
    const rows = (terminal: boolean): string[] =>
      progress.statuses
        .filter((each) => each.terminal === terminal)
        .map(({ status, count }) => this.#row(spelled(status), grouped(count).padStart(width), count === 0, terminal))
    const troubles = `${grouped(failures)} attempts failed, ${grouped(retries)} of them tried again so far`
    return [
      '',
      this.#bar(progress),
      '',
      ...rows(false),
      this.#paint('dim', `  ${'·'.repeat(20 + width)}`),
      ...rows(true),
      '',
      `  ${this.#paint(failures === 0 ? 'dim' : 'yellow', troubles)}${processes > 1 ? this.#paint('cyan', `   ${processes} processes share the work`) : ''}`,
      ...(paused === 0 ? [] : [this.#paint('red', `  ${grouped(paused)} paused: they need a person`)]),
      ...(this.#ended ? [] : [this.#footer()]),
    ]
  }

  #footer(): string {
    if (this.#question !== undefined) return this.#paint('bold', `  ${this.#question}`)
    return this.#paint('dim', '  Ctrl-C stops. Even kill -9 loses nothing: npm start goes on.')
  }

  #bar(progress: Progress): string {
    const { finished, total, intake, elapsedMs } = progress
    const share = total === 0 ? 0 : finished / total
    const rate = isOver(progress) ? [] : [perSecond(progress.perSecond)]
    const reach = `${grouped(finished)} of ${grouped(total)}${intake.state === 'finished' ? '' : '+'}`
    const numbers = [reach, `${Math.floor(share * 100)} %`, ...rate, seconds(elapsedMs)].join('  ')
    const width = Math.max(8, Math.min(barWidthMax, this.#screen.columns - numbers.length - 6))
    const full = Math.floor(share * width)
    return `  ${this.#paint('green', '█'.repeat(full))}${this.#paint('dim', '░'.repeat(width - full))}  ${numbers}`
  }

  #row(name: string, count: string, none: boolean, terminal: boolean): string {
    const text = `  ${name.padEnd(20)}${count}`
    return none ? this.#paint('dim', text) : terminal ? this.#paint('green', text) : text
  }

  /** A line that wraps would be two lines, and the next picture would be drawn in the wrong place. */
  #fitted(line: string): string {
    const plain = stripVTControlCharacters(line)
    return plain.length < this.#screen.columns ? line : plain.slice(0, this.#screen.columns - 1)
  }
}
