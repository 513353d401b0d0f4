/** What a sign-up goes through: statuses, exits and the shape of its data. No code, so anybody may import it. */
import { unchecked, workflow } from '@workflow/core'

export interface SignUp {
  email: string
  /** Filled in by the first step. */
  accountId?: string
}

export const signUps = workflow('sign-up', {
  object: unchecked<SignUp>(),
  graph: {
    received: { step: ['created'] },
    created: { step: ['welcomed'] },
    welcomed: {},
  },
})
