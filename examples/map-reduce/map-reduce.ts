/**
 * Map and reduce: the words of the pages of this project, counted by a job per page.
 */
import { join } from 'node:path'
import { open } from '../../src/index.ts'
import { countWords, mostWords } from './definitions.ts'

const app = await open('sqlite:words.db')
app.work([mostWords, countWords])
const folder = join(import.meta.dirname, '../../docs')
const { files, words } = await (await app.enqueue(mostWords, { folder, most: 5 })).result()
console.log(`${files} pages`)
for (const [word, count] of words) console.log(`${word}: ${count}`)
const { jobs } = await app.list({ kind: 'count-words', limit: 1000 })
console.log(`a job per page: ${jobs.length === files}`)
await app.close()
