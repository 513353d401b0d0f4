/** Event logs of workflows for tools of process mining. Nothing else of the package loads it. */
export { exportHistory, type HistoryExport } from './export-history.ts'
export type { ExportFormat, ExportOptions, ExportQuery, ExportSource } from './export-options.ts'
export type { ExportedRun, ExportProblem, ExportProblemKind, ExportProgress } from './exported-run.ts'
export type { Redaction } from './redaction.ts'
