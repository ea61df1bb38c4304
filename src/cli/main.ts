#!/usr/bin/env node
import { runCommandLine } from './commandLine.js';

// Who reads our output may stop at any time (`| head`): that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.exitCode = await runCommandLine(process.argv.slice(2));
