/** The role whose holder does everything for the runs of one slot: `<workflow>/<slot>`, with `%` and `/` escaped in the name. */
export function roleOf(workflowName: string, slot: number): string {
  return `${workflowName.replaceAll('%', '%25').replaceAll('/', '%2F')}/${slot}`
}

/**
 * Proof of having been given a role. Tokens grow with every new holder; two are comparable only when role and domain
 * are equal: a restored or replaced lease store opens a new domain.
 */
export interface Fence {
  readonly role: string
  readonly domain: string
  readonly token: bigint
}
