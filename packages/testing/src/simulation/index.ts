/** Simulation: many bad days of a workflow in a few seconds, each of which can be had again by its number. */
export { type FaultKind, faultKinds } from './fault.ts'
export { type Invariant, invariants } from './oracle.ts'
export {
  CannotFinish,
  type Chance,
  simulate,
  type SimulatedWorld,
  type SimulateOptions,
  SimulationFailed,
  type SimulationReport,
  type SeedSummary,
} from './simulate.ts'
