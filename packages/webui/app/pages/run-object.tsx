/** A run's object, and how it differs from what it was at an earlier version. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { HistoryEntryJson, ObjectJson, RunDetailJson } from '../../src/api/run-json.ts'
import { ApiFault, workflowPath } from '../data/api-client.ts'
import { type DiffLine, objectDiff, objectLines } from '../data/object-diff.ts'
import { FaultNote, Panel } from '../ui/parts.tsx'
import { useSite } from '../ui/site.ts'

interface RunObjectProps {
  readonly run: RunDetailJson
  readonly history: readonly HistoryEntryJson[]
}

export function RunObject({ run, history }: RunObjectProps): JSX.Element {
  const site = useSite()
  const earlier = useSignal<ReadonlyMap<number, ObjectJson> | undefined>(undefined)
  const fault = useSignal<ApiFault | undefined>(undefined)
  const [before, after] = [useSignal<number | undefined>(undefined), useSignal(run.version)]
  const load = async (): Promise<void> => {
    try {
      earlier.value = await objectsOf(site.ask, run)
      before.value = [...earlier.value.keys()].filter((version) => version < run.version).at(-1)
      fault.value = undefined
    } catch (error) {
      fault.value = error instanceof ApiFault ? error : new ApiFault('NotUnderstood', String(error), 500)
    }
  }
  const objectAt = (version: number | undefined): ObjectJson | undefined =>
    version === undefined ? undefined : (earlier.value?.get(version) ?? (version === run.version ? run.object : undefined))
  const versions = [...new Set([...(earlier.value?.keys() ?? []), run.version])]
  return (
    <Panel title="Object">
      <div class="stack">
        {fault.value === undefined ? null : <FaultNote fault={fault.value} retry={() => void load()} />}
        {earlier.value !== undefined ? (
          <div class="filters">
            <Version label="From version" versions={versions} value={before.value} onChange={(version) => (before.value = version)} />
            <Version
              label="To version"
              versions={versions}
              value={after.value}
              onChange={(version) => (after.value = version ?? run.version)}
            />
          </div>
        ) : history.length > 1 ? (
          <div>
            <button type="button" class="button" onClick={() => void load()}>
              Compare versions
            </button>
          </div>
        ) : null}
        <ObjectView before={objectAt(before.value)} after={objectAt(after.value) ?? run.object} />
      </div>
    </Panel>
  )
}

/** Of the versions whose objects are kept, oldest first; a run with many versions from its beginning. */
async function objectsOf(ask: ReturnType<typeof useSite>['ask'], run: RunDetailJson): Promise<ReadonlyMap<number, ObjectJson>> {
  const objects = new Map<number, ObjectJson>()
  let cursor: string | undefined
  do {
    const parameters = new URLSearchParams({ objects: 'true', limit: '50', ...(cursor === undefined ? undefined : { cursor }) })
    const path = `${workflowPath(run.workflow, 'runs', run.runId, 'history')}?${parameters.toString()}`
    const page = await ask<{ readonly items: readonly HistoryEntryJson[]; readonly cursor?: string }>(path)
    for (const { version, object } of page.items) if (object !== undefined) objects.set(version, object)
    cursor = page.cursor
  } while (cursor !== undefined && objects.size < versionsMax)
  return objects
}

const versionsMax = 500

interface VersionProps {
  readonly label: string
  readonly versions: readonly number[]
  readonly value: number | undefined
  readonly onChange: (version: number | undefined) => void
}

function Version({ label, versions, value, onChange }: VersionProps): JSX.Element {
  return (
    <label class="field">
      {label}
      <select
        value={String(value ?? '')}
        onChange={({ currentTarget }) => onChange(currentTarget.value === '' ? undefined : Number(currentTarget.value))}
      >
        <option value="">none</option>
        {versions.map((version) => (
          <option key={version} value={String(version)}>
            {version}
          </option>
        ))}
      </select>
    </label>
  )
}

function ObjectView({ before, after }: { readonly before: ObjectJson | undefined; readonly after: ObjectJson }): JSX.Element {
  if (after.kind === 'deleted') return <p class="soft">Its data has been deleted.</p>
  if (after.kind === 'hidden') return <p class="soft">Hidden: this server does not show it.</p>
  if (after.kind === 'unreadable') return <p class="note">It cannot be read: {after.message}</p>
  const lines = before?.kind === 'value' ? objectDiff(before.value, after.value) : objectLines(after.value)
  return (
    <div class="json mono" tabIndex={0} role="group" aria-label="Object">
      {lines.map((line, i) => (
        <Line key={i} line={line} />
      ))}
    </div>
  )
}

function Line({ line: { kind, depth, text } }: { readonly line: DiffLine }): JSX.Element {
  const sign = kind === 'added' ? '+ ' : kind === 'removed' ? '− ' : '  '
  return <div class={kind}>{`${sign}${'  '.repeat(depth)}${text}`}</div>
}
