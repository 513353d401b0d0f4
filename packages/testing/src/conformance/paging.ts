/** Walking through pages, with a look at each promise that a page makes. */
import type { Page, PageOptions } from '@workflow/core/adapter'
import { checkThat } from './check.ts'

/** No listing of a case is longer; more pages than this means that they go round in a circle. */
const pagesMax = 10_000

/** Every item of a listing, page by page. `between` runs after each page. */
export async function allPages<T>(
  read: (page: PageOptions) => Promise<Page<T>>,
  limit: number,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly T[]> {
  const all: T[] = []
  let after: string | undefined
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await read({ limit, ...(after === undefined ? {} : { after }) })
    checkThat(page.items.length <= limit, 'a page holds at most `limit` items', `${page.items.length} items for a limit of ${limit}`)
    all.push(...page.items)
    if (page.next === undefined) return all
    after = page.next
    await between()
  }
  checkThat(false, 'pages come to an end', `there were more than ${pagesMax}`)
}
