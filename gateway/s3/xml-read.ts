/** Reads request documents: small, flat, and strict. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { S3Error } from '../errors';

/** The deepest S3 request document has four levels. */
const MAX_DEPTH = 6;

/** An element of a request: text, or children in order of appearance by name. */
export type XmlElement = string | XmlChildren;
export interface XmlChildren {
  readonly [name: string]: readonly XmlElement[];
}

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  maxNestedTags: MAX_DEPTH,
  isArray: (_name, path) => typeof path === 'string' && path.includes('.'),
});

/** The children of the root element, which must be called `root`. Throws `MalformedXML`. */
export function readDocument(xml: string, root: string): XmlChildren {
  if (/<!(?!--)/.test(xml) || XMLValidator.validate(xml) !== true) throw new S3Error('MalformedXML');
  const parsed = parse(xml) as Readonly<Record<string, unknown>>;
  if (Object.keys(parsed).some((name) => name !== root && name !== '#text'))
    throw new S3Error('MalformedXML');
  if (!(root in parsed)) throw new S3Error('MalformedXML');
  const children = parsed[root];
  return typeof children === 'string' ? {} : (children as XmlChildren);
}

function parse(xml: string): unknown {
  try {
    return parser.parse(xml);
  } catch (cause) {
    throw new S3Error('MalformedXML', { cause });
  }
}

/** The children called `name`, as elements with children. Throws `MalformedXML` if one is text. */
export function childrenOf(parent: XmlChildren, name: string): readonly XmlChildren[] {
  return (parent[name] ?? []).map((child) => {
    if (typeof child === 'string') throw new S3Error('MalformedXML');
    return child;
  });
}

/** The text of the only child called `name`; undefined without one. Throws `MalformedXML` if there are several, or it is not text. */
export function textOf(parent: XmlChildren, name: string): string | undefined {
  const [child, ...more] = parent[name] ?? [];
  if (child === undefined) return undefined;
  if (more.length > 0 || typeof child !== 'string') throw new S3Error('MalformedXML');
  return unescapeText(child);
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeText(text: string): string {
  return text.replace(/&([^;]*;?)/g, (_match, reference: string) => {
    const name = reference.replace(/;$/, '');
    const codePoint = name.startsWith('#x') ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    const isNumber = /^#(x[0-9a-f]{1,6}|\d{1,7})$/i.test(name) && codePoint <= 0x10ffff;
    const char = isNumber ? String.fromCodePoint(codePoint) : NAMED[name];
    if (char === undefined || !reference.endsWith(';')) throw new S3Error('MalformedXML');
    return char;
  });
}
