/** Whether a type survives its encoding: objects are stored as JSON, and pass their own schema again when they are loaded. */
import type { Schema } from './schema.ts'

/** What JSON gives back for `T`, seven levels deep: a bound, because types may recurse. */
export type Jsonified<T, Depth extends readonly unknown[] = [1, 1, 1, 1, 1, 1, 1]> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON(): infer J }
      ? J
      : T extends bigint | symbol | ((...args: never) => unknown) | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
        ? Lost
        : Depth extends readonly [unknown, ...infer Rest]
          ? { [K in keyof T]: Jsonified<T[K], Rest> }
          : T

/** Fits nothing. */
export interface Lost {
  readonly '~lost': never
}

type LossyKeys<In, Out> = {
  [K in keyof Out]-?: K extends keyof In ? ([Jsonified<Out[K]>] extends [In[K]] ? never : K) : K
}[keyof Out] &
  string

/** The schema itself, or a text that names the field which does not survive. */
export type Storable<In, Out> = [Jsonified<Out>] extends [In]
  ? Schema<In, Out>
  : `'${LossyKeys<In, Out>}' does not survive storage: read back from JSON, it no longer fits the schema's input`
