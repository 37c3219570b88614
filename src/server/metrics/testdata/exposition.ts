/**
 * The text form of Prometheus (version 0.0.4), read as strictly as it is specified: whatever a scraper could stumble over
 * is an error here. The rules of `promtool check metrics` about names and help are among them.
 */

/** One series at one moment. */
export interface Sample {
  /** With the `_bucket`, `_sum` or `_count` of a histogram. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** All series of one metric. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const COMMENT = /^# (HELP|TYPE) (\S+) (.+)$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y
// as Go's ParseFloat reads them, to which NaN may be written in any case: a lag of which nothing was measured is Nan
const NUMBER = /^(?:[Nn][Aa][Nn]|[+-]Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/
const HELP = /^(?:[^\\]|\\\\|\\n)+$/
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped']
const ENDINGS: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/** Reads a page of metrics, by name. @throws Error that quotes the line. */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, Family>()
  let help: { readonly name: string; readonly text: string } | undefined
  let family: Family | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    // blank lines stand between families
    if (line === '') continue
    const [, word, name = '', rest = ''] = COMMENT.exec(line) ?? []
    if (word === 'HELP') {
      if (!NAME.test(name) || !HELP.test(rest)) throw broken(line, 'no help')
      help = { name, text: rest }
    } else if (word === 'TYPE') {
      if (help?.name !== name) throw broken(line, 'no help before its type')
      if (!TYPES.includes(rest)) throw broken(line, 'no such type')
      if (families.has(name)) throw broken(line, 'a family that was there before')
      family = { name, type: rest, help: help.text, samples: [] }
      families.set(name, family)
    } else if (line.startsWith('#')) throw broken(line, 'neither help nor type')
    else addSample(family, line)
  }
  for (const each of families.values()) check(each)
  return families
}

function addSample(family: Family | undefined, line: string): void {
  const [, name = '', labelText, number = ''] = SAMPLE.exec(line) ?? []
  if (name === '') throw broken(line, 'no sample')
  if (family === undefined || !(ENDINGS[family.type] ?? ['']).some((ending) => name === family.name + ending))
    throw broken(line, `none of ${family?.name ?? 'any family'}`)
  if (!NUMBER.test(number)) throw broken(line, 'no number')
  const value = number.endsWith('Inf') ? Number(number.replace('Inf', 'Infinity')) : Number(number)
  const sample = { name, labels: readLabels(line, labelText), value }
  const key = keyOf(sample)
  if (family.samples.some((other) => keyOf(other) === key))
    throw broken(line, 'a series that was there before')
  family.samples.push(sample)
}

function readLabels(line: string, text: string | undefined): Record<string, string> {
  const labels: Record<string, string> = {}
  if (text === undefined) return labels
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length || LABEL.lastIndex === 0) {
    const [whole, name = '', value = ''] = LABEL.exec(text) ?? []
    if (whole === undefined) throw broken(line, 'labels that cannot be read')
    if (Object.hasOwn(labels, name)) throw broken(line, 'a label twice')
    labels[name] = value.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
  }
  return labels
}

/** Whether the numbers of a family can be those of its type, and its name is one of that type. */
function check(family: Family): void {
  const { name, type, samples } = family
  const isTotal = name.endsWith('_total')
  // three gauges of every program under Node have had such names for long, and dashboards know them by these
  if ((type === 'counter') !== isTotal && !name.startsWith('nodejs_active_'))
    throw new Error(`${name} is a ${type}`)
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0 && value < Number.POSITIVE_INFINITY)))
    throw new Error(`${name} counts no number`)
  if (type === 'histogram') checkHistogram(family)
}

function checkHistogram({ name, samples }: Family): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels))
  for (const [labels, group] of groups) {
    const only = (ending: string) => group.filter((sample) => sample.name === name + ending)
    const buckets = only('_bucket').map(({ labels: { le = '' }, value }) => [
      Number(le.replace('Inf', 'Infinity')),
      value,
    ])
    const bounds = buckets.map(([bound]) => bound as number)
    const counts = buckets.map(([, count]) => count as number)
    const [count, sum] = [only('_count')[0]?.value, only('_sum')[0]?.value]
    const isWhole =
      bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] as number)) &&
      counts.every((each, at) => at === 0 || each >= (counts[at - 1] as number)) &&
      bounds.at(-1) === Number.POSITIVE_INFINITY &&
      counts.at(-1) === count
    if (!isWhole || sum === undefined) throw new Error(`${name}${labels} is no histogram`)
  }
}

function keyOf({ name, labels }: Sample): string {
  return JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
}

function broken(line: string, found: string): Error {
  return new Error(`${found}: ${line}`)
}
