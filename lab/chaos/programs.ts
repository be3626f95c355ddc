import { goProgram } from '../programs/program.ts';
import { versions } from '../programs/versions.ts';

export const module = 'github.com/chaos-mesh/chaos-mesh';
const api = `${module}/api`;

/** All that the programs depend on. */
const version = `${versions.chaosMesh}-${versions.chaosMeshApi}`;

/** Both programs are built with cgo, which only the daemon needs: so the second build finds most packages compiled. */
function ofChaosMesh(name: string) {
  const source = {
    module,
    version: versions.chaosMesh,
    package: `${module}/cmd/${name}`,
    edits: [`-replace=${api}=${api}@${versions.chaosMeshApi}`],
    cgo: true,
  };
  return goProgram(name, source, version);
}

export const daemon = ofChaosMesh('chaos-daemon');
export const controller = ofChaosMesh('chaos-controller-manager');
