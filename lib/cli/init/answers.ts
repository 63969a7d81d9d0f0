/** What `longhaul init` has to know, and how it is asked for. */
import { isBucketName } from '../../bucket-name';
import { checkCredentials, type Credentials } from '../../credentials';
import { CronError, parseCron } from '../../cron';
import { checkImage } from '../../image';
import { cronInUtc, LocalTimeError } from '../../local-time';
import { DEFAULT_BUCKET } from '../../names';
import { parsePvcRef } from '../label/wanted';
import { UsageError } from '../output';
import type { PvcRef } from '../pvc-volume';
import type { Terminal } from '../terminal';

const TLS_MODES = ['explicit', 'implicit', 'off'];

/** Everything as text, as it was given. */
export interface Answers {
  readonly host: string;
  readonly tls: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
  readonly path: string;
  readonly bucket: string;
  readonly image: string;
  readonly pvcs: string;
  readonly schedule: string;
}

interface Question {
  readonly text: string;
  /** Taken for an empty answer. Without it an answer is needed. */
  readonly fallback?: (given: Partial<Answers>) => string;
  readonly isSecret?: true;
  /** What is wrong with an answer. */
  readonly problem: (answer: string) => string | undefined;
}

const QUESTIONS: Readonly<Record<keyof Answers, Question>> = {
  host: { text: 'FTP server', problem: credential('ftp_host') },
  tls: {
    text: 'TLS: explicit, implicit, or off',
    fallback: () => 'explicit',
    problem: (answer) => (TLS_MODES.includes(answer) ? undefined : `expected one of ${TLS_MODES.join(', ')}`),
  },
  port: {
    text: 'Port',
    fallback: ({ tls }) => (tls === 'implicit' ? '990' : '21'),
    problem: credential('ftp_port'),
  },
  user: { text: 'User name', problem: credential('ftp_user') },
  password: { text: 'Password', isSecret: true, problem: credential('ftp_password') },
  path: {
    text: 'Directory on the FTP server for the backups',
    fallback: () => '/longhaul',
    problem: credential('ftp_path'),
  },
  bucket: {
    text: 'Name of the bucket that Longhorn will see',
    fallback: () => DEFAULT_BUCKET,
    problem: (answer) =>
      isBucketName(answer) ? undefined : 'expected 3 to 63 of a-z, 0-9, dots and hyphens',
  },
  image: {
    text: 'Image of the gateway, with its tag',
    problem: (answer) => checkImage('image', answer)[0]?.reason,
  },
  pvcs: {
    text: 'PVCs to back up, as namespace/name, with commas between',
    problem: (answer) => {
      try {
        return parsePvcs(answer).length === 0 ? 'expected at least one' : undefined;
      } catch (error) {
        if (error instanceof UsageError) return error.message;
        throw error;
      }
    },
  },
  schedule: {
    text: 'When, as cron in UTC or as a local time such as "03:00 Europe/Paris"',
    fallback: () => '0 2 * * *',
    problem: (answer) => {
      try {
        parseSchedule(answer);
        return undefined;
      } catch (error) {
        if (error instanceof CronError || error instanceof LocalTimeError) return error.message;
        throw error;
      }
    },
  },
};

/**
 * A recurring job's `cron`, or its `at` for a local time.
 * @throws CronError, LocalTimeError
 */
export function parseSchedule(text: string): { readonly cron: string } | { readonly at: string } {
  if (text.includes(':')) {
    cronInUtc(text);
    return { at: text };
  }
  parseCron(text);
  return { cron: text };
}

export function parsePvcs(text: string): PvcRef[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map(parsePvcRef);
}

/**
 * Takes what was given, and asks for the rest where somebody is there to answer; else the defaults hold.
 * @throws UsageError naming everything that is missing or wrong
 */
export async function gatherAnswers(given: Partial<Answers>, terminal: Terminal): Promise<Answers> {
  const answers: Partial<Record<keyof Answers, string>> = {};
  const problems: string[] = [];
  for (const [key, question] of Object.entries(QUESTIONS) as [keyof Answers, Question][]) {
    const answer = given[key] ?? (terminal.canAsk ? await ask(question, answers, terminal) : undefined);
    const taken = answer ?? question.fallback?.(answers);
    const problem = taken === undefined ? 'is missing' : question.problem(taken);
    if (problem !== undefined) problems.push(`${flagOf(key)}: ${problem}`);
    if (taken !== undefined) answers[key] = taken;
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return answers as Answers;
}

function flagOf(key: keyof Answers): string {
  return key === 'password' ? 'FTP_PASSWORD (an environment variable)' : `--${key}`;
}

async function ask(question: Question, given: Partial<Answers>, terminal: Terminal): Promise<string> {
  const fallback = question.fallback?.(given);
  const text = fallback === undefined ? `${question.text}: ` : `${question.text} [${fallback}]: `;
  for (;;) {
    const said = (await terminal.ask(text, { hidden: question.isSecret === true })).trim();
    const answer = said === '' ? (fallback ?? '') : said;
    const problem = answer === '' ? 'an answer is needed' : question.problem(answer);
    if (problem === undefined) return answer;
    terminal.err(`  ${problem}\n`);
  }
}

/** The rule of the secrets file for one of its keys. */
function credential(key: keyof Credentials): (answer: string) => string | undefined {
  return (answer) => {
    const findings = checkCredentials({ [key]: answer } as unknown as Credentials, { encryption: false });
    return findings.find(({ prop }) => prop === key)?.reason;
  };
}
