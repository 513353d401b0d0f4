// Its runner wants it so.
// oxlint-disable-next-line import/no-default-export
export default {
  rootDir: import.meta.dirname,
  testMatch: ['**/*.case.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': './strip-types.mjs' },
  testEnvironmentOptions: { customExportConditions: ['@workflow/source', 'node', 'default'] },
}
