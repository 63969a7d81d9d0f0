/** What the documentation points to is there, and says what the code says. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ANSIBLE_VARIABLES } from '../../lib/settings/ansible-variables';

const REPOSITORY = join(__dirname, '..', '..');
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: REPOSITORY,
  encoding: 'utf8',
});
const pages = listed.split('\n').filter((file) => file !== '' && existsSync(join(REPOSITORY, file)));
const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');

/** As GitHub makes them from headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

it.each(pages)('%s points to pages and headings that are there', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const broken = links.filter((link) => {
    if (/^(https?|mailto):/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(REPOSITORY, target))) return true;
    return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
  });
  expect(broken).toEqual([]);
});

it('names every variable of the Ansible role on the page about it', () => {
  const page = read('docs/from-ansible.md');
  expect(Object.keys(ANSIBLE_VARIABLES).filter((variable) => !page.includes(`\`${variable}\``))).toEqual([]);
});
