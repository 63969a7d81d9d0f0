import { expect, warning, type Finding } from './problems';

/** Problems of any prop that holds the reference of a container image. */
export function checkImage(prop: string, image: string): Finding[] {
  const [name = '', ...digest] = image.split('@');
  const path = name.split('/').at(-1) ?? '';
  const [, tag] = path.split(':');
  const wellFormed =
    /^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9._-]+)*(:[\w][\w.-]{0,127})?$/.test(name) &&
    digest.length <= 1 &&
    (digest[0] === undefined || /^sha256:[0-9a-f]{64}$/.test(digest[0]));
  if (!wellFormed)
    return expect(false, prop, image, 'expected an image such as "registry.example/longhaul:1.2.3"');
  if (tag === 'latest' && digest.length === 0) {
    return [
      warning(prop, image, '"latest" is another version on every node that pulls it: name one version'),
    ];
  }
  return expect(
    tag !== undefined || digest.length === 1,
    prop,
    image,
    'has neither tag nor digest, and so is another version on every node that pulls it: add one, such as ":1.2.3"',
  );
}
