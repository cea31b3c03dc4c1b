/**
 * The words of menus and native dialogs, which the page cannot draw, in the language that this computer remembers.
 * Holds words only. English is complete; a language is measured against it by its type.
 */

import type { ReadKind, SavedKind } from '../shared/bridge.ts';

interface DialogWords {
  readonly title: string;
  readonly button: string;
  /** What the files are. */
  readonly files: string;
}

export interface NativeWords {
  readonly menu: Readonly<
    Record<
      | 'file'
      | 'quit'
      | 'edit'
      | 'undo'
      | 'redo'
      | 'cut'
      | 'copy'
      | 'paste'
      | 'selectAll'
      | 'view'
      | 'resetZoom'
      | 'zoomIn'
      | 'zoomOut'
      | 'fullScreen',
      string
    >
  >;
  readonly read: Readonly<Record<ReadKind, DialogWords>>;
  readonly allFiles: string;
  readonly save: Readonly<Record<SavedKind, string>>;
}

const english: NativeWords = {
  menu: {
    file: '&File',
    quit: 'Quit',
    edit: '&Edit',
    undo: 'Undo',
    redo: 'Redo',
    cut: 'Cut',
    copy: 'Copy',
    paste: 'Paste',
    selectAll: 'Select all',
    view: '&View',
    resetZoom: 'Actual size',
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    fullScreen: 'Full screen',
  },
  read: {
    visits: { title: 'Import visits', button: 'Import', files: 'Visits, FHIR, CSV' },
    'import-folder': { title: 'Import the tables of a folder', button: 'Choose', files: '' },
    mappings: { title: 'Add a mapping table', button: 'Add', files: 'Comma-separated values' },
    'site-table': {
      title: 'Choose an interaction table',
      button: 'Preview',
      files: 'Comma-separated values',
    },
    model: { title: 'Choose a model', button: 'Install', files: 'Models (zip archives)' },
    adapter: { title: 'Choose the folder of an adapter', button: 'Measure', files: '' },
    backup: { title: 'Choose a backup', button: 'Choose', files: 'Backups of Flame' },
    'backup-folder': { title: 'Choose where backups are kept', button: 'Choose', files: '' },
    'restore-folder': { title: 'Choose where the new folder is made', button: 'Restore here', files: '' },
  },
  allFiles: 'All files',
  save: {
    age: 'Encrypted by passphrase (age)',
    csv: 'Comma-separated values',
    json: 'JSON',
    jsonl: 'JSON lines',
    ndjson: 'NDJSON',
    pdf: 'PDF',
    png: 'PNG',
    svg: 'SVG',
    zip: 'Zip archive',
  },
};

const german: NativeWords = {
  menu: {
    file: '&Datei',
    quit: 'Beenden',
    edit: '&Bearbeiten',
    undo: 'Rückgängig',
    redo: 'Wiederholen',
    cut: 'Ausschneiden',
    copy: 'Kopieren',
    paste: 'Einfügen',
    selectAll: 'Alles auswählen',
    view: '&Ansicht',
    resetZoom: 'Originalgröße',
    zoomIn: 'Vergrößern',
    zoomOut: 'Verkleinern',
    fullScreen: 'Vollbild',
  },
  read: {
    visits: { title: 'Besuche importieren', button: 'Importieren', files: 'Besuche (JSON-Zeilen)' },
    'import-folder': { title: 'Die Tabellen eines Ordners importieren', button: 'Wählen', files: '' },
    mappings: { title: 'Zuordnungstabelle ergänzen', button: 'Ergänzen', files: 'Kommagetrennte Werte' },
    'site-table': {
      title: 'Interaktionstabelle wählen',
      button: 'Vorschau',
      files: 'Durch Kommas getrennte Werte',
    },
    model: { title: 'Modell wählen', button: 'Installieren', files: 'Modelle (ZIP-Archive)' },
    adapter: { title: 'Ordner eines Adapters wählen', button: 'Messen', files: '' },
    backup: { title: 'Sicherung wählen', button: 'Wählen', files: 'Sicherungen von Flame' },
    'backup-folder': { title: 'Ort der Sicherungen wählen', button: 'Wählen', files: '' },
    'restore-folder': {
      title: 'Ort für den neuen Ordner wählen',
      button: 'Hier wiederherstellen',
      files: '',
    },
  },
  allFiles: 'Alle Dateien',
  save: {
    age: 'Mit Passphrase verschlüsselt (age)',
    csv: 'Durch Kommas getrennte Werte',
    json: 'JSON',
    jsonl: 'JSON-Zeilen',
    ndjson: 'NDJSON',
    pdf: 'PDF',
    png: 'PNG',
    svg: 'SVG',
    zip: 'ZIP-Archiv',
  },
};

let current = english;

/** The words of the language in use. */
export function nativeWords(): NativeWords {
  return current;
}

/** @param language as the page remembers it; English for one that has no words here */
export function speak(language: string | undefined): void {
  current = language === 'de' ? german : english;
}
