/**
 * Where things are in etcd. Everything is below `<prefix>//`: no prefix has an empty part, so that no tenant's keys lie within
 * another's.
 */

export type Key =
  | { readonly type: 'domain' }
  | { readonly type: 'member'; readonly id: string }
  /** What a member wants, in one or more parts. */
  | { readonly type: 'want'; readonly id: string; readonly part: number }
  /** What a member should have, in one or more parts. */
  | { readonly type: 'plan'; readonly id: string; readonly part: number }
  | { readonly type: 'role'; readonly role: string }

export class Keys {
  readonly root: string
  readonly domain: string
  readonly members: string
  readonly roles: string

  constructor(prefix: string) {
    this.root = `${prefix}//`
    this.domain = `${this.root}domain`
    this.members = `${this.root}member/`
    this.roles = `${this.root}role/`
  }

  member(id: string): string {
    return `${this.members}${id}`
  }

  want(id: string, part: number): string {
    return `${this.root}want/${id}/${part}`
  }

  plan(id: string, part: number): string {
    return `${this.root}plan/${id}/${part}`
  }

  role(role: string): string {
    return `${this.roles}${role}`
  }

  /** What a key is about; undefined for one that others made, or a later version. */
  parse(key: string): Key | undefined {
    if (key === this.domain) return { type: 'domain' }
    if (key.startsWith(this.members)) return { type: 'member', id: key.slice(this.members.length) }
    if (key.startsWith(this.roles)) return { type: 'role', role: key.slice(this.roles.length) }
    const [, type, id, part] = /^(want|plan)\/([^/]+)\/(0|[1-9][0-9]{0,8})$/.exec(key.slice(this.root.length)) ?? []
    if ((type !== 'want' && type !== 'plan') || id === undefined || part === undefined) return undefined
    return { type, id, part: Number(part) }
  }
}
