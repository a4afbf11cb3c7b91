import { isDeepStrictEqual } from 'node:util'
import type { Bus } from '#bus/bus'
import { accept, type Decider, refuse } from '#bus/decider'
import { knownIn } from '#contracts/all'
import type { PersonCommand, PersonEvent, Preferences } from '#contracts/notification'
import type { Address } from '#contracts/subjects'

/** How somebody wants to be told; nothing where that was never said. */
export type Person = { readonly preferences?: Preferences | undefined }

const initial: Person = {}

const evolve = (_: Person, event: PersonEvent): Person => ({ preferences: event.data })

/** A person: says alone how to be told. */
export const personDecider: Decider<Person, PersonCommand, PersonEvent> = {
  aggregate: 'person',
  initial,
  evolve,
  decide: ({ data, key, principal }, person) => {
    if (principal !== key)
      return refuse('not-allowed', `${principal} may not say how ${key} is told: that takes ${key}`)
    return isDeepStrictEqual(person.preferences, data) ? accept() : accept({ type: 'person.preferences-set', data })
  },
}

/** Where it is decided how somebody is told, by the name of the principal. */
export const addressOfPerson = (key: string): Address => ({ aggregate: 'person', scope: 'all', key })

/** How somebody wants to be told, as the log has it now. */
export const readPreferences = async (bus: Pick<Bus, 'last'>, key: string): Promise<Preferences | undefined> => {
  const last = await bus.last(addressOfPerson(key))
  const event = last && knownIn<PersonEvent>(last)
  return event?.data
}
