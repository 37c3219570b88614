/** Webhooks: what they send, and where they do not. */
import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { HumanNotice } from './human.ts'
import { webhook } from './webhook.ts'

const notice: HumanNotice = {
  ...{ title: 'Ship it?', assignee: 'ann', form: null, about: null, round: 1, rejected: null, dueAt: null },
  ...{ token: '7-abc', reason: 'asked' },
}

let server: Server | undefined
afterEach(() => new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve))))

/** A server that answers with a status; its address, and what it got. */
async function serve(status: number): Promise<{ url: string; got: { body: string; signature: string }[] }> {
  const got: { body: string; signature: string }[] = []
  server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    got.push({ body, signature: String(request.headers['perdure-signature']) })
    response.writeHead(status, { connection: 'close' }).end()
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got }
}

it('sends the notice, signed', async () => {
  const { url, got } = await serve(204)
  await webhook({ url, secret: 'shh', allow: ['127.0.0.0/8'] })(notice)
  const [call] = got
  expect(JSON.parse(call?.body as string)).toEqual(notice)
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(call?.signature as string) ?? []
  expect(signature).toBe(createHmac('sha256', 'shh').update(`${time}.${call?.body}`).digest('hex'))
})

it('fails where the server does not take it', async () => {
  const { url } = await serve(500)
  await expect(webhook({ url, allow: ['127.0.0.0/8'] })(notice)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('status 500'),
  })
})

it('does not go where it has no business', async () => {
  const { url, got } = await serve(200)
  for (const address of [url, 'https://127.0.0.1/', 'https://169.254.169.254/', 'ftp://example.com/']) {
    await expect(webhook({ url: address })(notice)).rejects.toMatchObject({ code: 'DENIED' })
  }
  expect(got).toEqual([])
})

it('refuses options that mean nothing', () => {
  expect(() => webhook({ url: 'nowhere' })).toThrow(/an address such as/)
  expect(() => webhook({ url: 'https://a.b', allow: ['x'] })).toThrow(/a network such as/)
})
