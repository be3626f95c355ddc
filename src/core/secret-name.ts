/** How headers, variables, arguments and fields are called whose values let somebody in. */
const secret = /auth|cookie|key|token|pass(?:word|wd|phrase|code)|pwd|secret|credential|signature|certificate-data/i;

/** Whether a value with this name is one to keep secret. */
export function soundsSecret(name: string): boolean {
  return secret.test(name);
}
