const opening = /'|"|--|\/\*|\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/gi;

/** A statement without its comments and with its literals emptied, so that what is left are its own words, names and signs. Quoted names stay. */
export function bareSql(text: string): string {
  let bare = '';
  let at = 0;
  for (;;) {
    opening.lastIndex = at;
    const found = opening.exec(text);
    if (!found) return bare + text.slice(at);
    const [sign] = found;
    const { index } = found;
    bare += text.slice(at, index);
    at = endOf(text, sign, index);
    if (sign === '"') bare += text.slice(index, at);
    else bare += sign === '--' || sign === '/*' ? ' ' : "''";
  }
}

function endOf(text: string, sign: string, index: number): number {
  if (sign === '--') return endOfLine(text, index);
  if (sign === '/*') return endOfComment(text, index);
  if (sign === "'" && /[eE]$/.test(text.slice(Math.max(index - 1, 0), index))) return endOfEscaped(text, index);
  const end = text.indexOf(sign, index + sign.length);
  return end === -1 ? text.length : end + sign.length; // a doubled quote begins the next literal, which is emptied too
}

function endOfLine(text: string, index: number): number {
  const end = text.slice(index).search(/[\n\r]/);
  return end === -1 ? text.length : index + end;
}

/** Comments of Postgres may stand in comments. */
function endOfComment(text: string, index: number): number {
  const sign = /\/\*|\*\//g;
  sign.lastIndex = index;
  let depth = 0;
  for (let found = sign.exec(text); found; found = sign.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return sign.lastIndex;
  }
  return text.length;
}

function endOfEscaped(text: string, index: number): number {
  for (let at = index + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === "'") return at + 1;
  }
  return text.length;
}
