import type { Bus } from '#bus/bus'
import { ask } from '#bus/command'
import { Fault, faults } from '#bus/fault'
import type { Answer } from '#bus/handle'
import { called } from '#contracts/names'
import { addressOfPortal, type Policy } from '#contracts/portal'

/**
 * Asks what is decided at the portal. Where nobody answers as the portal knows no such project, or no such site, that is what the
 * fault says.
 */
export const askPortal = (bus: Bus, command: Parameters<typeof ask>[1]): Promise<Answer> =>
  ask(bus, command).catch(async (cause: unknown) => {
    if (!(cause instanceof Fault && cause.code === 'bus.no-owner')) throw cause
    const { aggregate, scope } = command.address
    const policy = (await bus.read(addressOfPortal)).events.at(-1)?.data as { readonly policy?: Policy } | undefined
    const known = aggregate === 'end-node' ? policy?.policy?.sites : policy?.policy?.projects
    if (!known || called<unknown>(known, scope) !== undefined) throw cause
    const kind = aggregate === 'end-node' ? 'site' : 'project'
    throw faults.nothingThere(`${kind} ${scope}. The portal knows: ${Object.keys(known).join(', ') || 'none'}`)
  })
