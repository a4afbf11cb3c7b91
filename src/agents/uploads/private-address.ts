import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import { Fault } from '#bus/fault'

const blocked = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  blocked.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [
  ['::', 96], // Unspecified, this machine, and the old way to write an address of version 4.
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  blocked.addSubnet(net, bits, 'ipv6')

/** Whether an address is of a private network, of this machine, or of nobody in particular; a name is none. */
export const isPrivate = (address: string): boolean => {
  const mapped = /^::ffff:/i.test(address) ? asVersion4(address) : address
  const version = isIP(mapped)
  return version !== 0 && blocked.check(mapped, version === 4 ? 'ipv4' : 'ipv6')
}

/** `::ffff:7f00:1` and `::ffff:127.0.0.1` are `127.0.0.1`. */
const asVersion4 = (address: string): string => {
  const rest = address.slice('::ffff:'.length)
  if (isIP(rest) === 4) return rest
  const [high = 0, low = 0] = rest.split(':').map((part) => Number.parseInt(part, 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

type Answer = (cause: Error | null, found: string | LookupAddress[], family?: number) => void

/** Looks a host up, and fails where any of its addresses is private: what is looked up here is what is connected to. */
export const publicLookup = (host: string, options: LookupOptions, answer: Answer): void =>
  lookup(host, { ...options, all: true }, (cause, found) => {
    const [first] = found ?? []
    if (cause || !first) return answer(cause ?? new Error(`${host} has no address`), [])
    if (found.some(({ address }) => isPrivate(address)))
      return answer(new Fault('web.private', `${host} is in a private network`), [])
    return options.all ? answer(null, found) : answer(null, first.address, first.family)
  })
