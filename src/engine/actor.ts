/** Who acts. Without accounts, the user of the computer. */

import { userInfo } from 'node:os';

export function actorName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
