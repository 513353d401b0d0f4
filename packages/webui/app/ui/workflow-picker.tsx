/** Goes to the same page of another workflow. */
import type { JSX } from 'preact'
import { useSite } from './site.ts'

export function WorkflowPicker({
  page,
  workflow,
}: {
  readonly page: 'runs' | 'workflow' | 'analytics'
  readonly workflow: string
}): JSX.Element | null {
  const site = useSite()
  const workflows = site.session.value.value?.workflows ?? []
  if (workflows.length < 2) return null
  return (
    <label class="field">
      <span class="unseen">Workflow</span>
      <select value={workflow} onChange={(event) => site.go({ page, workflow: event.currentTarget.value })}>
        {workflows.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
