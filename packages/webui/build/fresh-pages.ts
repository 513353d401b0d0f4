/** `#pages` within the workspace: built when they are first asked for, so that nothing has to be built before. */
import type { PageFiles } from '../src/server/page-files.ts'
import { buildPages } from './pages.ts'

export const pages: PageFiles = await buildPages()
