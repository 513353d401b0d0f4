export {
  type Coverage,
  type ErrorCoverage,
  mergeCoverage,
  type TimeoutCoverage,
  type TransitionCoverage,
  type WorkflowCoverage,
} from './coverage.ts'
export { coverageCommand, type CommandOutput } from './command.ts'
export { readCoverage, writeCoverage } from './folder.ts'
export { coverageFaults, coverageMermaid, coverageText, type CoverageThreshold, type Share, type Shares, sharesOf } from './report.ts'
