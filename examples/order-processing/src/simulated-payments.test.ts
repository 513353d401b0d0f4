import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PaymentLedger } from './payment-ledger.ts'
import type { Payment } from './payments.ts'
import { SimulatedPayments } from './simulated-payments.ts'

const signal = new AbortController().signal
let folder: string
let ledger: PaymentLedger

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'payments-'))
  ledger = new PaymentLedger(join(folder, 'ledger.db'))
})

afterEach(async () => {
  ledger.close()
  await rm(folder, { recursive: true })
})

/** As the engine would: the same key until there is an answer. */
async function charged(payments: SimulatedPayments, number: number): Promise<Payment> {
  for (;;) {
    const answer = await payments
      .charge({ key: `key-${number}`, orderId: `o-${number}`, card: 'visa-4242', cents: 100 }, signal)
      .catch(() => undefined)
    if (answer !== undefined) return answer
  }
}

test('fails and loses replies now and then, and charges every key once all the same', async () => {
  const payments = new SimulatedPayments(ledger, { seed: 's', speed: 1_000 })
  const answers = await Promise.all(Array.from({ length: 200 }, (_, number) => charged(payments, number)))
  expect(payments.statistics.unavailable).toBeGreaterThan(0)
  expect(payments.statistics.repliesLost).toBeGreaterThan(0)
  expect(payments.statistics.repeats).toBe(payments.statistics.unavailable + payments.statistics.repliesLost)
  const entries = ledger.entries()
  expect(entries.length).toBe(200)
  expect(new Set(answers.map((answer) => (answer.outcome === 'charged' ? answer.paymentId : undefined)))).toEqual(
    new Set(entries.map(({ paymentId }) => paymentId)),
  )
  expect(entries.reduce((sum, { repeats }) => sum + repeats, 0)).toBe(payments.statistics.repliesLost)
})

test('the books outlive the service, and answer an old key with the old result', () => {
  const request = { key: 'k', orderId: 'o', card: 'visa-4242', cents: 100 }
  const first = ledger.record(request, 'charged')
  ledger.close()
  ledger = new PaymentLedger(join(folder, 'ledger.db'))
  expect(ledger.record({ ...request, cents: 200 }, 'declined')).toEqual(first)
  expect(ledger.entries()).toMatchObject([{ key: 'k', cents: 100, outcome: 'charged', repeats: 1 }])
})

test('declines the cards that end in -0002', async () => {
  const payments = new SimulatedPayments(ledger, { seed: 'calm', speed: 1_000 })
  expect(await payments.charge({ key: 'k', orderId: 'o', card: 'visa-0002', cents: 100 }, signal)).toEqual({ outcome: 'declined' })
})

test('a caller that gives up learns nothing, and may ask again', async () => {
  const payments = new SimulatedPayments(ledger, { seed: 'calm', speed: 10 })
  const request = { key: 'k', orderId: 'o', card: 'visa-4242', cents: 100 }
  const impatient = new AbortController()
  const first = payments.charge(request, impatient.signal)
  impatient.abort(new Error('enough'))
  await expect(first).rejects.toThrow('enough')
  await expect(payments.charge(request, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  expect(await payments.charge(request, signal)).toMatchObject({ outcome: 'charged' })
  expect(ledger.entries()).toMatchObject([{ key: 'k', outcome: 'charged' }])
})

test('a service that is gone does not answer', async () => {
  const payments = new SimulatedPayments(ledger, { seed: 'calm', speed: 1_000 })
  ledger.close()
  await expect(payments.charge({ key: 'k', orderId: 'o', card: 'visa-4242', cents: 100 }, signal)).rejects.toThrow(
    'the payment service is gone',
  )
})
