/** What an administrator can do with one account. */
export type AccountAction = 'change' | 'reset' | 'unlock' | 'remove';
