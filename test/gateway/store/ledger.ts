/** What is stored, as far as a client can know: sure of an object that nobody is changing, unsure of one from the start of a change to its end. */

export interface Listed {
  readonly prefix: string;
  readonly delimiter: string;
  /** `now` of before it was asked for. */
  readonly since: number;
}

export class Ledger {
  readonly #stored = new Map<string, boolean>();
  readonly #changing = new Set<string>();
  /** When an object's last change began or ended. */
  readonly #changedAt = new Map<string, number>();
  #now = 0;

  get now(): number {
    return this.#now;
  }

  /** Runs one change of an object at a time; one that fails leaves it unsure for good. */
  async change(key: string, willBe: boolean, run: () => Promise<void>): Promise<void> {
    if (this.#changing.has(key)) return;
    this.#changing.add(key);
    this.#changedAt.set(key, ++this.#now);
    await run();
    this.#stored.set(key, willBe);
    this.#changing.delete(key);
    this.#changedAt.set(key, ++this.#now);
  }

  /** Whether an object may have been there, or not, at any time since. */
  mayBe(key: string, since: number): boolean[] {
    const isSure = !this.#changing.has(key) && (this.#changedAt.get(key) ?? 0) <= since;
    return isSure ? [this.#stored.get(key) ?? false] : [true, false];
  }

  /** Throws unless `names`, keys and common prefixes in order, is a right answer. */
  compare(names: readonly string[], { prefix, delimiter, since }: Listed): void {
    const [sure, possible] = [new Set<string>(), new Set<string>()];
    for (const key of this.#changedAt.keys()) {
      if (!key.startsWith(prefix)) continue;
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      const name = end < 0 ? key : key.slice(0, end + 1);
      const states = this.mayBe(key, since);
      if (states.includes(true)) possible.add(name);
      if (!states.includes(false)) sure.add(name);
    }
    const wrong = [
      ...[...sure].filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
      ...names.filter((name) => !possible.has(name)).map((name) => `${name} is not there`),
      ...names
        .filter((name, index) => index > 0 && name <= names[index - 1]!)
        .map((name) => `${name} is out of order`),
    ];
    if (wrong.length > 0)
      throw new Error(
        `the list of ${JSON.stringify(prefix)} by ${JSON.stringify(delimiter)}: ${wrong.join(', ')}`,
      );
  }
}
