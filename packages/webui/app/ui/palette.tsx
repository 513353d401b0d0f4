/** Cmd+K: pages, workflows, and runs by their foreign or run id. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { RunDetailJson, RunJson, RunPageJson } from '../../src/api/run-json.ts'
import type { SessionJson } from '../../src/api/workflow-json.ts'
import { type Ask, workflowPath } from '../data/api-client.ts'
import type { PageRoute } from '../data/route-path.ts'
import { Modal } from './modal.tsx'
import { timer, useSite } from './site.ts'

interface Choice {
  readonly key: string
  readonly label: string
  readonly hint: string
  readonly to: PageRoute
}

const searchMs = 180
const shownMax = 30

export function Palette({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const site = useSite()
  const text = useSignal('')
  const at = useSignal(0)
  const found = useSignal<readonly Choice[]>([])
  const session = site.session.value.value
  const pages = useMemo(() => pageChoices(session), [session])
  const wanted = text.value.trim()
  const choices = [...matching(pages, wanted), ...found.value].slice(0, shownMax)
  const chosen = Math.min(at.value, choices.length - 1)
  useEffect(() => {
    found.value = []
    at.value = 0
    if (wanted === '' || session === undefined) return undefined
    const controller = new AbortController()
    const cancel = timer(searchMs, () => {
      void findRuns(site.ask, session, wanted, controller.signal).then((runs) => {
        if (!controller.signal.aborted) found.value = runs
      })
    })
    return () => {
      cancel()
      controller.abort()
    }
  }, [wanted, session])
  const open = (choice: Choice | undefined): void => {
    if (choice === undefined) return
    onClose()
    site.go(choice.to)
  }
  const pressed = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0 && choices.length > 0) at.value = (chosen + step + choices.length) % choices.length
    else if (event.key === 'Enter') open(choices[chosen])
    else return
    event.preventDefault()
  }
  return (
    <Modal title="Search" class="palette" hideTitle onClose={onClose}>
      <div>
        <input
          type="text"
          role="combobox"
          aria-label="Search pages and runs"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={choices.length === 0 ? undefined : `palette-${chosen}`}
          placeholder="A page, or a run's foreign or run id"
          autocomplete="off"
          spellcheck={false}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
          onKeyDown={pressed}
        />
        <div role="listbox" id="palette-list" aria-label="Found">
          {choices.map((choice, i) => (
            <div key={choice.key} id={`palette-${i}`} role="option" aria-selected={i === chosen} onClick={() => open(choice)}>
              <span>{choice.label}</span>
              <span class="soft small">{choice.hint}</span>
            </div>
          ))}
        </div>
        {choices.length === 0 ? <p class="empty">Nothing is called this.</p> : null}
      </div>
    </Modal>
  )
}

function pageChoices(session: SessionJson | undefined): readonly Choice[] {
  const dashboard: Choice = { key: 'dashboard', label: 'Dashboard', hint: 'page', to: { page: 'dashboard' } }
  const perWorkflow = (session?.workflows ?? []).flatMap(({ name }): Choice[] => [
    { key: `runs ${name}`, label: `${name}: runs`, hint: 'page', to: { page: 'runs', workflow: name } },
    { key: `workflow ${name}`, label: `${name}: diagram`, hint: 'page', to: { page: 'workflow', workflow: name } },
    { key: `analytics ${name}`, label: `${name}: analytics`, hint: 'page', to: { page: 'analytics', workflow: name } },
  ])
  return [dashboard, ...perWorkflow]
}

function matching(choices: readonly Choice[], wanted: string): readonly Choice[] {
  const words = wanted.toLowerCase().split(/\s+/)
  return choices.filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)))
}

/** Of every workflow the runs of this foreign id, and the run of this id. One that does not answer is left out. */
async function findRuns(ask: Ask, { workflows }: SessionJson, id: string, signal: AbortSignal): Promise<readonly Choice[]> {
  const asked = workflows.flatMap(({ name }) => [
    ask<RunPageJson>(`${workflowPath(name, 'runs')}?${new URLSearchParams({ foreignId: id, limit: '5' }).toString()}`, { signal }).then(
      ({ items }): readonly RunJson[] => items,
    ),
    ask<RunDetailJson>(workflowPath(name, 'runs', id), { signal }).then((run): readonly RunJson[] => [run]),
  ])
  const answers = await Promise.allSettled(asked)
  const runs = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  const unique = new Map(runs.map((run) => [`${run.workflow} ${run.runId}`, run]))
  return [...unique].map(([key, { workflow, runId, foreignId, status, state }]) => ({
    key,
    label: foreignId,
    hint: `${workflow} · ${status} · ${state}`,
    to: { page: 'run', workflow, runId },
  }))
}
