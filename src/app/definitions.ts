/**
 * The job definitions that a module exports.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { JobDefinition } from '../client/definition.ts'
import { perdureError } from '../errors.ts'

/**
 * Loads a module and finds its definitions: those that it exports one by one, and those in exported arrays.
 *
 * @throws NOT_FOUND when there is no such file; INVALID_INPUT when it does not load, or exports no definition.
 */
export async function loadDefinitions(file: string): Promise<JobDefinition[]> {
  const path = resolve(file)
  if (!existsSync(path)) {
    throw perdureError('NOT_FOUND', {
      expected: 'a module',
      found: `no file at ${path}`,
      fix: 'Correct the path',
      data: { path },
    })
  }
  let exported: Record<string, unknown>
  try {
    exported = (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (cause) {
    throw perdureError('INVALID_INPUT', {
      expected: `${path} to load as a module`,
      found: cause instanceof Error ? cause.message : String(cause),
      fix: 'Run it with node to see where it fails; TypeScript needs Node 22.18 or newer, or build it first',
      cause,
    })
  }
  const definitions = [...new Set(Object.values(exported).flat())].filter(isDefinition)
  if (definitions.length > 0) return definitions
  throw perdureError('INVALID_INPUT', {
    expected: `${path} to export job definitions`,
    found: `${Object.keys(exported).join(', ') || 'no exports'}`,
    fix: "Export what `job('kind', { run })` gives",
  })
}

/** By its shape: the module may have its own copy of the package. */
function isDefinition(value: unknown): value is JobDefinition {
  if (typeof value !== 'object' || value === null) return false
  const { kind, queue, base, run } = value as Partial<Record<string, unknown>>
  return (
    typeof kind === 'string' &&
    typeof queue === 'string' &&
    typeof base === 'object' &&
    typeof run === 'function'
  )
}
