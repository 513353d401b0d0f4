import { inject, onTestFinished } from 'vitest'
import { freshDatabase } from '../src/fresh-database.ts'

const server = inject('sqlExampleServer')

/** Whether there is a server; `global-setup.ts` has said why, if not. */
export const hasServer: boolean = server !== undefined

/** The URL of an empty database that goes when the test ends. */
export async function testDatabase(): Promise<string> {
  const database = await freshDatabase(server ?? '')
  onTestFinished(() => database[Symbol.asyncDispose]())
  return database.url
}
