import type { ClockCase } from './clock-scope.ts'

/** Every case about a Clock. */
export const clockDefinitions: readonly ClockCase[] = []
