import type { OutputFile } from '../backends/backend.js';
import { renderTemplate } from '../backends/template.js';
import { CompileError } from '../errors.js';
import { shellCommand } from '../report/format.js';
import { serializeReport } from '../report/parse.js';
import { readResource } from '../verify/resources.js';
import { checkWhole, openDesign, openFolder } from './folder.js';
import type { FolderSource } from './folder.js';

/**
 * What a repository needs to prove and compare a model at every push: a GitHub Actions workflow, a GitLab CI file, and the
 * folder's report as the baseline. They compile by the command that made the folder.
 *
 * @throws CompileError (`input`): a folder that is not whole; a command that cannot stand in such a file
 */
export function ciFiles(source: FolderSource, version: string): OutputFile[] {
  const folder = openFolder(source);
  const { report } = folder;
  checkWhole(source, report);
  const { top } = openDesign(folder);
  const holes = { top, version, compile: shellCommand(compileWords(source, report.options?.command ?? [], `build/${top}`)) };
  const filled = (name: string, path: string): OutputFile => ({ path, text: renderTemplate(name, readResource(`templates/ci/${name}`), holes) });
  return [
    filled('github.yml', `.github/workflows/${top}.yml`),
    filled('gitlab.yml', '.gitlab-ci.yml'),
    { path: `ci/${top}.baseline.json`, text: serializeReport(report) },
  ];
}

/** The command that made the folder, but for where it writes and what it prints. */
function compileWords(source: FolderSource, command: readonly string[], out: string): string[] {
  const refused = (what: string): CompileError => new CompileError('input', { code: 'ci-command', where: [source.path, 'report.json', 'options', 'command'], what, mend: 'Compile again from the root of the repository, with relative paths or an option file.' });
  if (command.length < 2) throw refused('does not say how the folder was made.');
  const words: string[] = [];
  for (let i = 0; i < command.length; i++) {
    const word = command[i] as string;
    if (word === '-o' || word === '--out') i++;
    else if (!/^--out=|^-o./.test(word) && word !== '--quiet' && word !== '--json') words.push(word);
  }
  const odd = words.find((word) => /[\x00-\x1f\x7f\u2028\u2029]|\$\{\{/.test(word));
  if (odd !== undefined) throw refused(`has ${JSON.stringify(odd)}, which a CI file cannot hold.`);
  const absolute = words.find((word) => /^(--[\w-]+=)?(\/|[A-Za-z]:[\\/]|\.\.)/.test(word));
  if (absolute !== undefined) throw refused(`has ${absolute}, which is not inside a repository.`);
  return [...words, '--out', out];
}
