import { commandFrom, own } from '#bus/command'
import { patiently } from '#bus/patience'
import { addressOfPortal, mayNotSpeak, type Policy } from '#contracts/portal'
import { tellWhenDue } from '../due.ts'
import type { Hosted, Hosting } from '../hosting.ts'
import { personDecider } from '../notices/person.ts'
import { dueInExperiments } from './due-in-experiments.ts'
import { endNodeDecider } from './end-node.ts'
import { experimentDecider } from './experiment.ts'
import { type NamedBefore, namedBefore } from './named-before.ts'
import { portalDecider } from './portal.ts'

/** Before the portal's file holds, nobody may anything. */
const noPolicy: Policy = {
  administrators: [],
  operators: [],
  projects: {},
  portal: [],
  webs: [],
  gitHosts: [],
  gitFolders: [],
  sites: {},
}

/** Owns what is decided at the portal: what it is itself, its projects' experiments, the end nodes of its sites, and people. */
export const openPortal = ({ bus, log }: Hosting, { run, signal }: Hosted) => {
  const say = (message: string) => log('warn', message)
  let now: Policy | undefined
  const policy = (): Policy => now ?? noPolicy
  const unheard = (asker: Parameters<typeof mayNotSpeak>[1]) => mayNotSpeak(policy(), asker)
  const portal = own(bus, portalDecider(bus.principal), addressOfPortal.scope, signal, unheard)
  run(portal.served)
  let known: NamedBefore = { projects: [], sites: [], parts: [] }
  const owned = new Set<string>()
  /** Once for each: told again, it is owned already. */
  const once = (what: string, begin: () => void): void => {
    if (!owned.has(what)) begin()
    owned.add(what)
  }

  /** Records who is who, and decides by it from then on. */
  const define = async (next: Policy): Promise<void> => {
    const command = { address: addressOfPortal, type: 'portal.define', data: { policy: next } }
    await patiently(
      () => portal.handle(addressOfPortal, commandFrom(command, bus.principal)),
      signal,
      (reason) => say(`The portal can't be defined for now: ${reason}`),
    )
    now = next
    // Only now it is known who may speak for whom.
    once('people', () => run(own(bus, personDecider, 'all', signal, unheard).served))
    known = await patiently(() => namedBefore(bus), signal)
    for (const scope of known.projects)
      once(`project ${scope}`, () => {
        const owner = own(bus, experimentDecider(policy), scope, signal, unheard)
        run(owner.served)
        run(tellWhenDue({ bus, owner, scope, dueIn: dueInExperiments, say, signal }))
      })
    for (const site of known.sites)
      once(`site ${site}`, () => run(own(bus, endNodeDecider(policy), site, signal, unheard).served))
  }
  return { define, policy, before: () => known }
}
