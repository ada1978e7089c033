// ajv.mjs - what checking arguments costs with ajv: the modes, files and rounds of schema.c.
//
//   node ajv.mjs FOLDER MODE ROUNDS FILE...   FOLDER: where node_modules is
//
// Formats are annotations on both sides, and both stop at the first problem.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [folder, mode, roundsText, ...files] = process.argv.slice(2);
const rounds = Number(roundsText);
const require = createRequire(`${folder}/package.json`);
const options = { validateFormats: false, strict: false };
const dialects = {
    'http://json-schema.org/draft-07/schema#': require('ajv').default,
    'https://json-schema.org/draft/2020-12/schema': require('ajv/dist/2020').default,
};
const made = new Map();

function compile(schema) {
    const Ajv = dialects[schema.$schema ?? 'https://json-schema.org/draft/2020-12/schema'];
    if (!made.has(Ajv)) made.set(Ajv, new Ajv(options));
    return made.get(Ajv).compile(schema);
}

function compileAll() {
    const text = readFileSync(files[0], 'utf8');
    const lines = text.trimEnd().split('\n');
    const before = process.memoryUsage.rss();
    const began = process.hrtime.bigint();
    const all = lines.map((line) => compile(JSON.parse(line)));
    const ns = Number(process.hrtime.bigint() - began) / all.length;
    const resident = (process.memoryUsage.rss() - before) / all.length;
    return { operations: all.length, ns, bytes: Buffer.byteLength(text), resident };
}

function measure() {
    const validate = compile(JSON.parse(readFileSync(files[0], 'utf8')));
    const text = readFileSync(files[1], 'utf8');
    const value = JSON.parse(text);
    if (!validate(value)) throw new Error(`right arguments refused: ${text}`);
    if (validate(JSON.parse(readFileSync(files[2], 'utf8')))) throw new Error('wrong ones accepted');
    const run = {
        validate: () => validate(value),
        parse: () => JSON.parse(text) !== undefined,
        both: () => validate(JSON.parse(text)),
    }[mode];
    let operations = 0;
    function batch(count) {
        let right = 0;
        const began = process.hrtime.bigint();
        for (let i = 0; i < count; i++) right += run() ? 1 : 0;
        const ns = Number(process.hrtime.bigint() - began) / count;
        if (right !== count) throw new Error(`refused: ${text}`);
        operations += count;
        return ns;
    }
    batch(3 * rounds);
    const times = Array.from({ length: 9 }, () => batch(rounds)).sort((a, b) => a - b);
    return { operations, ns: times[4], bytes: Buffer.byteLength(text) };
}

console.log(JSON.stringify(mode === 'compile' ? compileAll() : measure()));
