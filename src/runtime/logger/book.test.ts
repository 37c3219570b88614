/** The book: order, bounds, readers that are slow. */
import { describe, expect, it } from 'vitest'
import { LogBook, type TailFilter } from './book.ts'
import type { LogRecord } from './record.ts'

const say = (text: string, more: Partial<LogRecord> = {}): LogRecord => ({
  ...{ at: 1, level: 'info', source: 'worker', text },
  ...more,
})

async function texts(book: LogBook, filter: TailFilter = {}): Promise<string[]> {
  const all: string[] = []
  for await (const { text } of book.read(filter)) all.push(text)
  return all
}

describe('a book', () => {
  it('gives output and what was said in the order in which they came, and stamps its node on them', async () => {
    const book = new LogBook({ node: 'n' })
    book.add(say('1'))
    book.add(say('2', { source: 'job' }))
    book.add(say('3', { node: 'other' }))
    expect(await texts(book)).toEqual(['1', '2', '3'])
    const nodes: unknown[] = []
    for await (const { node } of book.read({})) nodes.push(node)
    expect(nodes).toEqual(['n', 'n', 'other'])
  })

  it('lets through what fits all conditions, and of that the last', async () => {
    const book = new LogBook()
    book.add(say('a', { worker: 'w', queue: 'q', level: 'warn' }))
    book.add(say('b', { worker: 'w', queue: 'p', kind: 'k', job: 4, namespace: 's' }))
    book.add(say('c', { worker: 'v', queue: 'q', level: 'error' }))
    expect(await texts(book, { worker: 'w' })).toEqual(['a', 'b'])
    expect(await texts(book, { queue: 'q', level: 'error' })).toEqual(['c'])
    expect(await texts(book, { level: 'warn' })).toEqual(['a', 'c'])
    expect(await texts(book, { kind: 'k', job: 4, namespace: 's' })).toEqual(['b'])
    expect(await texts(book, { job: 5 })).toEqual([])
    expect(await texts(book, { queue: 'q', last: 1 })).toEqual(['c'])
    expect(await texts(book, { last: 0 })).toEqual([])
  })

  it('keeps a bounded number of the last ones; much output pushes out nothing that was said', async () => {
    const book = new LogBook({ most: 100_000 })
    book.add(say('first word'))
    for (let n = 0; n < 20_000; n++) book.add(say(`${n}`, { source: 'job' }))
    const kept = await texts(book)
    expect(kept[0]).toBe('first word')
    expect(kept.at(-1)).toBe('19999')
    expect(kept.length).toBeGreaterThan(300)
    expect(kept.length).toBeLessThan(400)
    expect(kept.slice(1)).toEqual(
      Array.from({ length: kept.length - 1 }, (_, n) => `${20_001 - kept.length + n}`),
    )
  })

  it('keeps one record that is larger than all of its memory, and forgets it with the next', async () => {
    const book = new LogBook({ most: 1_000 })
    book.add(say('x'.repeat(5_000)))
    expect((await texts(book))[0]).toHaveLength(5_000)
    book.add(say('y'))
    expect(await texts(book)).toEqual(['y'])
  })

  it('is followed until it closes, or until the reader has enough', async () => {
    const book = new LogBook()
    book.add(say('old'))
    const end = new AbortController()
    const heard: string[] = []
    const reading = (async () => {
      for await (const { text } of book.read({ follow: true }, end.signal)) heard.push(text)
    })()
    const rest = texts(book, { follow: true, last: 0 })
    await Promise.resolve()
    book.add(say('new'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toEqual(['old', 'new'])
    end.abort()
    await reading
    book.add(say('newer'))
    book.close()
    expect(await rest).toEqual(['new', 'newer'])
    expect(heard).toEqual(['old', 'new'])
  })

  it('tells a slow reader how many it has missed, and goes on with what is there', async () => {
    const book = new LogBook({ most: 3_000 })
    const reader = book.read({ follow: true })
    book.add(say('0'))
    expect((await reader.next()).value).toMatchObject({ text: '0' })
    for (let n = 1; n <= 100; n++) book.add(say(`${n}`))
    const { value } = await reader.next()
    expect(value).toMatchObject({ level: 'warn', data: { missed: expect.any(Number) } })
    const { missed } = (value as LogRecord).data as { missed: number }
    expect((await reader.next()).value).toMatchObject({ text: `${missed + 1}` })
    await reader.return(undefined)
  })
})
