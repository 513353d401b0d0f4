/** The business tables, in the same database as the workflow's. */
import type { Pool } from 'pg'

const tables = `
CREATE SCHEMA IF NOT EXISTS bank;
CREATE TABLE IF NOT EXISTS bank.account (
  id text PRIMARY KEY,
  opening_cents bigint NOT NULL,
  cents bigint NOT NULL CHECK (cents >= 0)
);
-- One row for each time that a step moved money. No constraint keeps a row from being written twice: the transaction does.
CREATE TABLE IF NOT EXISTS bank.ledger (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text NOT NULL,
  step text NOT NULL,
  account text NOT NULL REFERENCES bank.account,
  cents bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);`

/** Makes the tables, and the accounts that are not there yet. Call it in one process at a time. */
export async function openBank(pool: Pool, accounts: Readonly<Record<string, number>>): Promise<void> {
  await pool.query(tables)
  for (const [id, cents] of Object.entries(accounts))
    await pool.query('INSERT INTO bank.account (id, opening_cents, cents) VALUES ($1, $2, $2) ON CONFLICT DO NOTHING', [id, cents])
}

/** Somebody was faster: thrown inside of a transaction it rolls everything back, and the next attempt looks again. */
export class NotEnoughMoney extends Error {
  constructor(account: string) {
    super(`account ${account} is not there, or has not enough money any more`)
  }
}
