/**
 * Internet addresses and networks: `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`.
 *
 * Owns: reading both, and whether an address lies in a network. Never does: I/O, or names.
 */

/** The first `prefix` bits of `value` name the network; an address is a network of all its bits. */
export interface Network {
  /** 32 or 128. */
  readonly bits: number
  readonly value: bigint
  readonly prefix: number
}

/** Reads an address with or without `/prefix`; undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', digits] = /^([0-9a-fA-F:.]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const parsed = parseAddress(address)
  if (parsed === undefined) return undefined
  const prefix = digits === undefined ? parsed.bits : Number(digits)
  return prefix <= parsed.bits ? { ...parsed, prefix } : undefined
}

/** Whether an address (its zone, as in `fe80::1%eth0`, aside) lies in a network. What is no address lies in none. */
export function isInNetwork(network: Network, address: string): boolean {
  const parsed = parseAddress(address.replace(/%.*$/s, ''))
  if (parsed === undefined || parsed.bits !== network.bits) return false
  const rest = BigInt(network.bits - network.prefix)
  return parsed.value >> rest === network.value >> rest
}

/** An IPv4 address that is written as IPv6 (`::ffff:10.1.2.3`) is read as the IPv4 address that it is. */
function parseAddress(text: string): Pick<Network, 'bits' | 'value'> | undefined {
  const four = parseFour(text)
  if (four !== undefined) return { bits: 32, value: four }
  const six = parseSix(text)
  if (six === undefined) return undefined
  return six >> 32n === 0xffffn ? { bits: 32, value: six & 0xffff_ffffn } : { bits: 128, value: six }
}

function parseFour(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0n
  for (const part of parts) {
    // a leading zero means octal to some and decimal to others
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    value = (value << 8n) | BigInt(part)
  }
  return value
}

function parseSix(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [front, back] = halves.map(groupsOf)
  if (front === undefined || (halves.length === 2 && back === undefined)) return undefined
  const missing = 8 - front.length - (back?.length ?? 0)
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...front, ...new Array<bigint>(missing).fill(0n), ...(back ?? [])]
  return groups.reduce((value, group) => (value << 16n) | group, 0n)
}

/** The groups of one side of `::`, the last of which may be an IPv4 address; undefined for anything else. */
function groupsOf(half: string, index: number, halves: readonly string[]): bigint[] | undefined {
  if (half === '') return halves.length === 2 ? [] : undefined
  const parts = half.split(':')
  const groups: bigint[] = []
  for (const [at, part] of parts.entries()) {
    const isLast = index === halves.length - 1 && at === parts.length - 1
    const four = isLast ? parseFour(part) : undefined
    if (four !== undefined) groups.push(four >> 16n, four & 0xffffn)
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`))
    else return undefined
  }
  return groups
}
