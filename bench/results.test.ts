import { describe, expect, it } from 'vitest'
import { svgChart } from './chart.ts'
import { Measured, toRow } from './results.ts'
import type { RowDefinition } from './row.ts'
import { rows } from './rows.ts'
import { markdownDetails, markdownTable, textTable } from './table.ts'

function definition(id: string): RowDefinition {
  const found = rows.find((row) => row.id === id)
  if (!found) throw new Error(`no row ${id}`)
  return found
}

describe('a row', () => {
  it('names the peer with the highest rate, and meets its bar only against all', () => {
    const measured = new Measured()
    measured.set('endToEnd', 'floor', { perSecond: 100_000 })
    measured.set('endToEnd', 'bullmq', { perSecond: 10_000 })
    measured.set('endToEnd', 'bee-queue', { perSecond: 20_000 })
    measured.set('endToEnd', 'perdure', { perSecond: 60_000 })
    expect(toRow(definition('embedded.e2e'), measured)).toMatchObject({
      value: 60_000,
      floorRatio: 0.6,
      peer: 20_000,
      peerName: 'bee-queue',
      peerRatio: 3,
      pass: true,
    })
    measured.set('endToEnd', 'graphile-worker', { perSecond: 20_001 })
    expect(toRow(definition('embedded.e2e'), measured)).toMatchObject({
      peerName: 'Graphile Worker',
      pass: false,
    })
  })

  it('turns ratios of times round, so that above 1 is always better', () => {
    const measured = new Measured()
    measured.set('graph', 'perdure', { ms: 500 })
    measured.set('graph', 'bullmq', { ms: 2000 })
    measured.set('graph', 'pg-boss', { ms: 1000 })
    const row = toRow(definition('embedded.graph.10k'), measured)
    expect(row).toMatchObject({ peer: 1000, peerName: 'pg-boss', peerRatio: 2, floor: null, pass: true })
    measured.set('graph', 'bullmq', { ms: 1500 })
    expect(toRow(definition('embedded.graph.10k'), measured).pass).toBe(false)
  })

  it('divides by the figure that it is relative to', () => {
    const measured = new Measured()
    measured.set('backlog10m', 'perdure', { perSecond: 45_000, megabytes: 130 })
    expect(toRow(definition('embedded.backlog.10m'), measured).value).toBeNull()
    measured.set('backlog10k', 'perdure', { perSecond: 50_000, megabytes: 100 })
    expect(toRow(definition('embedded.backlog.10m'), measured)).toMatchObject({ value: 0.9, pass: true })
    expect(toRow(definition('embedded.backlog.10m.rss'), measured)).toMatchObject({ value: 130, pass: false })
  })

  it('leaves a bar open when what it compares with was not measured', () => {
    const measured = new Measured()
    measured.set('single64', 'perdure', { perSecond: 60_000 })
    expect(toRow(definition('embedded.enqueue.single.64'), measured).pass).toBeNull()
    measured.set('single64', 'bullmq-volatile', { perSecond: 60_001 })
    expect(toRow(definition('embedded.enqueue.single.64'), measured).pass).toBe(false)
  })

  it('says nothing about Perdure when only others were measured', () => {
    const measured = new Measured()
    measured.set('endToEnd', 'floor', { perSecond: 100_000 })
    expect(toRow(definition('embedded.e2e'), measured)).toMatchObject({
      value: null,
      floorRatio: null,
      pass: null,
    })
  })
})

describe('what is written about rows', () => {
  const measured = new Measured()
  measured.set('endToEnd', 'perdure', { perSecond: 60_000 })
  measured.set('endToEnd', 'floor', { perSecond: 100_000 })
  measured.set('endToEnd', 'plainjob', { perSecond: 30_000 })
  const row = toRow(definition('embedded.e2e'), measured)

  it('aligns the table and says that a bar was missed', () => {
    const lines = textTable([row]).trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[2]).toMatch(/^embedded.e2e +60,000 jobs\/s +100,000 +0.60 x +30,000 +plainjob +2.00 x .*NO$/)
    expect((lines[0] as string).indexOf('bar')).toBe((lines[2] as string).indexOf('>='))
  })

  it('gives Markdown as many cells as headings', () => {
    for (const text of [markdownTable([row]), markdownDetails([row])]) {
      const widths = text
        .trimEnd()
        .split('\n')
        .map((line) => line.split('|').length)
      expect(new Set(widths).size).toBe(1)
      expect(widths).toHaveLength(3)
    }
  })

  it('draws a bar for each system and escapes what it prints', () => {
    const svg = svgChart([row], 'a & b')
    expect(svg.match(/<rect x=/g)).toHaveLength(3)
    expect(svg).toContain('a &#38; b')
    expect(svg).toMatch(/^<svg [^>]*height="\d+"/)
  })
})
