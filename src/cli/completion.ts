import type { CommandOption } from './commandTable.js';
import { COMMAND_NAMES, COMMANDS, COMMON_OPTIONS } from './commandTable.js';
import { OPTIONS, TARGETS } from './optionTable.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** Words to offer for options that take others too. */
const OFFERED: Readonly<Record<string, readonly string[]>> = { head: ['score', 'probability', 'class', 'decision=port'], target: TARGETS };

type Options = Readonly<Record<string, CommandOption>>;

const COMPILE_OPTIONS: Options = { ...OPTIONS, help: { flag: true, describe: 'help' }, version: { flag: true, describe: 'the version' } };

function optionsOf(command: (typeof COMMAND_NAMES)[number]): Options {
  return { ...COMMANDS[command].options, ...COMMON_OPTIONS, help: { flag: true, describe: 'help' } };
}

/** The words that each option of any command takes, where they are few; other options take files. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  ...OFFERED,
  ...Object.fromEntries([COMPILE_OPTIONS, ...COMMAND_NAMES.map(optionsOf)].flatMap((options) => Object.entries(options).flatMap(([name, { choices }]) => (choices === undefined ? [] : [[name, choices]])))),
};

const flagsOf = (options: Options): string => Object.keys(options).map((name) => `--${name}`).join(' ');

/** The script that teaches a shell the command's words, made of the tables that the parser reads. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash();
    case 'zsh':
      return `#compdef compile-model\nautoload -U +X bashcompinit && bashcompinit\n${bash()}`;
    case 'fish':
      return fish();
  }
}

/** Words of the command, options of the one that is named, values of the option before; else files. */
function bash(): string {
  const commands = COMMAND_NAMES.map((name) => `    ${name}) words='${flagsOf(optionsOf(name))}' ;;`);
  const values = Object.entries(VALUES).map(([name, words]) => `    --${name}) COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$word")); return ;;`);
  return `# Completion of compile-model: eval "$(compile-model completion bash)"
_compile_model() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words
  case "$before" in
${values.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${commands.join('\n')}
    *) words='${flagsOf(COMPILE_OPTIONS)}' ;;
  esac
  if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  elif [[ $COMP_CWORD -eq 1 ]]; then COMPREPLY=($(compgen -W '${COMMAND_NAMES.join(' ')}' -- "$word") $(compgen -f -- "$word"))
  else COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _compile_model compile-model
`;
}

function fish(): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = (options: Options, condition: string): string[] => Object.entries(options).map(([name, { alias, flag, describe }]) => {
    const short = alias === undefined ? '' : ` -s ${alias}`;
    const value = flag === true ? '' : VALUES[name] === undefined ? ' -r' : ` -x -a ${quoted((VALUES[name] ?? []).join(' '))}`;
    return `complete -c compile-model -n ${quoted(condition)} -l ${name}${short}${value} -d ${quoted(describe)}`;
  });
  const none = `not __fish_seen_subcommand_from ${COMMAND_NAMES.join(' ')}`;
  return [
    '# Completion of compile-model: compile-model completion fish | source',
    ...COMMAND_NAMES.map((name) => `complete -c compile-model -n __fish_use_subcommand -a ${name} -d ${quoted(COMMANDS[name].describe)}`),
    ...lines(COMPILE_OPTIONS, none),
    ...COMMAND_NAMES.flatMap((name) => lines(optionsOf(name), `__fish_seen_subcommand_from ${name}`)),
    '',
  ].join('\n');
}
