/** Runs and what belongs to them as the API says them. Pure but for `redact`. */
import type { AnySnapshot, ConsumerLag, Explanation, FailedAttempt, MovePreview, RunHistoryEntry, RunTimer, WaitsFor } from '@workflow/core'
import type { ExplanationJson, FailedAttemptJson, HistoryEntryJson, LagJson, MovePreviewJson, RunJson, TimerJson } from '../api/run-json.ts'
import type { Redaction } from './redaction.ts'
import type { RedactedRun } from './settings.ts'

type WaitJson = ExplanationJson['waitsFor'][number]

export function runView(run: AnySnapshot, redaction: Redaction): RunJson {
  const { pause, parent, finishedAt, traceparent } = run
  return {
    workflow: run.workflowName,
    runId: run.runId,
    foreignId: run.foreignId,
    status: run.status,
    state: run.state,
    version: run.version,
    metadata: redaction.metadata(run.metadata, run),
    createdAt: run.createdAt.toISOString(),
    updatedAt: run.updatedAt.toISOString(),
    enteredAt: run.enteredAt.toISOString(),
    ...(finishedAt === undefined ? undefined : { finishedAt: finishedAt.toISOString() }),
    ...(pause === undefined
      ? undefined
      : {
          pause: {
            by: pause.by,
            ...(pause.actor === undefined ? undefined : { actor: pause.actor }),
            reason: redaction.reason(pause.reason, run),
            ...(pause.resumeAt === undefined ? undefined : { resumeAt: pause.resumeAt.toISOString() }),
          },
        }),
    ...(parent === undefined ? undefined : { parent: { workflow: parent.workflowName, runId: parent.runId, status: parent.status } }),
    ...(traceparent === undefined ? undefined : { traceparent }),
  }
}

function failedAttemptView(attempt: FailedAttempt, run: RedactedRun, redaction: Redaction): FailedAttemptJson {
  return {
    ...redaction.error(attempt, run),
    process: attempt.process,
    attempt: attempt.attempt,
    startedAt: attempt.startedAt.toISOString(),
    durationMs: attempt.durationMs,
    instance: attempt.instance,
  }
}

/** Its object is not looked at. */
export function historyEntryView(entry: RunHistoryEntry, run: RedactedRun, redaction: Redaction): HistoryEntryJson {
  const { from, durationMs, actor, reason, error, failures } = entry
  return {
    version: entry.version,
    ...(from === undefined ? undefined : { from }),
    to: entry.to,
    states: [...entry.states],
    by: entry.by,
    at: entry.at.toISOString(),
    attempt: entry.attempt,
    ...(durationMs === undefined ? undefined : { durationMs }),
    instance: entry.instance,
    ...(actor === undefined ? undefined : { actor }),
    ...(reason === undefined ? undefined : { reason: redaction.reason(reason, run) }),
    ...(error === undefined ? undefined : { error: redaction.error(error, run) }),
    ...(failures === undefined ? undefined : { failures: failures.map((one) => failedAttemptView(one, run, redaction)) }),
  }
}

export function timerView({ kind, name, version, at, state, attempt }: RunTimer): TimerJson {
  return { kind, name, version, at: at.toISOString(), state, attempt }
}

export function lagView({ name, events, oldest }: ConsumerLag): LagJson {
  return { name, events, ...(oldest === undefined ? undefined : { oldest: oldest.toISOString() }) }
}

export function explanationView(explanation: Explanation, redaction: Redaction): ExplanationJson {
  const { holder, lag, moves } = explanation
  return {
    status: explanation.status,
    state: explanation.state,
    since: explanation.since.toISOString(),
    waitsFor: explanation.waitsFor.map((wait) => waitView(wait, explanation, redaction)),
    failures: explanation.failures.map((one) => failedAttemptView(one, explanation, redaction)),
    ...(holder === undefined ? undefined : { holder: { instance: holder.instance, since: holder.since.toISOString() } }),
    ...(lag === undefined ? undefined : { lag: lagView({ ...lag, name: lag.receiver }) }),
    moves: [...moves],
    text: redaction.active ? redactedText(explanation) : explanation.text,
  }
}

function waitView(wait: WaitsFor, run: RedactedRun, redaction: Redaction): WaitJson {
  switch (wait.kind) {
    case 'timer':
    case 'retry':
      return { ...wait, at: wait.at.toISOString() }
    case 'person': {
      const { resumeAt, reason, ...rest } = wait
      return {
        ...rest,
        reason: redaction.reason(reason, run),
        ...(resumeAt === undefined ? undefined : { resumeAt: resumeAt.toISOString() }),
      }
    }
    case 'step':
    case 'callback':
    case 'children':
    case 'nothing':
      return wait
  }
}

/** Core's text quotes errors and reasons. */
function redactedText({ runId, foreignId, workflowName, state, status, since, moves }: Explanation): string {
  const start = `Run ${runId} ('${foreignId}') of workflow '${workflowName}' is ${state} at '${status}', since ${since.toISOString()}.`
  return moves.length === 0 ? start : `${start} What would move it on: ${moves.join('; or ')}.`
}

export function movePreviewView(preview: MovePreview): MovePreviewJson {
  const { version, from, to, direction, completes, runsAgain, skips, cancels, refuses, orphans } = preview
  return {
    version,
    from,
    to,
    direction,
    completes,
    runsAgain: runsAgain.map((move) => ({ version: move.version, by: move.by, from: move.from, to: move.to, at: move.at.toISOString() })),
    ...(skips === undefined ? undefined : { skips: [...skips] }),
    cancels: cancels.map(timerView),
    refuses,
    orphans,
  }
}
