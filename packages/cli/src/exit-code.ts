/** What a script learns from how a command ends. */
export const exitCodes = {
  /** As it should be. */
  fine: 0,
  /** The command has looked, and has found something. */
  found: 1,
  /** The command could not look: misuse, a config that cannot work, a store that cannot be reached. */
  failed: 2,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
