/** The RBAC Roles of the documentation, from the same lists of rights that a run checks before its first write. */
import { createClient } from '../src/cluster/client.ts';
import { Credentials } from '../src/cluster/credentials.ts';
import { renderRoles } from '../src/cluster/permissions.ts';
import { connect } from '../src/cluster/transport.ts';
import { systemClock as clock } from '../src/core/clock.ts';
import type { ActionInterface, DocumentedRole } from '../src/runner/define.ts';

/** The Roles of an action as Markdown: a single one as it is, several in a folding section each. */
export function roleSections(permissions: NonNullable<ActionInterface['permissions']>): string {
  const nobody = new Credentials({
    context: { name: '', namespace: undefined },
    cluster: { name: '', server: 'https://kubernetes.example', skipTLSVerify: false },
    user: undefined,
  });
  const client = createClient(connect(nobody, {}));
  return permissions({ client, namespace: 'shop', clock }).map(roleSection).join('\n');
}

function roleSection({ title, name, permissions }: DocumentedRole): string {
  const yaml = `\`\`\`yaml\n${renderRoles(permissions, name)}\`\`\``;
  return title === undefined ? yaml : `<details><summary>${title}</summary>\n\n${yaml}\n\n</details>`;
}
