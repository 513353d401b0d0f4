/** `#pages` as the package is built: the module that pages.ts writes. */
import type { PageFiles } from '../src/server/page-files.ts'

export declare const pages: PageFiles
