/** What is done at each status. Returning a status that the graph does not allow is a compile error. */
import { signUps } from './sign-up.contract.ts'

export const signUpDefinition = signUps
  .addStep('received', async (run) => {
    // A step may run again after a crash: whatever it creates is named by a key that stays the same then.
    run.object.accountId = `account of ${run.foreignId}`
    return 'created'
  })
  .addStep('created', async (run) => {
    console.log(`Welcome, ${run.object.email}!`)
    return 'welcomed'
  })
