/**
 * Blobs: values that are so long that a store keeps them once, under the digest of their bytes.
 *
 * Owns: which values those are, and what they are found by. How they are kept, and how the rows that refer to them are
 * counted, is each store's own: see decision 64.
 */
import { hash } from 'node:crypto'

/**
 * Characters from which a value is kept by its content. A shorter one is cheaper to write twice than to look up: the
 * digest, an entry in an index that has no order, and a row of its own.
 */
export const LEAST_BLOB = 16 * 1024

/** Whether a value is kept by its content. */
export function isBlob(text: string | null): text is string {
  return text !== null && text.length >= LEAST_BLOB
}

/** What a text is found by: SHA-256 of its bytes in UTF-8, so that nobody can make another one that passes for it. */
export function digestOf(text: string): string {
  return hash('sha256', text, 'base64url')
}
