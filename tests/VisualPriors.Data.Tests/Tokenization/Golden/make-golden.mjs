// Encodes texts with Hugging Face's own library, for TextTokenizerTests.
// tokenizer.json beside this file was written by BytePairTrainer: 512 tokens of a sample of the six sources.
// Run in a folder where `npm install @huggingface/tokenizers@0.2.0` was run: node make-golden.mjs <this folder>
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Tokenizer } = createRequire(`${process.cwd()}/`)("@huggingface/tokenizers");
const folder = process.argv[2];
const tokenizer = new Tokenizer(JSON.parse(readFileSync(`${folder}/tokenizer.json`, "utf8")), {});
const texts = [
  "dog, domestic dog, Canis familiaris (animal): a member of the genus Canis",
  "The quick brown fox jumps over the lazy dog.",
  "It's what they've said: we'll go, I'd say, but CAN'T and WE'RE shouldn'T",
  "1 12 123 1234 12345 1.5e10 2026-11-23",
  "   leading and trailing   ",
  "double  spaces   and    more",
  "tabs\tand\t\ttabs\n\nblank lines\r\nwindows lines\r\n\r\n  indented",
  "function add(a, b) {\n\treturn a + b; // sum\n}\n",
  "const x = { 'key': [1, 2, 3], \"other\": `t${y}` };",
  "|- ( ph -> ( ( A ` B ) e. CC /\\ C =/= 0 ) )",
  "na\u00efve caf\u00e9 \u00dcber Stra\u00dfe",
  "e\u0301 combining",
  "\u6f22\u5b57 \u304b\u306a \ud55c\uad6d\uc5b4",
  "\u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u05e2\u05d1\u05e8\u05d9\u05ea",
  "\u{1f98a}\u{1f98a} fox \u{1f469}\u200d\u{1f680} \u{1f1e8}\u{1f1ed}",
  "no\u00a0break \u2003 em space \u3000 wide",
  "\u201cquotes\u201d \u2018single\u2019 \u2014 dash\u2026",
  "\u00bd \u2160 \u0661\u0662\u0663 numbers",
  "zero\u200bwidth \ufeffmark",
  "!!!??? ... --- === ### $$$",
  "a\n",
  "\n a",
  " \n \n a",
  "x",
  "",
];
const cases = texts.map(text => ({ text, ids: tokenizer.encode(text).ids }));
writeFileSync(`${folder}/encodings.json`, `[\n${cases.map(entry => `  ${JSON.stringify(entry)}`).join(",\n")}\n]\n`);
