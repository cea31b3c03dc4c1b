/** Names that the shell and the preload script agree on; nobody else uses them. */

export const CHANNELS = {
  /** preload → shell: this page wants the engine. */
  connect: 'engine:connect',
  /** shell → preload: a port to the engine; sent again after each restart. */
  port: 'engine:port',
  /** shell → preload: an EngineState. */
  state: 'engine:state',
  /** preload → shell, answered: let the user pick a file to import. */
  pickImportFile: 'import:pick',
  /** preload → shell, answered: a file or folder was dropped on the page. */
  takeDropped: 'import:dropped',
  /** preload → shell, answered: let the user pick where a file is saved. */
  pickSaveFile: 'save:pick',
  /** preload → shell, answered: print the decision sheet on the page, or save it as a PDF. */
  releaseSheet: 'sheet:release',
  /** preload → shell, answered: start again with the profile that was restored beside a damaged one. */
  openRestored: 'profile:restored',
  /** shell → preload: the engine locked. */
  locked: 'session:locked',
  /** preload → shell: remember a preference of this computer. */
  remember: 'preferences:remember',
} as const;
