/** Networks against a model that compares bits as text. */
import { isIP } from 'node:net'
import { describe, expect, it } from 'vitest'
import { isInNetwork, type Network, parseNetwork } from './network.ts'
import { fc, times } from './testdata/properties.ts'

const four = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.'))
const group = fc.nat(0xffff)
const six = fc.array(group, { minLength: 8, maxLength: 8 })
/** The same groups, perhaps with a run of zeros left out. */
const written = six.map((groups) => {
  const plain = groups.map((value) => value.toString(16)).join(':')
  return { groups, plain, short: plain.replace(/(^|:)0(:0)+(:|$)/, '::') }
})

const fourBits = (address: string): string =>
  address
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')
const sixBits = (groups: readonly number[]): string =>
  groups.map((value) => value.toString(2).padStart(16, '0')).join('')

const network = (text: string): Network => parseNetwork(text) as Network

describe('networks', () => {
  it('hold the IPv4 addresses with the same first bits', () => {
    fc.assert(
      fc.property(four, four, fc.nat(32), fc.nat(32), (base, other, prefix, shared) => {
        // random addresses share few bits: give them some
        const bits = fourBits(base).slice(0, shared) + fourBits(other).slice(shared)
        const address = (bits.match(/.{8}/g) as string[]).map((byte) => Number.parseInt(byte, 2)).join('.')
        const expected = fourBits(base).slice(0, prefix) === bits.slice(0, prefix)
        expect(isInNetwork(network(`${base}/${prefix}`), address)).toBe(expected)
      }),
      times(300),
    )
  })

  it('hold the IPv6 addresses with the same first bits, however they are written', () => {
    fc.assert(
      fc.property(written, six, fc.nat(128), fc.nat(8), (base, other, prefix, shared) => {
        const groups = [...base.groups.slice(0, shared), ...other.slice(shared)]
        // what maps IPv4 is IPv4
        fc.pre(sixBits(groups).slice(0, 96) !== '0'.repeat(80) + '1'.repeat(16))
        fc.pre(sixBits(base.groups).slice(0, 96) !== '0'.repeat(80) + '1'.repeat(16))
        const expected = sixBits(base.groups).slice(0, prefix) === sixBits(groups).slice(0, prefix)
        const address = groups.map((value) => value.toString(16)).join(':')
        expect(isInNetwork(network(`${base.plain}/${prefix}`), address)).toBe(expected)
        expect(isInNetwork(network(`${base.short}/${prefix}`), address)).toBe(expected)
      }),
      times(300),
    )
  })

  it('read as an address whatever the system reads as one', () => {
    const characters = fc.constantFrom('0', '1', 'f', 'a', ':', ':', '::', '.', '255', '10')
    const text = fc.array(characters, { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          four,
          written.map(({ short }) => short),
        ),
        (address) => {
          expect(parseNetwork(address) !== undefined).toBe(isIP(address) !== 0)
        },
      ),
      times(2_000),
    )
  })

  it.each(['10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/', '10.0.0.0/08', 'node1', '', '1::2::3'])(
    'refuse %j',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined()
    },
  )

  it('see an IPv4 address behind its IPv6 form, and no zone', () => {
    expect(isInNetwork(network('10.0.0.0/8'), '::ffff:10.1.2.3')).toBe(true)
    expect(isInNetwork(network('fe80::/10'), 'fe80::1%eth0')).toBe(true)
    expect(isInNetwork(network('10.0.0.0/8'), 'fe80::1')).toBe(false)
    expect(isInNetwork(network('10.0.0.0/8'), 'nonsense')).toBe(false)
  })
})
