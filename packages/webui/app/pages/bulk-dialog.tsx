/** An action for many runs: what it would touch, a reason, then how far it is. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { BulkAction, BulkPreviewJson, RunFilterJson } from '../../src/api/request-json.ts'
import type { RunJson } from '../../src/api/run-json.ts'
import { counted } from '../data/amount-text.ts'
import { ApiFault, workflowPath } from '../data/api-client.ts'
import { type BulkProgress, type BulkTarget, runBulk } from '../data/bulk-run.ts'
import { Modal } from '../ui/modal.tsx'
import { FaultNote, Skeleton } from '../ui/parts.tsx'
import { DialogEnd, ReasonField } from '../ui/reason-field.tsx'
import { useSite } from '../ui/site.ts'

export type BulkWhat =
  | { readonly kind: 'runs'; readonly runs: readonly RunJson[] }
  | { readonly kind: 'filter'; readonly filter: RunFilterJson }

const actions: readonly BulkAction[] = ['pause', 'resume', 'cancel', 'retry']
const namedMax = 100

interface BulkDialogProps {
  readonly workflow: string
  readonly what: BulkWhat
  /** `changed`: something may have been done. */
  readonly onClose: (changed: boolean) => void
}

export function BulkDialog({ workflow, what, onClose }: BulkDialogProps): JSX.Element {
  const site = useSite()
  const progress = useSignal<BulkProgress | undefined>(undefined)
  const running = useSignal(false)
  const stop = useRef(new AbortController())
  const close = (): void => {
    stop.current.abort()
    onClose(progress.value !== undefined)
  }
  const begin = async (action: BulkAction, reason: string, targets: readonly BulkTarget[]): Promise<void> => {
    running.value = true
    progress.value = { done: 0, total: targets.length, failures: [] }
    const job = { workflow, action, reason, targets }
    await runBulk(site.ask, job, { signal: stop.current.signal, onProgress: (now) => (progress.value = now) })
    running.value = false
  }
  if (progress.value === undefined)
    return <Choice workflow={workflow} what={what} onBegin={(...job) => void begin(...job)} onClose={close} />
  return <Progress progress={progress.value} running={running.value} onStop={() => stop.current.abort()} onClose={close} />
}

interface ChoiceProps {
  readonly workflow: string
  readonly what: BulkWhat
  readonly onBegin: (action: BulkAction, reason: string, targets: readonly BulkTarget[]) => void
  readonly onClose: () => void
}

function Choice({ workflow, what, onBegin, onClose }: ChoiceProps): JSX.Element {
  const action = useSignal<BulkAction>('resume')
  const reason = useSignal('')
  const { preview, fault } = usePreview(workflow, what, action.value)
  const targets: readonly BulkTarget[] | undefined = what.kind === 'runs' ? what.runs : preview?.runs
  const ready = targets !== undefined && targets.length > 0 && reason.value.trim() !== ''
  return (
    <Modal title={`Act on runs of ${workflow}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) onBegin(action.value, reason.value.trim(), targets)
        }}
      >
        <label class="field">
          Action
          <select
            value={action.value}
            onChange={(event) => (action.value = actions.find((one) => one === event.currentTarget.value) ?? 'resume')}
          >
            {actions.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        {fault === undefined ? null : <FaultNote fault={fault} />}
        {targets !== undefined ? <Touched targets={targets} preview={preview} /> : fault === undefined ? <Skeleton /> : null}
        <ReasonField reason={reason} of="each run" />
        <DialogEnd label={`${action.value} ${counted(targets?.length ?? 0, 'run')}`} ready={ready} onBack={onClose} />
      </form>
    </Modal>
  )
}

interface Previewed {
  readonly preview: BulkPreviewJson | undefined
  readonly fault: ApiFault | undefined
}

/** What the action would touch; of runs that were selected one by one, nothing is asked. */
function usePreview(workflow: string, what: BulkWhat, action: BulkAction): Previewed {
  const site = useSite()
  const state = useSignal<Previewed>({ preview: undefined, fault: undefined })
  useEffect(() => {
    if (what.kind === 'runs') return undefined
    const controller = new AbortController()
    state.value = { preview: undefined, fault: undefined }
    const body = { action, filter: what.filter }
    site.ask<BulkPreviewJson>(workflowPath(workflow, 'bulk', 'preview'), { signal: controller.signal, body }).then(
      (preview) => (state.value = { preview, fault: undefined }),
      (error: unknown) => {
        const fault = error instanceof ApiFault ? error : new ApiFault('NotUnderstood', String(error), 500)
        if (!controller.signal.aborted) state.value = { preview: undefined, fault }
      },
    )
    return () => controller.abort()
  }, [action])
  return state.value
}

function Touched({
  targets,
  preview,
}: {
  readonly targets: readonly BulkTarget[]
  readonly preview: BulkPreviewJson | undefined
}): JSX.Element {
  return (
    <div class="stack">
      <p>
        {targets.length === 0 ? 'This touches no run.' : `This touches ${counted(targets.length, 'run')}.`}
        {preview !== undefined && preview.skipped > 0 ? ` ${counted(preview.skipped, 'run')} that match cannot take it.` : ''}
        {preview?.more === true ? ` There are more: at most ${preview.limit} are taken at a time.` : ''}
      </p>
      {targets.length === 0 ? null : (
        <ul class="short-list breaks" tabIndex={0} aria-label="The runs">
          {targets.slice(0, namedMax).map(({ runId, foreignId }) => (
            <li key={runId}>{foreignId}</li>
          ))}
          {targets.length > namedMax ? <li class="soft">and {counted(targets.length - namedMax, 'other')}</li> : null}
        </ul>
      )}
    </div>
  )
}

interface ProgressProps {
  readonly progress: BulkProgress
  readonly running: boolean
  readonly onStop: () => void
  readonly onClose: () => void
}

function Progress({ progress: { done, total, failures }, running, onStop, onClose }: ProgressProps): JSX.Element {
  const stopped = !running && done < total
  return (
    <Modal title={running ? 'At work' : stopped ? 'Stopped' : 'Done'} onClose={onClose}>
      <progress max={total} value={done} aria-label="Runs done" />
      <p role="status">{`${done} of ${counted(total, 'run')}${failures.length === 0 ? '' : `, ${failures.length} of them not changed`}`}</p>
      {failures.length === 0 ? null : (
        <ul class="short-list" tabIndex={0} aria-label="Not changed">
          {failures.map(({ target, message }) => (
            <li key={target.runId} class="breaks">
              {target.foreignId}: <span class="bad">{message}</span>
            </li>
          ))}
        </ul>
      )}
      <div class="dialog-end">
        <button type="button" class="button" onClick={running ? onStop : onClose}>
          {running ? 'Stop' : 'Close'}
        </button>
      </div>
    </Modal>
  )
}
