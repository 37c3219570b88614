/**
 * From plain data to messages and back, by the descriptors of the generated code.
 *
 * Owns: what the rules at the head of `jobs.proto` mean in JavaScript: absent fields, null, the two forms of JSON
 * values; and refusing values that a field cannot hold, with their names. Never judges what a value means: the client
 * behind the node does, and would have to anyway.
 *
 * Everything that depends on a type alone is worked out once per type, since leases and reports pass through here.
 */
import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  isMessage,
  type JsonValue,
  type Message,
  type MessageShape,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf'
import { StructSchema, type Value, ValueSchema } from '@bufbuild/protobuf/wkt'
import { type PerdureError, perdureError } from '../../errors.ts'
import { decodeBody } from '../json.ts'
import { NULLS, SPARSE } from './absent.ts'

/** Which form JSON values take: their text, or themselves for requests that are JSON as a whole. */
export type JsonForm = 'text' | 'value'

/** JSON text that takes the place of the value that it stands for. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** How messages become plain data. */
export interface PlainOptions {
  /** Leaves JSON values as {@link JsonText}, for those who only pass them on. */
  readonly keepsText?: boolean
}

type Fields = Record<string, unknown>
type Write = (message: Fields, value: unknown, path: string, form: JsonForm) => void
type Read = (plain: Fields, message: Fields, options: PlainOptions) => void

/** What is known of one type of message. */
interface Converter {
  readonly write: ReadonlyMap<string, Write>
  readonly read: readonly Read[]
}

const converters = new Map<DescMessage, Converter>()

/**
 * Makes a message of plain data.
 *
 * @param plain Plain data; parts of it may be messages already.
 * @param path Name of the value, for errors; empty for a request as a whole.
 * @throws INVALID_OPTION for what the message has no place for; NOT_SERIALIZABLE for a value that is not JSON.
 */
export function toMessage<Type extends DescMessage>(
  type: Type,
  plain: unknown,
  path = '',
  form: JsonForm = 'text',
): MessageShape<Type> {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain))
    throw unfit(path, 'an object', plain)
  if (isMessage(plain, type)) return plain
  const message = create(type)
  const { write } = converterOf(type)
  for (const key of Object.keys(plain)) {
    const value = (plain as Fields)[key]
    if (value === undefined) continue
    const put = write.get(key)
    if (put === undefined) {
      const known = [...write.keys()].join(', ')
      throw unfit(path, `an object of ${known}`, `property '${key}'`, `Remove '${key}'`)
    }
    put(message as unknown as Fields, value, path === '' ? key : `${path}.${key}`, form)
  }
  return message
}

/** Makes plain data of a message. @throws PROTOCOL for JSON text that is none. */
export function toPlain(type: DescMessage, message: Message, options: PlainOptions = {}): Fields {
  const plain: Fields = {}
  for (const take of converterOf(type).read) take(plain, message as unknown as Fields, options)
  return plain
}

function converterOf(type: DescMessage): Converter {
  const known = converters.get(type)
  if (known !== undefined) return known
  const write = new Map<string, Write>()
  const read: Read[] = []
  const nulls = new Set(NULLS[type.name])
  for (const field of type.fields) {
    if (field.localName.endsWith('Json')) {
      const name = field.localName.slice(0, -4)
      write.set(name, jsonWriter(name))
      read.push(jsonReader(name))
    } else if (!isValue(field)) {
      write.set(field.localName, writer(field, nulls.has(field.localName)))
      read.push(reader(field, nulls.has(field.localName), SPARSE.has(type.name)))
    }
  }
  const converter = { write, read }
  converters.set(type, converter)
  return converter
}

function isValue(field: DescField): boolean {
  return field.fieldKind === 'message' && field.message.typeName === ValueSchema.typeName
}

function jsonWriter(name: string): Write {
  const text = `${name}Json`
  return (message, value, path, form) => {
    const json = value instanceof JsonText ? value.text : encode(path, value)
    if (form === 'text') message[text] = Buffer.from(json)
    else message[name] = jsonValue(path, json)
  }
}

/** The text as a value of a JSON answer, which nests 100 levels at most. */
function jsonValue(path: string, json: string): Value {
  try {
    return fromJson(ValueSchema, JSON.parse(json) as JsonValue)
  } catch (cause) {
    throw notJson(path, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function jsonReader(name: string): Read {
  const textName = `${name}Json`
  return (plain, message, { keepsText }) => {
    const bytes = message[textName] as Uint8Array | undefined
    if (bytes !== undefined) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      plain[name] = keepsText ? new JsonText(buffer.toString()) : decodeBody(buffer)
      return
    }
    const value = message[name] as Value | undefined
    if (value !== undefined) plain[name] = toJson(ValueSchema, value)
  }
}

function writer(field: DescField, isNullable: boolean): Write {
  const name = field.localName
  const convert = converterInto(field)
  return (message, value, path, form) => {
    if (value === null && isNullable) return
    message[name] = convert(value, path, form)
  }
}

type Convert = (value: unknown, path: string, form: JsonForm) => unknown

function converterInto(field: DescField): Convert {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarInto(field.scalar, PROSE.has(field.localName))
    case 'message':
      return messageInto(field.message)
    case 'list': {
      const element =
        field.listKind === 'message' ? messageInto(field.message) : scalarInto(field.scalar as ScalarType)
      return (value, path, form) => {
        if (!Array.isArray(value)) throw unfit(path, 'an array', value)
        return value.map((part) => element(part, path, form))
      }
    }
    case 'map': {
      const element = scalarInto(field.scalar as ScalarType)
      return (value, path, form) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value))
          throw unfit(path, 'an object', value)
        const pairs = Object.entries(value).map(([key, part]) => {
          if (!key.isWellFormed()) throw unfit(path, 'an object with well-formed names', key)
          return [key, element(part, `${path}.${key}`, form)]
        })
        return Object.fromEntries(pairs)
      }
    }
    case 'enum':
      throw new Error(`${field.name}: names are strings in this protocol`)
  }
}

function messageInto(type: DescMessage): Convert {
  if (isStruct(type)) return (value, path) => JSON.parse(encode(path, value))
  return (value, path, form) => toMessage(type, value, path, form)
}

/** Generated code holds a struct as the plain object that it stands for. */
function isStruct(type: DescMessage): boolean {
  return type.typeName === StructSchema.typeName
}

/** Text that people wrote: halves of characters in it are replaced, not refused. */
const PROSE = new Set(['text', 'message', 'stack'])

function scalarInto(type: ScalarType, isProse = false): Convert {
  switch (type) {
    case ScalarType.STRING:
      if (isProse) return (value, path) => asText(value, path).toWellFormed()
      return (value, path) => {
        const text = asText(value, path)
        if (text.isWellFormed()) return text
        throw unfit(path, 'well-formed text', text)
      }
    case ScalarType.BOOL:
      return (value, path) => {
        if (typeof value === 'boolean') return value
        throw unfit(path, 'true or false', value)
      }
    case ScalarType.DOUBLE:
      return (value, path) => {
        if (typeof value === 'number') return value
        throw unfit(path, 'a number', value)
      }
    case ScalarType.UINT32:
      return (value, path) => {
        if (typeof value === 'number' && value >>> 0 === value) return value
        throw unfit(path, 'a whole number from 0 to 4294967295', value)
      }
    case ScalarType.SINT32:
      return (value, path) => {
        if (typeof value === 'number' && (value | 0) === value) return value
        throw unfit(path, 'a whole number', value)
      }
    default:
      throw new Error(`fields of type ${ScalarType[type]} have no place in this protocol`)
  }
}

function asText(value: unknown, path: string): string {
  if (typeof value === 'string') return value
  throw unfit(path, 'text', value)
}

function reader(field: DescField, isNullable: boolean, isSparse: boolean): Read {
  const name = field.localName
  switch (field.fieldKind) {
    case 'list': {
      const type = field.message
      return (plain, message, options) => {
        const list = message[name] as unknown[]
        if (isSparse && list.length === 0) return
        plain[name] = type === undefined ? list : list.map((part) => toPlain(type, part as Message, options))
      }
    }
    case 'map':
      return (plain, message) => {
        const map = message[name] as Fields
        if (!isSparse || Object.keys(map).length > 0) plain[name] = map
      }
    default: {
      const type = field.fieldKind === 'message' && !isStruct(field.message) ? field.message : undefined
      return (plain, message, options) => {
        const value = message[name]
        if (value !== undefined)
          plain[name] = type === undefined ? value : toPlain(type, value as Message, options)
        else if (isNullable) plain[name] = null
      }
    }
  }
}

function encode(path: string, value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw notJson(path, cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (text === undefined) throw notJson(path, `a ${typeof value}`)
  return text
}

function notJson(path: string, found: string, cause?: unknown): PerdureError {
  const fix = 'Hand in plain data: objects, arrays, texts, finite numbers, booleans, null'
  return perdureError('NOT_SERIALIZABLE', { expected: `'${path}' to be a JSON value`, found, fix, cause })
}

function unfit(path: string, expected: string, found: unknown, fix?: string): PerdureError {
  const name = path === '' ? 'the call' : `'${path}'`
  return perdureError('INVALID_OPTION', {
    expected: `${name} to be ${expected}`,
    found: typeof found === 'string' ? found.slice(0, 60) : found === null ? 'null' : `a ${typeof found}`,
    fix: fix ?? `Change ${name}`,
  })
}
