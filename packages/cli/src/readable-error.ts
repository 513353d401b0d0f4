import { isWorkflowError } from '@workflow/core'

const depthMax = 20

/** What was thrown, error or not, in a line: its message, with the code of an error of Workflow and the causes behind it. */
export function readable(error: unknown): string {
  const parts: string[] = []
  let each = error
  // Causes may go round in circles.
  for (let depth = 0; each !== undefined && depth < depthMax && parts.length < 4; depth++) {
    const text = textOf(each)
    // A cause whose words are in the message already says nothing more.
    if (!parts.some((part) => part.includes(text))) parts.push(isWorkflowError(each) ? `${each.code}: ${text}` : text)
    each = each instanceof Error ? each.cause : undefined
  }
  return parts.join('; because: ')
}

/** With where it came from: for errors of the user's own code. */
export function stackOf(error: unknown): string {
  return error instanceof Error && typeof error.stack === 'string' && error.stack !== '' ? error.stack : readable(error)
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message === '' ? value.name : value.message
  try {
    return typeof value === 'object' || typeof value === 'function' ? Object.prototype.toString.call(value) : String(value)
  } catch {
    return 'something that cannot be shown'
  }
}
