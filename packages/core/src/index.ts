export { WorkflowError } from './errors.ts'
