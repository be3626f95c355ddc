import { join } from 'node:path';
import { inTemporaryFolder, run } from './commands.ts';
import { installCommands } from './debian.ts';
import { javaPackages } from './versions.ts';

export interface JavaProgram {
  /** Path of a pom.xml that names what the program needs; `${revision}` in it is the version. */
  readonly pom: string;
  readonly version: string;
  /** Path of a source file with the main class. */
  readonly source: string;
}

/** Puts the jars that a program needs into `lib` of a folder, and what is compiled of its source into `classes`. */
export async function buildJava(program: JavaProgram, folder: string, signal: AbortSignal): Promise<void> {
  await installCommands(javaPackages, signal);
  const [lib, classes] = [join(folder, 'lib'), join(folder, 'classes')];
  await inTemporaryFolder(async (cwd) => {
    const settings = ['-DincludeScope=runtime', `-DoutputDirectory=${lib}`, `-Drevision=${program.version}`];
    await run('mvn', ['-q', '-B', '-f', program.pom, 'dependency:copy-dependencies', ...settings], { cwd, signal });
    await run('javac', ['-cp', join(lib, '*'), '-d', classes, program.source], { cwd, signal });
  });
}
