import { CommittedListeners, type EngineContext } from './engine/engine-context.ts'
import { Committer } from './engine/committer.ts'
import { HandOffCache } from './engine/hand-off-cache.ts'
import { boundLogger } from './engine/handler-run.ts'
import { Ids } from './engine/ids.ts'
import { fanOut } from './adapter/fan-out.ts'
import { jsonCodec } from './adapter/json-codec.ts'
import { Measures } from './engine/measures.ts'
import { ObjectCodec } from './engine/object-codec.ts'
import { safeInstrumentation } from './engine/safe-instrumentation.ts'
import { discreet, safeLogger } from './engine/safe-logger.ts'
import { StoreLimit } from './engine/store-limit.ts'
import { Timing } from './engine/timed-ports.ts'
import { Topics } from './engine/topics.ts'
import type { ContractModel } from './model/definition.ts'
import type { Delivery } from './ports/event-streamer.ts'
import type { ResolvedClientInfrastructure } from './resolved-infrastructure.ts'

/** Puts together what the engine of one workflow in this process shares. */
export function engineContext(contract: ContractModel, infrastructure: ResolvedClientInfrastructure): EngineContext {
  const { recordStore, eventStreamer, clock, random, instance, slots } = infrastructure
  const handlerLogger = safeLogger(infrastructure.logger)
  const logger = discreet(handlerLogger)
  const instrumentations = infrastructure.instrumentation.map((each) => safeInstrumentation(each, logger, clock, contract.name))
  const instrumentation = fanOut(instrumentations)
  // Who measures nothing pays for no clock.
  const timing = instrumentations.length === 0 ? undefined : new Timing(instrumentation, clock, contract.name)
  const store = timing?.store(recordStore) ?? recordStore
  const cache = new HandOffCache(clock)
  return {
    contract,
    store,
    streamer: timing?.streamer(eventStreamer) ?? eventStreamer,
    ack: timing?.ack ?? acknowledged,
    clock,
    random,
    logger,
    handlerLogger,
    instrumentation,
    measures: new Measures(instrumentation, contract.name),
    instance,
    slots,
    storeLimit: new StoreLimit(clock, infrastructure.storeTimeoutMs),
    awaitPollingMs: infrastructure.awaitPollingFrequencyMs,
    foreignIdLengthMax: infrastructure.maxForeignIdLength,
    historyObjects: infrastructure.historyObjects,
    ids: new Ids(clock, random),
    codec: new ObjectCodec(contract, infrastructure.codec ?? jsonCodec, infrastructure.maxObjectBytes),
    topics: new Topics(contract),
    cache,
    committer: new Committer(store, clock, random, cache, boundLogger(logger, { workflow: contract.name })),
    committed: new CommittedListeners(),
  }
}

const acknowledged = (delivery: Pick<Delivery<unknown>, 'ack'>): Promise<void> => delivery.ack()
