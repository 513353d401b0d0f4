/** Workflow's roles on etcd, after the model of Rink: ranked members, one lease each, a lock per role. */
export { rinkLikeScheduler } from './role-scheduler.ts'
export type { EtcdAuth, EtcdTls, RinkLikeOptions } from './settings.ts'
