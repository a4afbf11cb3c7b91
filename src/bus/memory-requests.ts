import { setTimeout as delay } from 'node:timers/promises'
import { isTraceparent } from '#contracts/envelope'
import { askedBy } from '#contracts/subjects'
import type { Bus, Presence, Request } from './bus.ts'
import { Fault, faults, reasonOf } from './fault.ts'
import { matches } from './memory-log.ts'
import { isSame } from './presence.ts'
import { speaksForOthers } from './requests.ts'

type Server = { readonly pattern: string; readonly answer: (request: Request) => Promise<unknown> }

/** Who answers, in turn, and who is there. */
export const memoryRequests = () => {
  const servers: Server[] = []
  const hosts = new Map<string, Omit<Presence, 'seenAt'>>()

  const request: Bus['request'] = async (subject, body, { timeout = 10_000, onBehalfOf, traceparent } = {}) => {
    const server = servers.find(({ pattern }) => matches(pattern, subject))
    if (!server) throw faults.noOwner(subject)
    servers.push(...servers.splice(servers.indexOf(server), 1))
    const { principal } = askedBy(subject)
    const asked = {
      subject,
      principal,
      onBehalfOf: speaksForOthers(principal) ? onBehalfOf : undefined,
      traceparent: isTraceparent(traceparent) ? traceparent : undefined,
      body: overTheWire(body),
    }
    const late = new AbortController()
    const patience = delay(timeout, undefined, { signal: late.signal }).then(() => {
      throw faults.timeout(subject, timeout)
    })
    const answering = async () => server.answer(asked)
    const answer = answering().catch((cause: unknown) => {
      throw new Fault(cause instanceof Fault ? cause.code : 'bus.broken', reasonOf(cause))
    })
    return overTheWire(await Promise.race([answer, patience]).finally(() => late.abort()))
  }

  const serve: Bus['serve'] = async (pattern, answer, signal) => {
    if (signal.aborted) return
    const underWay = new Set<Promise<unknown>>()
    const answerIt = (asked: Request) => {
      const answering = answer(asked).finally(() => underWay.delete(answering))
      underWay.add(answering)
      return answering
    }
    const server = { pattern, answer: answerIt }
    servers.push(server)
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => resolve(), { once: true })
    await aborted
    servers.splice(servers.indexOf(server), 1)
    await Promise.allSettled(underWay)
  }

  const appear: Bus['appear'] = async (who, signal, disks) => {
    const presence = disks
      ? {
          ...who,
          get disks() {
            return disks()
          },
        }
      : who
    const held = hosts.get(presence.host)
    if (held && !isSame(held, presence)) throw faults.twin(presence.host, held.machine)
    hosts.set(presence.host, presence)
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    const leave = () => {
      if (hosts.get(presence.host) === presence) hosts.delete(presence.host)
      resolve()
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    return { gone }
  }

  const present: Bus['present'] = async (only) =>
    [...hosts.values()]
      .filter(({ host }) => only === undefined || host === only)
      .map((presence) => ({ ...presence, seenAt: Date.now() }))
      .toSorted((a, b) => a.host.localeCompare(b.host))

  return { request, serve, appear, present }
}

const overTheWire = (body: unknown): unknown => JSON.parse(JSON.stringify(body ?? null))
