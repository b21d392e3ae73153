// Reads `portolan get services -o json` and prints one address per container below a path; of two families IPv4.
const { readFileSync } = require('node:fs');

const below = process.argv[2];
const found = new Map();
for (const { path, container, address } of JSON.parse(readFileSync(0, 'utf8'))) {
  if (!`${path}/`.startsWith(below)) continue;
  if (!found.has(container) || !address.startsWith('[')) found.set(container, address);
}
for (const address of found.values()) console.log(address);
