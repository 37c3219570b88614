/**
 * Standard input as text.
 */
import { readFileSync } from 'node:fs'
import { perdureError } from '../errors.ts'

/** Most that is read into memory at once; more belongs into a file. */
const MOST_BYTES = 16 * 1024 * 1024

/** Cuts bytes into text; refuses what is not UTF-8, as arguments of commands are text. */
export async function* readText(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    for await (const chunk of stream) yield decoder.decode(chunk as Buffer, { stream: true })
    yield decoder.decode()
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw perdureError('INVALID_INPUT', {
      expected: 'standard input to be UTF-8 text',
      found: 'other bytes',
      fix: 'Convert it first, or hand it over in a file (--stdin FILE)',
      cause,
    })
  }
}

/** All of a stream as text. */
export async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const pieces: string[] = []
  let length = 0
  for await (const piece of readText(stream)) {
    length += piece.length
    if (length > MOST_BYTES) {
      throw perdureError('TOO_LARGE', {
        expected: `at most ${MOST_BYTES} characters of standard input`,
        found: 'more',
        fix: 'Put it into a file and use --stdin FILE',
      })
    }
    pieces.push(piece)
  }
  return pieces.join('')
}

/** A file as text. @throws NOT_FOUND where it cannot be read. */
export function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw perdureError('NOT_FOUND', {
      expected: `a file at ${path}`,
      found: (cause as NodeJS.ErrnoException).code ?? 'an error',
      fix: 'Correct the path',
      cause,
      data: { path },
    })
  }
}
