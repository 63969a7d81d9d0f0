/** The commands in a document's `console` blocks, with the output that it shows for them. */
export interface ShownCommand {
  /** Line of the document. */
  readonly line: number;
  readonly command: string;
  readonly output: string;
}

/** Lines that begin with `$ ` are commands, `> ` goes on with one, what follows is what it prints. */
export function shownCommands(markdown: string): ShownCommand[] {
  const commands: { line: number; command: string; output: string }[] = [];
  let isConsole = false;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (text.startsWith('```')) isConsole = text === '```console';
    else if (!isConsole) continue;
    else if (text.startsWith('$ ')) commands.push({ line: index + 1, command: text.slice(2), output: '' });
    else {
      const latest = commands.at(-1);
      if (!latest) throw new Error(`line ${index + 1} is the output of no command`);
      if (text.startsWith('> ') && latest.output === '') latest.command += `\n${text.slice(2)}`;
      else latest.output += `${text}\n`;
    }
  }
  return commands;
}

/** What differs from run to run, made alike: times, durations, sizes, and the columns and dashes that grow with them. */
export function withoutChance(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d( UTC)?/g, '<time>')
    .replace(/\b\d+(\.\d+)? ?(ms|s|min|h|d)\b/g, '<duration>')
    .replace(/\b[0-9a-f]{8,}\b/g, '<hex>')
    .replace(/127\.0\.0\.1|ftp\.example\.com/g, '<host>')
    .replace(/ +/g, ' ')
    .replace(/[ \t]+$/gm, '')
    .trimEnd();
}
