/** What can be done to a run. Each asks for a reason, and is refused where somebody else was faster. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ActionJson, ActionResultJson } from '../../src/api/request-json.ts'
import type { MovePreviewJson, RunDetailJson } from '../../src/api/run-json.ts'
import { counted } from '../data/amount-text.ts'
import { ApiFault, workflowPath } from '../data/api-client.ts'
import { actionLabel, freshKey, type RunActionName, runActions } from '../data/run-action.ts'
import { Modal } from '../ui/modal.tsx'
import { FaultNote, faultText } from '../ui/parts.tsx'
import { DialogEnd, ReasonField } from '../ui/reason-field.tsx'
import { useMay, useSite } from '../ui/site.ts'

interface RunActionsProps {
  readonly run: RunDetailJson
  /** The statuses that it may be moved to. */
  readonly moves: readonly string[]
  /** Its last attempt has failed. */
  readonly failing: boolean
  readonly onDone: () => void
}

export function RunActions({ run, moves, failing, onDone }: RunActionsProps): JSX.Element | null {
  const [act, remove] = [useMay('act'), useMay('delete')]
  const chosen = useSignal<RunActionName | undefined>(undefined)
  const offered = runActions(run.state, failing).filter(({ name }) => (name === 'deleteData' ? remove : act))
  if (offered.length === 0) return null
  return (
    <div class="row">
      {offered.map(({ name, label, danger }) => (
        <button key={name} type="button" class={`button${danger ? ' button-danger' : ''}`} onClick={() => (chosen.value = name)}>
          {label}
        </button>
      ))}
      {chosen.value === undefined ? null : (
        <ActionDialog
          run={run}
          action={chosen.value}
          moves={moves}
          onClose={(done) => {
            chosen.value = undefined
            if (done) onDone()
          }}
        />
      )}
    </div>
  )
}

interface ActionDialogProps {
  readonly run: RunDetailJson
  readonly action: RunActionName
  readonly moves: readonly string[]
  readonly onClose: (done: boolean) => void
}

function ActionDialog({ run, action, moves, onClose }: ActionDialogProps): JSX.Element {
  const site = useSite()
  const reason = useSignal('')
  const status = useSignal('')
  const preview = useSignal<MovePreviewJson | undefined>(undefined)
  const fault = useSignal<ApiFault | undefined>(undefined)
  const busy = useSignal(false)
  // What was seen is what is acted upon, however the page goes on beneath; who sends again after a lost answer does it once.
  const decision = useSignal({ ifVersion: run.version, key: freshKey() })
  const label = actionLabel(action)
  const ready = reason.value.trim() !== '' && !busy.value && (action !== 'moveTo' || preview.value !== undefined)
  const send = async (): Promise<void> => {
    busy.value = true
    try {
      const body = bodyOf(action, reason.value.trim(), preview.value, decision.value)
      const { runId } = await site.ask<ActionResultJson>(workflowPath(run.workflow, 'runs', run.runId, 'actions'), { body })
      site.say(`${label}: done`)
      onClose(true)
      if (runId !== run.runId) site.go({ page: 'run', workflow: run.workflow, runId })
    } catch (error) {
      fault.value = faultOf(error)
      busy.value = false
    }
  }
  return (
    <Modal title={`${label}: ${run.foreignId}`} onClose={() => onClose(fault.value !== undefined)}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) void send()
        }}
      >
        {action === 'moveTo' ? (
          <MoveChoice
            run={run}
            moves={moves}
            status={status.value}
            onStatus={(to) => (status.value = to)}
            onPreview={(now) => (preview.value = now)}
          />
        ) : null}
        {action === 'deleteData' ? <p class="note">What its object holds cannot be brought back.</p> : null}
        {fault.value === undefined ? null : fault.value.code === 'StaleVersion' ? (
          <p class="note note-warn" role="alert">
            Somebody else was faster: the run has moved on, and nothing was changed. Close this and look again.
          </p>
        ) : (
          <FaultNote fault={fault.value} />
        )}
        <ReasonField reason={reason} of="the run" />
        <DialogEnd label={label} ready={ready} onBack={() => onClose(fault.value !== undefined)} />
      </form>
    </Modal>
  )
}

function bodyOf(
  action: RunActionName,
  reason: string,
  preview: MovePreviewJson | undefined,
  { ifVersion, key }: { readonly ifVersion: number; readonly key: string },
): ActionJson {
  if (action === 'retry') return { action, reason, ifVersion, key }
  if (action !== 'moveTo') return { action, reason, ifVersion }
  if (preview === undefined) throw new ApiFault('InvalidArgument', 'choose a status first', 400)
  return { action, reason, status: preview.to, ifVersion: preview.version }
}

interface MoveChoiceProps {
  readonly run: RunDetailJson
  readonly moves: readonly string[]
  readonly status: string
  readonly onStatus: (status: string) => void
  readonly onPreview: (preview: MovePreviewJson | undefined) => void
}

function MoveChoice({ run, moves, status, onStatus, onPreview }: MoveChoiceProps): JSX.Element {
  const site = useSite()
  const preview = useSignal<MovePreviewJson | undefined>(undefined)
  const fault = useSignal<ApiFault | undefined>(undefined)
  useEffect(() => {
    preview.value = undefined
    fault.value = undefined
    onPreview(undefined)
    if (status === '') return undefined
    const controller = new AbortController()
    const path = `${workflowPath(run.workflow, 'runs', run.runId, 'move')}?${new URLSearchParams({ to: status }).toString()}`
    site.ask<MovePreviewJson>(path, { signal: controller.signal }).then(
      (answer) => {
        preview.value = answer
        onPreview(answer)
      },
      (error: unknown) => {
        if (!controller.signal.aborted) fault.value = faultOf(error)
      },
    )
    return () => controller.abort()
  }, [status])
  return (
    <div class="stack">
      <label class="field">
        To the status
        <select required value={status} onChange={(event) => onStatus(event.currentTarget.value)}>
          <option value="">choose one</option>
          {moves.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      {fault.value === undefined ? null : (
        <p class="note note-warn" role="alert">
          {faultText(fault.value)}
        </p>
      )}
      {preview.value === undefined ? null : <MoveEffects preview={preview.value} />}
    </div>
  )
}

const directions = { back: 'This leads back.', forward: 'This skips ahead.', again: 'This does the same status again.' } as const

function MoveEffects({ preview }: { readonly preview: MovePreviewJson }): JSX.Element {
  const { direction, completes, runsAgain, skips, cancels, refuses, orphans } = preview
  const lines = [
    directions[direction],
    completes ? 'The run is completed by it.' : undefined,
    skips === undefined || skips.length === 0 ? undefined : `Skipped: ${skips.join(', ')}.`,
    cancels.length === 0 ? undefined : `Cancelled timers: ${cancels.map(({ name }) => name).join(', ')}.`,
    refuses === 0 ? undefined : `${counted(refuses, 'callback')} that waits will be refused.`,
    orphans === 0 ? undefined : `${counted(orphans, 'child run')} will go on by itself.`,
  ].filter((line) => line !== undefined)
  return (
    <div class="stack" role="status">
      <ul>
        {lines.map((line) => (
          <li key={line} class="breaks">
            {line}
          </li>
        ))}
      </ul>
      {runsAgain.length === 0 ? null : (
        <div>
          <h3>May happen again</h3>
          <ul class="short-list" tabIndex={0} aria-label="May happen again">
            {runsAgain.map(({ version, by, from, to }) => (
              <li key={version} class="breaks">
                {by} <span class="mono">{`${from} → ${to}`}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  )
}

function faultOf(error: unknown): ApiFault {
  return error instanceof ApiFault ? error : new ApiFault('NotUnderstood', String(error), 500)
}
