/**
 * ESLint rule: nothing of Flame opens a socket, looks up a name, starts another program or opens a browser. Covers
 * imports in every form and the globals of Node and the browser. It reads names, not flows: who hides one in a string
 * is caught by the socket checks of tests/e2e/silence.e2e.ts, not here.
 */

const NODE_MODULES =
  /^(node:)?(http|https|http2|net|tls|dgram|dns|dns\/promises|_http_.*|_tls_.*|inspector|inspector\/promises|repl|child_process|cluster)$/;
const PACKAGES =
  /^(undici|ws|axios|got|ky|node-fetch|cross-fetch|request|superagent|socket\.io(-client)?|faye-websocket|electron-updater|global-agent)(\/.*)?$/;
const GLOBALS = new Set([
  'fetch',
  'WebSocket',
  'WebSocketStream',
  'WebTransport',
  'EventSource',
  'XMLHttpRequest',
  'RTCPeerConnection',
]);
const ROOTS = new Set(['window', 'globalThis', 'self', 'global']);
/** Members by which Electron, Node or a page reaches out. */
const MEMBERS = new Set(['sendBeacon', 'openExternal', 'getBuiltinModule']);
const ELECTRON = new Set(['net', 'autoUpdater', 'shell']);

const isNetwork = (name) => NODE_MODULES.test(name) || PACKAGES.test(name);

export const noNetwork = {
  meta: {
    type: 'problem',
    docs: { description: 'Flame has no network at run time' },
    schema: [],
    messages: {
      network: '{{name}}: Flame has no network at run time and starts no other program.',
      unknown: 'Name the module as text, so that it can be seen that it is no network module.',
    },
  },
  create(context) {
    const refuse = (node, name) => context.report({ node, messageId: 'network', data: { name } });
    const checkSource = (node, source) => {
      if (source?.type === 'Literal' && typeof source.value === 'string') {
        if (isNetwork(source.value)) refuse(node, source.value);
      } else if (source?.type === 'TemplateLiteral' && source.expressions.length === 0) {
        if (isNetwork(source.quasis[0].value.cooked)) refuse(node, source.quasis[0].value.cooked);
      } else context.report({ node, messageId: 'unknown' });
    };
    const checkImport = (node) => {
      if (node.source === null || node.importKind === 'type' || node.exportKind === 'type') return;
      checkSource(node, node.source);
    };
    return {
      ImportDeclaration(node) {
        checkImport(node);
        if (node.source.value !== 'electron' || node.importKind === 'type') return;
        for (const { imported, importKind } of node.specifiers)
          if (importKind !== 'type' && ELECTRON.has(imported?.name))
            refuse(node, `electron's ${imported.name}`);
      },
      ExportNamedDeclaration: checkImport,
      ExportAllDeclaration: checkImport,
      ImportExpression: (node) => checkSource(node, node.source),
      CallExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'require')
          checkSource(node, node.arguments[0]);
      },
      MemberExpression(node) {
        const name = node.computed ? node.property.value : node.property.name;
        if (MEMBERS.has(name)) refuse(node, name);
        if (node.object.type === 'Identifier' && ROOTS.has(node.object.name) && GLOBALS.has(name))
          refuse(node, name);
      },
      'Program:exit'(node) {
        const scope = context.sourceCode.getScope(node);
        const unresolved = [scope, ...scope.childScopes].flatMap(({ through }) => through);
        const known = scope.variables
          .filter(({ defs, name }) => defs.length === 0 && GLOBALS.has(name))
          .flatMap(({ references }) => references);
        for (const { identifier } of new Set([...unresolved, ...known])) {
          const isType = identifier.parent?.type.startsWith('TS');
          if (GLOBALS.has(identifier.name) && !isType) refuse(identifier, identifier.name);
        }
      },
    };
  },
};
