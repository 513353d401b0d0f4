/** What every answer with a status of 400 or more says. */
import { array, type InferOutput, object, optional, string } from 'valibot'
import { time } from './run-json.ts'

/**
 * `code`: a code of core's errors, or one of `webErrorCodes`. `since`: from when on the store has not answered. `issues`: what
 * is wrong with what was sent.
 */
export const errorJson = object({
  error: object({ code: string(), message: string(), since: optional(time), issues: optional(array(string())) }),
})
export type ErrorJson = InferOutput<typeof errorJson>

/** The codes that are not core's, and what they mean. */
export const webErrorCodes = {
  NotFound: 'there is nothing under this path',
  MethodNotAllowed: 'the path does not know this method',
  Unauthorized: 'nobody who may see this is signed in',
  Forbidden: 'the actor may not do this',
  ReadOnly: 'this server changes nothing',
  CrossSite: 'the request comes from another site, or does not prove that it does not',
  TooLarge: 'the body is larger than the limit',
  NotJson: 'the body is not JSON',
  TooSlow: 'the body did not arrive in time',
  TooManyStreams: 'as many event streams are open as the limit allows',
  Internal: 'the server has failed; its log says why',
} as const
