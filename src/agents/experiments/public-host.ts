import { lookup } from 'node:dns/promises'
import { Fault, reasonOf } from '#bus/fault'
import { isPrivate } from '../uploads/private-address.ts'

/**
 * Rejects where any address of a host is of a private network, or of this machine, as its name is looked up now. Git looks it up once
 * more: whoever answers for the name may then say something else, so this keeps honest names apart, and no more.
 */
export const checkPublic = async (host: string): Promise<void> => {
  const advice = "Allow it by its name in the portal's file (gitHosts), if code is to come from there"
  const found = await lookup(host, { all: true }).catch((cause: unknown) => {
    throw new Fault('source.no-host', `${host} can't be looked up: ${reasonOf(cause)}. ${advice}`, { cause })
  })
  if (found.some(({ address }) => isPrivate(address)))
    throw new Fault('source.private', `Code can't come from ${host}: it is in a private network. ${advice}`)
}
