import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Report } from './member-process.ts'

/** A member in a process of its own, as its parent sees it. */
export class MemberChild {
  readonly process: ChildProcess
  report: Report = { held: 0, taken: 0, lost: 0, cpuMs: 0, memory: 0 }

  constructor(endpoints: readonly string[], prefix: string, instance: string, roles: number, lease = '3s') {
    const file = new URL('member-process.ts', import.meta.url)
    this.process = fork(file, [endpoints.join(), prefix, instance, String(roles), lease], { execArgv: ['--conditions=@workflow/source'] })
    // Nothing else is sent.
    this.process.on('message', (report) => {
      this.report = report as Report
    })
  }

  /** Asks for a report, which comes later. */
  ask(): void {
    this.process.send('report')
  }

  /** Gives everything back, and ends. */
  async leave(): Promise<void> {
    this.process.send('leave')
    await this.#ended()
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.#ended()
  }

  async #ended(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit')
  }
}

/** Whether every role is with one member, and none has two more than another. */
export function isEven(members: readonly MemberChild[], roles: number): boolean {
  const counts = members.map(({ report }) => report.held)
  return counts.reduce((sum, count) => sum + count, 0) === roles && Math.max(...counts) - Math.min(...counts) <= 1
}
