/** The fields of the filter, and the filters that somebody has given a name. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { metadataOf, metadataText, type RunQuery, type RunState, runParameters, runQueryOf, runStates } from '../data/run-query.ts'
import { forgetView, type SavedView, saveView, savedViews } from '../data/saved-views.ts'
import { useNarrow } from '../ui/narrow.ts'
import { stateName } from '../ui/parts.tsx'

export interface RunFiltersProps {
  readonly workflow: string
  readonly statuses: readonly string[]
  readonly query: RunQuery
  readonly onChange: (query: RunQuery) => void
}

export function RunFilters(props: RunFiltersProps): JSX.Element {
  const { query, onChange } = props
  const narrow = useNarrow()
  const chosen = new Set(query.state)
  const toggle = (state: RunState): void => {
    const next = runStates.filter((one) => (one === state ? !chosen.has(one) : chosen.has(one)))
    onChange({ ...query, state: next })
  }
  return (
    <div class="stack">
      <div class="chips" role="group" aria-label="Run states">
        {runStates.map((state) => (
          <button key={state} type="button" class="chip" aria-pressed={chosen.has(state)} onClick={() => toggle(state)}>
            {stateName(state)}
          </button>
        ))}
      </div>
      {narrow ? (
        <details open={Object.keys(query).some((name) => name !== 'state')}>
          <summary>More filters</summary>
          <Fields {...props} />
        </details>
      ) : (
        <Fields {...props} />
      )}
      <Views {...props} />
    </div>
  )
}

function Fields({ statuses, query, onChange }: RunFiltersProps): JSX.Element {
  const many = (query.status?.length ?? 0) > 1
  return (
    <div class="filters">
      <TextField label="Foreign id" value={query.foreignId} slash onChange={(foreignId) => onChange({ ...query, foreignId })} />
      <label class="field">
        Status
        <select
          value={many ? '\n' : (query.status?.[0] ?? '')}
          onChange={({ currentTarget: { value } }) => onChange({ ...query, status: value === '' ? [] : [value] })}
        >
          <option value="">any</option>
          {many ? <option value={'\n'}>{query.status?.join(', ')}</option> : null}
          {[...new Set([...statuses, ...(many ? [] : (query.status ?? []))])].map((status) => (
            <option key={status} value={status}>
              {status}
            </option>
          ))}
        </select>
      </label>
      <TextField
        label="Metadata"
        hint="key=value"
        value={metadataText(query.metadata)}
        onChange={(text) => {
          onChange(withMetadata(query, text))
        }}
      />
      <TextField label="Parent run" value={query.parentRunId} onChange={(parentRunId) => onChange({ ...query, parentRunId })} />
      <TextField
        label="Created after"
        hint="2026-01-31T12:00Z"
        value={query.createdAfter}
        onChange={(createdAfter) => onChange({ ...query, createdAfter })}
      />
      <TextField
        label="Created before"
        hint="2026-01-31"
        value={query.createdBefore}
        onChange={(createdBefore) => onChange({ ...query, createdBefore })}
      />
      <TextField
        label="Not updated since"
        hint="2026-01-31"
        value={query.updatedBefore}
        onChange={(updatedBefore) => onChange({ ...query, updatedBefore })}
      />
      <label class="field">
        Order
        <select
          value={query.order ?? 'newest'}
          onChange={({ currentTarget: { value } }) => onChange({ ...query, order: value === 'oldest' ? 'oldest' : 'newest' })}
        >
          <option value="newest">newest first</option>
          <option value="oldest">oldest first</option>
        </select>
      </label>
    </div>
  )
}

function withMetadata({ metadata, ...rest }: RunQuery, text: string): RunQuery {
  const next = text === metadataText(metadata) ? metadata : metadataOf(text)
  return next === undefined ? rest : { ...rest, metadata: next }
}

interface TextFieldProps {
  readonly label: string
  readonly hint?: string
  readonly value: string | undefined
  /** `/` goes here. */
  readonly slash?: boolean
  readonly onChange: (value: string) => void
}

/** Applied with Enter, or when it is left. */
function TextField({ label, hint, value, slash = false, onChange }: TextFieldProps): JSX.Element {
  return (
    <label class="field">
      {label}
      <input
        type="text"
        autocomplete="off"
        spellcheck={false}
        placeholder={hint}
        data-key={slash ? 'slash' : undefined}
        defaultValue={value ?? ''}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
    </label>
  )
}

function Views({ workflow, query, onChange }: RunFiltersProps): JSX.Element | null {
  const views = useSignal<readonly SavedView[]>(savedViews(localStorage).filter((view) => view.workflow === workflow))
  const name = useSignal('')
  const text = runParameters(query).toString()
  const own = (all: readonly SavedView[]): void => {
    views.value = all.filter((view) => view.workflow === workflow)
  }
  if (text === '' && views.value.length === 0) return null
  return (
    <div class="chips">
      {views.value.map((view) => (
        <span key={view.name} class="row">
          <button
            type="button"
            class="chip"
            aria-pressed={view.query === text}
            onClick={() => onChange(runQueryOf(new URLSearchParams(view.query)))}
          >
            {view.name}
          </button>
          <button
            type="button"
            class="button button-plain"
            aria-label={`Forget the view ${view.name}`}
            onClick={() => own(forgetView(localStorage, view))}
          >
            ×
          </button>
        </span>
      ))}
      {text === '' ? null : (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault()
            if (name.value.trim() === '') return
            own(saveView(localStorage, { name: name.value.trim(), workflow, query: text }))
            name.value = ''
          }}
        >
          <label class="field">
            <span class="unseen">Name of the view</span>
            <input
              type="text"
              maxLength={40}
              placeholder="Save as a view"
              value={name.value}
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="button" disabled={name.value.trim() === ''}>
            Save
          </button>
          <button type="button" class="button button-plain" onClick={() => onChange({})}>
            Clear the filter
          </button>
        </form>
      )}
    </div>
  )
}
