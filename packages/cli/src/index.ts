export { type CliClient, type CliConfig, type CliWorkflow, defineConfig } from './config.ts'
