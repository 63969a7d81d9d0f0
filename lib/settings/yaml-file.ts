/** A YAML file whose problems are told with the line that they are on. */
import { readFileSync } from 'node:fs';
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { problem, PropsError, type Finding, type Problem } from '../problems';

/** Keys and indexes from the top. */
export type DocumentPath = readonly (string | number)[];

export class YamlFile {
  private constructor(
    private readonly path: string,
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
  ) {}

  /**
   * @param options.textOnly reads every value as the text that stands there: no number loses a zero, no `no` becomes false
   * @throws PropsError for what cannot be read or is no YAML. No text of the file is shown: it may hold secrets.
   */
  static read(path: string, options: { readonly textOnly: boolean }): YamlFile {
    const lines = new LineCounter();
    const document = parseDocument(readText(path), {
      lineCounter: lines,
      prettyErrors: false,
      ...(options.textOnly && { schema: 'failsafe' }),
    });
    const faults = document.errors.map(({ code, pos: [start] }) => ({
      path: `${path} line ${lines.linePos(start).line}`,
      ...problem('', undefined, `is no YAML (${code})`),
    }));
    if (faults.length > 0) throw new PropsError(faults);
    return new YamlFile(path, document, lines);
  }

  get value(): unknown {
    return this.document.toJS() as unknown;
  }

  /** The problem, at the line of the value at the path. */
  problemAt(path: DocumentPath, finding: Finding): Problem {
    return this.located(this.document.getIn(path, true), finding);
  }

  /** The problem, at the line of a key of the map at the path. */
  problemAtKey(path: DocumentPath, key: string, finding: Finding): Problem {
    const map = path.length === 0 ? this.document.contents : this.document.getIn(path, true);
    const pair = isMap(map)
      ? map.items.find((item) => isNode(item.key) && String(item.key) === key)
      : undefined;
    return this.located(pair?.key ?? map, finding);
  }

  private located(node: unknown, finding: Finding): Problem {
    const start = isNode(node) ? node.range?.[0] : undefined;
    const where = start === undefined ? this.path : `${this.path} line ${this.lines.linePos(start).line}`;
    return { path: where, ...finding };
  }
}

/** @throws PropsError */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new PropsError([{ path, ...problem('', undefined, `cannot be read (${code})`) }]);
  }
}

/** `recurringJobs[0].cron` */
export function formatPath(path: DocumentPath): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}
