import type { CommandDefinition, CommandOption } from './commandTable.js';
import { COMMAND_NAMES, COMMANDS, COMMON_OPTIONS, EPILOGUE, MODEL_WORD, USAGE } from './commandTable.js';
import { OPTIONS } from './optionTable.js';

/** A name and what it means: two columns of the help. */
type Row = readonly [string, string];

const STANDARD: readonly Row[] = [['-h, --help', 'this help'], ['    --version', 'the version']];

/**
 * The help of a command line that asks for it: of the first command it names, else of all. The parser, which takes longer to
 * load than this to print, is not needed for it.
 *
 * @param width of the terminal, in characters
 */
export function helpText(words: readonly string[], width: number): string {
  const name = COMMAND_NAMES.find((command) => command === words.find((word) => !word.startsWith('-')));
  const blocks = name === undefined
    ? [
      ...USAGE.split('\n\n').map((text) => (text.startsWith(' ') ? text : wrapped(text, width).join('\n'))),
      section('Commands:', COMMAND_NAMES.map((command): Row => [synopsis(command), COMMANDS[command].describe]), width),
      section('Words:', [['MODEL', MODEL_WORD]], width),
      section('Options:', [...STANDARD, ...rowsOf(OPTIONS)], width),
      wrapped(EPILOGUE, width).join('\n'),
    ]
    : [
      synopsis(name),
      wrapped(COMMANDS[name].describe, width).join('\n'),
      section('Options:', [...STANDARD, ...rowsOf({ ...(COMMANDS[name] as CommandDefinition).options, ...COMMON_OPTIONS })], width),
    ];
  return blocks.join('\n\n');
}

function synopsis(name: keyof typeof COMMANDS): string {
  return ['compile-model', name, COMMANDS[name].words].join(' ').trimEnd();
}

function rowsOf(options: Readonly<Record<string, CommandOption>>): Row[] {
  return Object.entries(options).map(([name, option]) => {
    const start = option.alias === undefined ? '    ' : `-${option.alias}, `;
    const preset = option.default ?? option.value;
    const note = option.required === true ? ' [required]' : preset === undefined ? '' : ` [default: ${preset}]`;
    return [`${start}--${name}${option.flag === true ? '' : ' X'}`, option.describe + note];
  });
}

function section(title: string, rows: readonly Row[], width: number): string {
  const first = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.flatMap(([name, text]) => wrapped(text, Math.max(24, width - first - 4)).map((line, i) => `  ${(i === 0 ? name : '').padEnd(first)}  ${line}`));
  return [title, ...lines].join('\n');
}

/** Text in lines of at most `width` characters, broken at spaces. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1] as string;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
