/** Schemas of other libraries, objects of every shape, variance and generic code on the public types. */
import {
  type AnyContract,
  type AnyRun,
  type AnyWorkflow,
  type Contract,
  type InputOf,
  type Jsonified,
  type ObjectOf,
  type PayloadInput,
  type PayloadOf,
  type Run,
  type RunSnapshot,
  type Schema,
  type StatusOf,
  unchecked,
  type Workflow,
  type WorkflowClient,
  workflow,
} from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function is<T extends true>(): T
const graph = { a: { step: ['b'] }, b: {} } as const

// Objects that survive JSON, however they are written down.
interface Tree {
  name: string
  children: Tree[]
}
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
type Expression = Tree | Expression[]
type Brand = string & { readonly __brand: 'id' }
type Shape = { kind: 'circle'; radius: number } | { kind: 'text'; text: string }
interface Mixed {
  id: Brand
  tags: readonly string[]
  pair: [number, string]
  maybe?: string
  open: string | undefined
  none: null | number
}
const tree = workflow('w', { object: unchecked<Tree>(), graph })
const mixed = workflow('w', { object: unchecked<Mixed>(), graph })
const shape = workflow('w', { object: unchecked<Shape>(), graph })
const contracts: readonly AnyContract[] = [
  tree,
  mixed,
  shape,
  workflow('w', { object: unchecked<unknown>(), graph }),
  workflow('w', { object: unchecked<any>(), graph }),
  workflow('w', { object: unchecked<string>(), graph }),
  workflow('w', { object: unchecked<readonly number[]>(), graph }),
  workflow('w', { object: unchecked<Record<string, unknown>>(), graph }),
  workflow('w', { object: unchecked<Record<string, number>>(), graph }),
  workflow('w', { object: unchecked<{ data: Json }>(), graph }),
  workflow('w', { object: unchecked<{ expression: Expression }>(), graph }),
  workflow('w', {
    object: z.discriminatedUnion('kind', [z.object({ kind: z.literal('x'), n: z.number() }), z.object({ kind: z.literal('y') })]),
    graph,
  }),
]
is<Equal<ObjectOf<typeof shape>, Shape>>()

// Zod, Valibot and ArkType: what goes in and what handlers see are the schema's two types.
const byZod = workflow('w', {
  object: z.object({
    at: z.coerce.date(),
    n: z.number().default(1),
    kind: z.enum(['p', 'q']),
    either: z.union([z.string(), z.number()]),
    table: z.record(z.string(), z.number()),
    list: z.array(z.object({ x: z.string().optional() })),
  }),
  graph,
})
is<Equal<ObjectOf<typeof byZod>['at'], Date>>()
is<Equal<ObjectOf<typeof byZod>['n'], number>>()
is<Equal<ObjectOf<typeof byZod>['kind'], 'p' | 'q'>>()
is<Equal<InputOf<typeof byZod>['n'], number | undefined>>()
const byValibot = workflow('w', { object: v.object({ id: v.string(), n: v.optional(v.number(), 3) }), graph })
is<Equal<ObjectOf<typeof byValibot>, { id: string; n: number }>>()
is<Equal<InputOf<typeof byValibot>, { id: string; n?: number | undefined }>>()
const byArkType = workflow('w', { object: type({ id: 'string', n: 'number = 3', 'note?': 'string' }), graph })
is<Equal<ObjectOf<typeof byArkType>, { id: string; n: number; note?: string }>>()
is<Equal<InputOf<typeof byArkType>['n'], number | undefined>>()

// Payloads as well, of several libraries in one graph.
const payloads = workflow('w', {
  object: unchecked<Tree>(),
  graph: { a: { callback: ['b'] }, b: { callback: ['c'] }, c: { callback: ['d'] }, d: {} },
  payloads: { a: z.object({ ok: z.stringbool() }), b: v.object({ n: v.optional(v.number(), 3) }), c: v.object({ word: v.string() }) },
})
is<Equal<PayloadOf<typeof payloads, 'a'>, { ok: boolean }>>()
is<Equal<PayloadInput<typeof payloads, 'a'>, { ok: string }>>()
is<Equal<PayloadOf<typeof payloads, 'b'>, { n: number }>>()
is<Equal<PayloadOf<typeof payloads, 'c'>, { word: string }>>()
// @ts-expect-error a payload that its schema would refuse
await payloads.client(memory()).callback({ runId: 'r' }, 'c', { word: 1 })

// Objects that JSON would change.
class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
  plus(other: Money): Money {
    return new Money(this.cents + other.cents)
  }
}
// @ts-expect-error Date
workflow('w', { object: unchecked<{ a: Date }>(), graph })
// @ts-expect-error a bigint deep inside
workflow('w', { object: unchecked<{ a: { b: { c?: bigint }[] } }>(), graph })
// @ts-expect-error Map
workflow('w', { object: unchecked<{ a: Map<string, string> }>(), graph })
// @ts-expect-error bytes
workflow('w', { object: unchecked<{ a: Uint8Array }>(), graph })
// @ts-expect-error an instance loses its methods
workflow('w', { object: unchecked<{ price: Money }>(), graph })
// @ts-expect-error Zod's date refuses text
workflow('w', { object: z.object({ a: z.date() }), graph })
// @ts-expect-error Zod's transform goes one way
workflow('w', { object: z.object({ n: z.string().transform(Number) }), graph })
// @ts-expect-error Valibot's date refuses text
workflow('w', { object: v.object({ a: v.date() }), graph })
// @ts-expect-error ArkType's date refuses text
workflow('w', { object: type({ a: 'Date' }), graph })
is<Equal<Jsonified<{ a: Date; b?: number }>, { a: string; b?: number }>>()

// Variance: typed workflows and contracts fit where any is asked for, and no other.
const ofMixed = mixed.addStep('a', async () => 'b').build(memory())
const ofValibot = byValibot.addStep('a', async () => 'b').build(memory())
const workflows: readonly AnyWorkflow[] = [ofMixed, ofValibot, shape.client(memory())]
const client: WorkflowClient<typeof mixed> = ofMixed
// @ts-expect-error another contract's
const otherContract: Workflow<typeof mixed> = ofValibot
// @ts-expect-error AnyWorkflow is the type for this
const ofAnything: Workflow<AnyContract> = ofMixed

// Code for any run, and for any status of one object.
function label(run: AnyRun): string {
  return run.runId + run.status
}
mixed.addStep('a', async (run) => {
  label(run)
  return 'b'
})
async function count(run: Run<{ n: number }>): Promise<'b'> {
  run.object.n += 1
  return 'b'
}
workflow('w', { object: unchecked<{ n: number }>(), graph }).addStep('a', count)

// Code that is generic in the contract keeps its types.
async function reach<C extends AnyContract>(
  wf: WorkflowClient<C>,
  status: StatusOf<C>,
  value: InputOf<C>,
): Promise<RunSnapshot<ObjectOf<C>, StatusOf<C>>> {
  await wf.list({ status })
  void value
  return wf.await('r', status)
}
const value: Mixed = { id: 'x' as Brand, tags: [], pair: [1, ''], open: undefined, none: null }
const reached = await reach(ofMixed, 'b', value)
is<Equal<typeof reached, RunSnapshot<Mixed, 'a' | 'b'>>>()
// @ts-expect-error no status of this contract
await reach(ofMixed, 'c', value)

// An annotated contract is the inferred one.
const annotated: Contract<'w', Schema<{ n: number }>, typeof graph> = workflow('w', { object: unchecked<{ n: number }>(), graph })
is<Equal<StatusOf<typeof annotated>, 'a' | 'b'>>()

// Graphs from elsewhere: as constants, and with names from constants.
const loose = { a: { step: ['b'] }, b: {} }
// @ts-expect-error strings of unknown value
workflow('w', { object: unchecked<Tree>(), graph: loose })
const names = { opened: 'file.opened', closed: 'file.closed' } as const
const named = workflow('w', { object: unchecked<Tree>(), graph: { [names.opened]: { step: [names.closed] }, [names.closed]: {} } })
is<Equal<StatusOf<typeof named>, 'file.opened' | 'file.closed'>>()
named.addStep(names.opened, async () => names.closed)
// @ts-expect-error an exit needs a destination
workflow('w', { object: unchecked<Tree>(), graph: { a: { step: [] }, b: {} } })

// The smallest graphs.
workflow('w', { object: unchecked<{ n: number }>(), graph: { a: { step: ['a'] } } })
  .addStep('a', async (run) => (run.object.n++ > 3 ? run.cancel('enough') : 'a'))
  .build(memory())
workflow('w', { object: unchecked<{ n: number }>(), graph: { a: {} } }).build(memory())

// Handlers that only throw, only give outcomes, or compute a typed status.
declare const computed: 'b'
tree.addStep('a', async () => {
  throw new Error('x')
})
tree.addStep('a', async (run) => run.skip())
tree.addStep('a', async () => computed)

// A callback without a payload.
const bare = workflow('w', { object: unchecked<{ n: number }>(), graph: { a: { callback: ['b'] }, b: {} } })
  .addCallback('a', async (_run, payload) => {
    is<Equal<typeof payload, undefined>>()
    return 'b'
  })
  .build(memory())
await bare.callback({ foreignId: 'x' }, 'a')
// @ts-expect-error it carries nothing
await bare.callback({ foreignId: 'x' }, 'a', { x: 1 })

void [contracts, workflows, client, otherContract, ofAnything]
