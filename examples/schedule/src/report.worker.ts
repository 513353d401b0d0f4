import { reports } from './report.contract.ts'

export const reportDefinition = reports
  .addStep('due', async (run) => {
    run.object.rows = 42
    return 'collected'
  })
  .addStep('collected', async () => 'sent')
  // A hook: called after the fact, at least once for each run.
  .onComplete(async (run) => console.log(`sent a report of ${run.object.rows} rows`))
