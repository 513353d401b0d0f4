/** Units that were refused, sent once more; and what a purge leaves behind. */
import { slotOf } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { temporaryFolder } from './database-file.ts'
import { layout, slots, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'

test.each(['conflict', 'finished'] as const)(
  'a unit that was refused (%s) is refused again, and not taken for committed',
  async (reason) => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using database = sqlite({ file })
    await database.eventStreamer.ensure(layout)
    const store = database.recordStore
    await store.commit(unitOf('run', 1))
    const unit = {
      id: 'u',
      append: [
        {
          runId: reason === 'conflict' ? 'run' : 'nobody',
          stream: 's',
          id: 'item',
          body: { bytes: new Uint8Array(1), codec: 'json', schema: 1 },
          ifUnfinished: true,
          ...(reason === 'conflict' ? { ifVersion: 7 } : {}),
        },
      ],
      emit: [
        {
          v: 1 as const,
          kind: 'wake' as const,
          workflowName,
          foreignId: 'order of run',
          runId: 'run',
          version: 1,
          status: 'created',
          states: ['Running' as const],
          topics: [topic],
          slot: slotOf('run', slots),
          at: new Date(),
        },
      ],
    }
    expect(await store.commit(unit)).toMatchObject({ ok: false, reason })
    expect(await store.commit(unit)).toMatchObject({ ok: false, reason })
    expect((await store.items('run', 's', { limit: 10 })).items).toEqual([])
  },
)
