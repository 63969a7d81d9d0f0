/**
 * Every command in the documentation is one that exists, with its options and files. What they do is shown elsewhere: those of README.md by
 * in-your-cluster.test.ts and test/demo, those of docs/disaster-recovery.md by disaster-recovery.test.ts, the others by the tests of each command.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addGatewayCommands } from '../../gateway/cli/commands';
import { buildProgram } from '../../lib/cli/program';
import { problemOf, writtenCommands } from './document-commands';

const REPOSITORY = join(__dirname, '..', '..');
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: REPOSITORY, encoding: 'utf8' })
  .trim()
  .split('\n');
const nothing = (): void => undefined;
const program = buildProgram(
  {
    terminal: { out: nothing, err: nothing, redraws: false, canAsk: false, ask: () => Promise.resolve('') },
    clock: { now: () => new Date(), sleep: () => Promise.resolve() },
    version: '0.0.0',
    env: {},
    addCommands: addGatewayCommands,
    tryFtpAccount: () => Promise.resolve({ usable: false, text: '', settings: {} }),
    calls: { longhaul: '', synth: '' },
    app: '',
  },
  nothing,
);

it.each(pages)('%s shows commands that there are', (page) => {
  const problems = writtenCommands(readFileSync(join(REPOSITORY, page), 'utf8')).flatMap(
    ({ line, words }) => {
      const problem = problemOf(words, program);
      return problem === undefined ? [] : [`${page}:${line}: ${words.join(' ')}: ${problem}`];
    },
  );
  expect(problems).toEqual([]);
});

describe('a command of a document', () => {
  const check = (text: string): (string | undefined)[] =>
    writtenCommands(text).map(({ words }) => problemOf(words, program));

  it.each([
    ['```sh\nlonghaul backup now a/b --full\n```', undefined],
    ['```sh\nlonghaul backup later a/b\n```', 'longhaul backup has no command later'],
    ['```sh\nlonghaul deploy dist --dry\n```', 'longhaul deploy has no option --dry'],
    ['```console\n$ npm run -s longhaul -- status -o json\nTARGET\n```', undefined],
    ['```console\n$ npm run nothing\n```', 'there is no npm script nothing'],
    ['```sh\nnpx cdk8s synth # writes dist/\n```', undefined],
    ['```sh\nnpx nothing\n```', 'there is no nothing'],
    ['```sh\nkubectl aply -f dist\n```', 'kubectl has no aply'],
    ['```sh\ncp absent.example.yaml longhaul.yaml\n```', 'there is no file absent.example.yaml'],
    ['```sh\ncurl example.com\n```', 'nobody knows the program curl'],
    ['then `longhaul keys list|forget` it', 'longhaul keys has no command forget'],
    ['look at `.ci/nothing here`', 'there is no file .ci/nothing'],
  ])('%j: %s', (text, problem) => {
    expect(check(text)).toEqual([problem]);
  });

  it('is looked for in every fence', () => {
    expect(() => writtenCommands('```\nrm -rf /\n```')).toThrow('line 1: a fence is one of');
  });
});
