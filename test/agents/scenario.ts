import { expect } from 'vitest'
import type { Commanded, Decider } from '#bus/decider'

type Message = { readonly type: string; readonly data: unknown }

/** Given events, when a command, then events or a refusal. Also asks the command again and expects nothing more. */
export const scenario =
  <State, Command extends Message, Event extends Message>(
    decider: Decider<State, Command, Event>,
    { scope, key }: { readonly scope: string; readonly key: string },
  ) =>
  (...past: readonly Event[]) => {
    const positioned = (event: Event, index: number) => ({
      ...event,
      position: `log.${index + 1}`,
      principal: 'somebody',
      storedAt: 0,
    })
    const before = past.map(positioned).reduce(decider.evolve, decider.initial)
    return {
      when: (command: Command) => {
        const commanded = { ...command, id: 'command', scope, key, principal: 'somebody', at: 0 } as Commanded<Command>
        const decision = decider.decide(commanded, before, [])
        return {
          records: (...events: readonly Message[]) => {
            expect(decision).toMatchObject({ accepted: true, events })
            if (decision.accepted) expect(decision.events).toHaveLength(events.length)
          },
          recordsAlso: (...events: readonly Message[]) => {
            expect(decision.accepted && decision.also?.flatMap((also) => also.events)).toEqual(events)
          },
          isRefused: (refusal: string) => expect(decision).toMatchObject({ accepted: false, refusal }),
          /** What the same command leads to once its events are recorded. */
          again: () => {
            if (!decision.accepted) throw new Error(decision.refusal)
            const after = decision.events.map(positioned).reduce(decider.evolve, before)
            return decider.decide(commanded, after, [])
          },
        }
      },
      state: before,
    }
  }
