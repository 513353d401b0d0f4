import { testKit } from '@workflow/testing'
import { expect, test } from 'vitest'
import { signUpDefinition } from './sign-up.worker.ts'

test('an account is created once, whatever goes wrong meanwhile', async () => {
  let crashes = 2
  await using kit = testKit(signUpDefinition, {
    steps: {
      received: async (_run, real) => {
        const to = await real()
        if (crashes-- > 0) throw new Error('the account was created, and then the connection was lost')
        return to
      },
      created: 'welcomed',
    },
  })
  await kit.trigger('user-7', { initialValue: { email: 'ada@example.org' } })
  const run = await kit.waitForCompletion('user-7')
  expect(run.object.accountId).toBe('account of user-7')
  expect(kit.calls('step', 'received')).toHaveLength(3)
})
