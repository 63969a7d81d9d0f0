/**
 * As much of Go's text/template as the messages for ntfy use: fields, `if`, `range` and `eq`. Anything else is an error, so that nothing is taken
 * for working that was not looked at. Source: https://pkg.go.dev/text/template.
 */

type Node = { readonly text: string } | { readonly field: string } | Block;
interface Block {
  readonly kind: 'if' | 'range';
  readonly condition: string;
  readonly body: readonly Node[];
}

/** Throws for a template that it does not understand. */
export function expandGoTemplate(template: string, data: unknown): string {
  const parts = template.split(/(\{\{.*?\}\})/s);
  const [nodes, rest] = parse(parts, false);
  if (rest.length > 0) throw new Error('{{end}} without a beginning');
  return render(nodes, data);
}

function parse(parts: readonly string[], isInner: boolean): [Node[], readonly string[]] {
  const nodes: Node[] = [];
  let rest = parts;
  for (;;) {
    const [part, ...after] = rest;
    if (part === undefined) {
      if (isInner) throw new Error('{{end}} is missing');
      return [nodes, []];
    }
    rest = after;
    if (!part.startsWith('{{')) {
      nodes.push({ text: part });
      continue;
    }
    const action = part.slice(2, -2).trim();
    if (action === 'end') {
      if (!isInner) throw new Error('{{end}} without a beginning');
      return [nodes, rest];
    }
    const [, kind, condition] = /^(if|range) (.+)$/.exec(action) ?? [];
    if (kind === 'if' || kind === 'range') {
      const [body, next] = parse(rest, true);
      nodes.push({ kind, condition: condition ?? '', body });
      rest = next;
    } else {
      nodes.push({ field: action });
    }
  }
}

function render(nodes: readonly Node[], data: unknown): string {
  return nodes
    .map((node) => {
      if ('text' in node) return node.text;
      if ('field' in node) return print(look(node.field, data));
      const value = evaluate(node.condition, data);
      if (node.kind === 'if') return isTrue(value) ? render(node.body, data) : '';
      if (!Array.isArray(value)) throw new Error(`range over ${node.condition}, which is no list`);
      return value.map((each) => render(node.body, each)).join('');
    })
    .join('');
}

function evaluate(expression: string, data: unknown): unknown {
  const [, field = '', text] = /^eq (\.[\w.]+) "([^"]*)"$/.exec(expression) ?? [];
  return text === undefined ? look(expression, data) : look(field, data) === text;
}

function look(path: string, data: unknown): unknown {
  if (!/^(\.\w+)+$/.test(path)) throw new Error(`not understood: {{${path}}}`);
  return path
    .slice(1)
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], data);
}

const isTrue = (value: unknown): boolean =>
  value !== undefined && value !== false && value !== 0 && value !== '';

function print(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new Error('only text and numbers are printed');
}
