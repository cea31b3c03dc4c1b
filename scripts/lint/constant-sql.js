/**
 * ESLint rule: the text of a statement is made of constants alone, so that values can only travel as parameters of a
 * prepared statement. A constant is a literal, a number, a choice between constants, a template or sum of constants, a
 * `const` of such, a parameter whose type is a union of literals, or one of a function of the same file that every call
 * gives constants. Needs types.
 */

import ts from 'typescript';

const DATABASES = new Set(['ReadableDb', 'WritableDb', 'Handle', 'Database']);
const METHODS = new Set(['get', 'all', 'run', 'prepare', 'exec', 'pragma']);
const DEPTH = 12;

export const constantSql = {
  meta: {
    type: 'problem',
    docs: { description: 'SQL is constant; values are parameters' },
    schema: [],
    messages: {
      built:
        'This statement is built at run time from “{{part}}”. Write it as a constant and pass values as parameters.',
    },
  },
  create(context) {
    const { program, esTreeNodeToTSNodeMap: nodes } = context.sourceCode.parserServices ?? {};
    if (!program) throw new Error('flame/constant-sql needs typed linting');
    const checker = program.getTypeChecker();

    /** The first part that is not constant; null when all of it is. */
    function variablePart(node, depth = 0) {
      if (depth > DEPTH) return node;
      const all = (...parts) => parts.map((part) => variablePart(part, depth + 1)).find(Boolean) ?? null;
      if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) return null;
      if (isHarmlessType(node)) return null;
      if (ts.isTemplateExpression(node))
        return all(...node.templateSpans.map(({ expression }) => expression));
      if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node))
        return all(node.expression);
      if (ts.isConditionalExpression(node)) return all(node.whenTrue, node.whenFalse);
      if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
        return all(node.left, node.right);
      if (ts.isIdentifier(node)) return variableName(node, depth);
      return node;
    }

    /** Numbers, and strings of which the type tells every one. */
    function isHarmlessType(node) {
      const type = checker.getTypeAtLocation(node);
      const parts = type.isUnion() ? type.types : [type];
      return parts.every(
        ({ flags }) => (flags & (ts.TypeFlags.StringLiteral | ts.TypeFlags.NumberLike)) !== 0,
      );
    }

    function variableName(node, depth) {
      let symbol = checker.getSymbolAtLocation(node);
      if (symbol && symbol.flags & ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol);
      const declaration = symbol?.valueDeclaration;
      if (declaration && ts.isVariableDeclaration(declaration) && declaration.initializer) {
        const isConst = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
        return isConst ? variablePart(declaration.initializer, depth + 1) && node : node;
      }
      if (declaration && ts.isParameter(declaration)) return givenByCalls(declaration, depth) ? null : node;
      return node;
    }

    /** Whether every call of the function, all of them in this file, gives the parameter a constant. */
    function givenByCalls(parameter, depth) {
      const made = parameter.parent;
      const name = ts.isFunctionDeclaration(made)
        ? made.name
        : ts.isVariableDeclaration(made.parent)
          ? made.parent.name
          : undefined;
      const isExported = ts.getCombinedModifierFlags(made) & ts.ModifierFlags.Export;
      if (!name || !ts.isIdentifier(name) || isExported) return false;
      const symbol = checker.getSymbolAtLocation(name);
      const position = made.parameters.indexOf(parameter);
      let isConstant = true;
      let calls = 0;
      const visit = (node) => {
        if (ts.isIdentifier(node) && node !== name && checker.getSymbolAtLocation(node) === symbol) {
          const call = node.parent;
          if (!ts.isCallExpression(call) || call.expression !== node) isConstant = false;
          else {
            calls += 1;
            const given = call.arguments[position];
            if (!given || ts.isSpreadElement(given) || variablePart(given, depth + 1)) isConstant = false;
          }
        }
        ts.forEachChild(node, visit);
      };
      visit(made.getSourceFile());
      return isConstant && calls > 0;
    }

    function isDatabase(node) {
      const type = checker.getTypeAtLocation(node);
      const parts = type.isUnionOrIntersection() ? type.types : [type];
      return parts.some((part) => DATABASES.has((part.aliasSymbol ?? part.getSymbol())?.name));
    }

    return {
      CallExpression(node) {
        const { callee } = node;
        const [sql] = node.arguments;
        if (callee.type !== 'MemberExpression' || callee.computed || !METHODS.has(callee.property.name))
          return;
        if (sql === undefined || !isDatabase(nodes.get(callee.object))) return;
        const part = variablePart(nodes.get(sql));
        if (part) context.report({ node: sql, messageId: 'built', data: { part: part.getText() } });
      },
    };
  },
};
