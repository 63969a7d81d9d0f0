/** Writes response documents. Text is escaped as S3 does it. */

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** An element: text, child elements, or absent if undefined. */
export type Content = string | number | boolean | Elements | undefined;

/** Child elements in order. An array stands for as many elements of that name; a name with `@` before it for an attribute of the parent. */
export interface Elements {
  readonly [name: string]: Content | readonly Content[];
}

/** A whole document in S3's namespace. */
export function document(root: string, children: Elements): string {
  return `${DECLARATION}<${root} xmlns="${NAMESPACE}">${elements(children)}</${root}>`;
}

/** A whole document without a namespace, as errors are. */
export function plainDocument(root: string, children: Elements): string {
  return `${DECLARATION}<${root}>${elements(children)}</${root}>`;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

function elements(children: Elements): string {
  // By a loop, and without an array for each: a page of a listing has thousands.
  let text = '';
  for (const name of Object.keys(children)) {
    if (name.startsWith('@')) continue;
    const content = children[name];
    if (!isArray(content)) text += element(name, content);
    else for (const each of content) text += element(name, each);
  }
  return text;
}

function element(name: string, content: Content): string {
  if (content === undefined) return '';
  if (typeof content !== 'object') return `<${name}>${escapeText(String(content))}</${name}>`;
  return `<${name}${attributes(content)}>${elements(content)}</${name}>`;
}

function attributes(children: Elements): string {
  let text = '';
  for (const name of Object.keys(children)) {
    const value = children[name];
    if (name.startsWith('@') && typeof value === 'string') text += ` ${name.slice(1)}="${escapeText(value)}"`;
  }
  return text;
}

function isArray(content: Content | readonly Content[]): content is readonly Content[] {
  return Array.isArray(content);
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Control characters that XML 1.0 cannot hold are written as references all the same, as S3 does; `encoding-type=url` avoids them. */
export function escapeText(text: string): string {
  return text.replace(
    /[&<>"\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]/g,
    (char) => ESCAPES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}
