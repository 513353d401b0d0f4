/** Work that makes many events of one topic per run: a ticket is stamped again and again. */
import { type Contract, type Definition, type Schema, unchecked, workflow } from '@workflow/core'

export interface Ticket {
  /** How many stamps are still to come. */
  stamps: number
}

const graph = { printed: { step: ['stamped'] }, stamped: { step: ['used'] }, used: {} } as const

export type Tickets = Contract<'tickets', Schema<Ticket>, typeof graph>
export const tickets: Tickets = workflow('tickets', { object: unchecked<Ticket>(), graph })

/** Events of one run, those of its start and end included. */
export const eventsPerRun = 8

export const initialValue: Ticket = { stamps: eventsPerRun - 2 }

export function ticketDefinition(): Definition<Tickets> {
  return tickets
    .addStep('printed', async (run) => {
      run.object.stamps -= 1
      return 'stamped'
    })
    .addStep('stamped', async (run) => {
      if (run.object.stamps === 0) return 'used'
      run.object.stamps -= 1
      return run.saveAndRepeat()
    })
}
