#!/usr/bin/env node
import { coverageCommand } from '@workflow/testing/coverage'

process.exitCode = await coverageCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
})
