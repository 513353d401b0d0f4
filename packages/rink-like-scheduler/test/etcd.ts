/** The etcd that tests share, and what they ask of it past the scheduler. */
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type { EtcdBinary } from '../../../scripts/services/etcd-binaries.ts'

export const etcdUrl: string | undefined = inject('etcdUrl')

const program = inject('etcdProgram')

/** What tests of faults start members of their own with. */
export const binary: EtcdBinary | undefined = program === undefined ? undefined : { program, version: '', origin: '' }

/** For what nobody else has. */
export function freshPrefix(): string {
  return `test/${randomUUID()}`
}

const encoded = (text: string): string => Buffer.from(text).toString('base64')

/** One call of etcd's JSON gateway. */
export async function etcdCall(url: string, path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(new URL(path, url), { method: 'POST', body: JSON.stringify(body) })
  const answer = (await response.json()) as Readonly<Record<string, unknown>>
  if (!response.ok) throw new Error(`etcd answers ${response.status}: ${JSON.stringify(answer)}`)
  return answer
}

/** The keys below a prefix. */
export async function keysOf(url: string, prefix: string): Promise<readonly string[]> {
  const range = { key: encoded(`${prefix}//`), range_end: encoded(`${prefix}/0`), keys_only: true }
  const { kvs = [] } = (await etcdCall(url, '/v3/kv/range', range)) as { readonly kvs?: readonly { readonly key: string }[] }
  return kvs.map(({ key }) => Buffer.from(key, 'base64').toString())
}

/** The leases that keys below a prefix hang on, of which a member should have one. */
export async function leasesOf(url: string, prefix: string): Promise<readonly string[]> {
  // Without values etcd leaves out the leases, too.
  const range = { key: encoded(`${prefix}//`), range_end: encoded(`${prefix}/0`) }
  const { kvs = [] } = (await etcdCall(url, '/v3/kv/range', range)) as { readonly kvs?: readonly { readonly lease?: string }[] }
  return [...new Set(kvs.flatMap(({ lease }) => lease ?? []))]
}

export async function valueOf(url: string, key: string): Promise<string | undefined> {
  const { kvs = [] } = (await etcdCall(url, '/v3/kv/range', { key: encoded(key) })) as {
    readonly kvs?: readonly { readonly value: string }[]
  }
  const [found] = kvs
  return found === undefined ? undefined : Buffer.from(found.value, 'base64').toString()
}

/** How often a key was written since it was made. */
export async function versionOf(url: string, key: string): Promise<number> {
  const { kvs = [] } = (await etcdCall(url, '/v3/kv/range', { key: encoded(key) })) as {
    readonly kvs?: readonly { readonly version: string }[]
  }
  return Number(kvs[0]?.version ?? 0)
}

export async function deleteKey(url: string, key: string): Promise<void> {
  await etcdCall(url, '/v3/kv/deleterange', { key: encoded(key) })
}

export async function putKey(url: string, key: string, value: string): Promise<void> {
  await etcdCall(url, '/v3/kv/put', { key: encoded(key), value: encoded(value) })
}
