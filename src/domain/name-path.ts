/**
 * Appends a path to an error's text, unless the path holds words by which clients tell errors of that
 * kind apart (`~/.ssh` in a failed precondition would read as a failure of SSH): then it stays away.
 */
export function namePath(text: string, path: string): string {
  return wordsWithMeaning.test(path) ? text : `${text}: ${shorten(path)}`;
}

const wordsWithMeaning =
  /template|registry image|snapshot|volume|artifact|maximum exposed|rate limit|capacity|build in progress|terminated|sync.pending|inbound access|ssh|state\s*=|failed \(exit_code=/i;

/** An error's text travels in a header, which has a bound. */
const pathCharactersMax = 256;

const shorten = (path: string): string =>
  path.length <= pathCharactersMax ? path : `${path.slice(0, pathCharactersMax)}…`;
