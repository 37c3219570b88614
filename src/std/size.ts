/**
 * Sizes: from what people write (`'64MiB'`, `'1.5GB'`, `'4G'`, 4096) to bytes, and back.
 *
 * Owns: the units and the grammar; `kB` counts in thousands, `KiB` and the bare letter in 1,024.
 */
import { invalidOption } from './options.ts'

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
}
/** Largest first; what is written is what the same number was read from, or fewer digits of it. */
const WRITTEN = ['GiB', 'MiB', 'KiB'] as const

/**
 * Reads a size.
 *
 * @param name what is being read, for the message: `'worker.maxResult'`.
 * @returns whole bytes.
 * @throws INVALID_OPTION for anything else.
 */
export function parseSize(name: string, value: unknown): number {
  const [, digits = '', unit = 'B'] =
    typeof value === 'string' ? (/^(\d+(?:\.\d+)?) ?([kKMG]i?B|[KMG]|B)?$/.exec(value) ?? []) : []
  const factor = UNITS[unit] ?? Number.NaN
  const bytes = typeof value === 'number' ? value : digits === '' ? Number.NaN : Number(digits) * factor
  const whole = Math.round(bytes)
  if (whole >= 0 && whole <= Number.MAX_SAFE_INTEGER) return whole
  throw invalidOption(name, "a number of bytes, or text such as '512KiB', '64MiB', '2GB'", value)
}

/** Writes a size so that {@link parseSize} reads the same number again: `67108864` gives `64MiB`. */
export function formatSize(bytes: number): string {
  const unit = WRITTEN.find((name) => bytes > 0 && bytes % (UNITS[name] as number) === 0)
  return unit === undefined ? `${bytes}B` : `${bytes / (UNITS[unit] as number)}${unit}`
}
