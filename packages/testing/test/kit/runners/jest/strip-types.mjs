/** What Node does with TypeScript by itself, for a runner that loads modules in its own way. */
import { stripTypeScriptTypes } from 'node:module'

// Its runner wants it so.
// oxlint-disable-next-line import/no-default-export
export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) }
