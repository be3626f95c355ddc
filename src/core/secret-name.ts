/** Names of headers, variables, arguments and fields whose values are credentials. */
const secret = /auth|cookie|key|token|pass(?:word|wd|phrase|code)|pwd|secret|credential|signature|certificate-data/i;

/** Whether a value with this name has to be kept secret. */
export function soundsSecret(name: string): boolean {
  return secret.test(name);
}
