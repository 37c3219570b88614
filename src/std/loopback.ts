/**
 * Which addresses lead no further than this machine.
 */
import { BlockList, isIP } from 'node:net'

const addresses = new BlockList()
addresses.addSubnet('127.0.0.0', 8, 'ipv4')
addresses.addAddress('::1', 'ipv6')

/** Whether a host, by name or address, is this machine and nobody else can listen in on the way. Brackets are let through. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (bare === 'localhost') return true
  const version = isIP(bare)
  return version !== 0 && addresses.check(bare, version === 6 ? 'ipv6' : 'ipv4')
}
