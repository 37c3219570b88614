import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { App } from '../app.ts'
import type { JobDefinition } from '../client/definition.ts'
import type { HandlerContext } from '../executors/function/context.ts'
import { fail, snooze } from '../executors/function/directives.ts'
import { draft, group } from './drafts.ts'
import type { JobHandle } from './handle.ts'
import { job } from './job.ts'
import { FakeClient } from './testdata/fake-client.ts'

const app = new App(new FakeClient().client)
const resize = job('resize', {
  input: z.object({ path: z.string(), width: z.coerce.number<string>() }),
  run: async (input, ctx) => {
    expectTypeOf(input).toEqualTypeOf<{ path: string; width: number }>()
    expectTypeOf(ctx).toEqualTypeOf<HandlerContext>()
    return { size: input.width }
  },
})
const typed = job('typed', { run: (input: { a: string; b?: number }) => input.a.length })
const bare = job('bare', { run: () => {} })

describe('types', () => {
  it('reach from the schema to the handler, the enqueue and the result', () => {
    expectTypeOf(resize).toEqualTypeOf<JobDefinition<{ path: string; width: string }, { size: number }>>()
    expectTypeOf(app.enqueue(resize, { path: 'a', width: '5' })).toEqualTypeOf<
      Promise<JobHandle<{ size: number }>>
    >()
    expectTypeOf<JobHandle<{ size: number }>['result']>().returns.toEqualTypeOf<Promise<{ size: number }>>()
  })

  it('come from the handler where there is no schema', () => {
    expectTypeOf(typed).toEqualTypeOf<JobDefinition<{ a: string; b?: number }, number>>()
    expectTypeOf(bare).toEqualTypeOf<JobDefinition<unknown, void>>()
  })

  it('refuse what does not fit', () => {
    // never called: the checks are those of the compiler
    const wrong = () => {
      // @ts-expect-error a number where text is expected
      void app.enqueue(resize, { path: 5, width: '5' })
      // @ts-expect-error a part is missing
      void app.enqueue(typed, {})
      // @ts-expect-error a part too many
      void app.enqueue(typed, { a: 'x', c: 1 })
      // @ts-expect-error no input
      void app.enqueue(typed)
      // @ts-expect-error an unknown option
      void app.enqueue(typed, { a: 'x' }, { prio: 1 })
      // @ts-expect-error drafts belong into enqueueMany
      void app.enqueue(typed, { a: 'x' }, { after: [draft(bare)] })
      // @ts-expect-error an unknown option
      job('x', { timout: '5m' })
      // @ts-expect-error the handler takes something else than the schema gives
      job('x', { input: z.string(), run: (input: number) => input })
    }
    expectTypeOf(wrong).toBeFunction()
    expectTypeOf(app.enqueue(bare)).resolves.toEqualTypeOf<JobHandle<void>>()
  })

  it('leave directives out of the result', () => {
    const polite = job('polite', {
      run: async (input: number) => (input > 1 ? snooze('5m') : input < 0 ? fail('no') : ('done' as const)),
    })
    expectTypeOf(polite).toEqualTypeOf<JobDefinition<number, 'done'>>()
  })

  it('follow the schema of the result where there is one', () => {
    const checked = job('checked', {
      output: z.object({ n: z.number() }),
      run: (_: string): unknown => ({ n: 1 }),
    })
    expectTypeOf(checked).toEqualTypeOf<JobDefinition<string, { n: number }>>()
  })

  it('keep their places in a list of drafts', () => {
    const many = () => app.enqueueMany([draft(resize, { path: 'a', width: '1' }), draft(bare), group([1])])
    expectTypeOf(many).returns.resolves.toEqualTypeOf<
      [JobHandle<{ size: number }>, JobHandle<void>, JobHandle<null>]
    >()
    expectTypeOf(app.enqueue('anything', 5)).resolves.toEqualTypeOf<JobHandle<unknown>>()
  })

  it('let definitions of any type share a worker', () => {
    expectTypeOf([resize, typed, bare]).toExtend<readonly JobDefinition[]>()
  })
})
