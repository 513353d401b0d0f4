/** A user who may do no more than the README asks for. */
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs'
import type { EventStreamer } from '@workflow/core/adapter'
import { describe, expect, inject, test } from 'vitest'
import { kafkaGuest } from '../../../scripts/services/kafka-server.ts'
import { kafka } from '../src/index.ts'
import type { Broker } from './broker.ts'
import { eventOf, layoutOf } from './events.ts'
import { closeAfter, fresh, receiverOf, take } from './scene.ts'

const { CREATE, DESCRIBE_CONFIGS, READ, WRITE } = AclOperationTypes
const secure = inject('kafkaSecure')

describe.skipIf(secure === undefined)('rights', { timeout: 60_000 }, () => {
  async function allow(broker: Broker, prefix: string, operations: readonly AclOperationTypes[]): Promise<void> {
    const admin = await broker.admin()
    await admin.createAcls({
      acl: operations.map((operation) => ({
        resourceType: AclResourceTypes.TOPIC,
        resourceName: prefix,
        resourcePatternType: ResourcePatternTypes.PREFIXED,
        principal: `User:${kafkaGuest.username}`,
        host: '*',
        operation,
        permissionType: AclPermissionTypes.ALLOW,
      })),
    })
  }

  function open(prefix: string): EventStreamer {
    const adapter = kafka({
      brokers: [secure?.url ?? ''],
      ssl: { ca: secure?.ca ?? '' },
      sasl: { mechanism: 'plain', ...kafkaGuest },
      prefix,
    })
    closeAfter(adapter)
    return adapter.eventStreamer
  }

  test('that the README names are enough, and a missing one is said', async () => {
    const { broker } = fresh()
    const { prefix } = broker
    const denied = { code: 'Configuration', message: expect.stringMatching(/not authorized.*look at sasl, ssl and what the user may do/i) }
    await expect(open(prefix).ensure(layoutOf())).rejects.toMatchObject(denied)
    await allow(broker, prefix, [READ, WRITE, DESCRIBE_CONFIGS])
    await expect(open(prefix).ensure(layoutOf())).rejects.toMatchObject(denied)
    await allow(broker, prefix, [CREATE])
    const streamer = open(prefix)
    await expect.poll(() => streamer.ensure(layoutOf()).then(() => 'fine', String), { timeout: 10_000 }).toBe('fine')
    await (await streamer.newSender()).send([eventOf(1, 0)])
    const receiver = await receiverOf(streamer)
    for (const { ack } of await take(receiver, 1)) await ack()
    expect(await streamer.receivers('orders')).toMatchObject([{ lag: 0 }])
    await streamer.removeReceiver('orders')
  })
})
