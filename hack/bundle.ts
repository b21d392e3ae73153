import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import protobuf from 'protobufjs';

/** Makes one script of all sources and dependencies, for hack/build-single.sh: `bundle.ts <file>`. */
const root = fileURLToPath(new URL('..', import.meta.url));

/** What is read from a file beside the program at run time goes into the script instead. */
const withoutFiles: Plugin = {
  name: 'without-files',
  setup(builder) {
    builder.onLoad({ filter: /\/src\/cli\/version\.ts$/ }, () => {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
      return { contents: `export const readVersion = () => ${JSON.stringify(version)};` };
    });
    builder.onLoad({ filter: /\/etcd3\/lib\/connection-pool\.js$/ }, ({ path }) => {
      const call = '.loadSync)(`${__dirname}/../proto/rpc.proto`,';
      const text = readFileSync(path, 'utf8');
      if (!text.includes(call)) throw new Error(`${path} no longer reads its protocol as it did`);
      const proto = new protobuf.Root().loadSync(join(dirname(path), '../proto/rpc.proto'), {
        keepCase: true,
      });
      return { contents: text.replace(call, `.fromJSON)(${JSON.stringify(proto.toJSON())},`) };
    });
    // Parts of ssh2 that are faster natively, and not needed: it catches that they are absent.
    builder.onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: 'native' }));
    builder.onLoad({ filter: /./, namespace: 'native' }, () => ({ contents: "throw new Error('left out')" }));
  },
};

const [outfile] = process.argv.slice(2);
if (outfile === undefined) throw new Error('bundle.ts <file>');
await build({
  entryPoints: [join(root, 'src/main.ts')],
  outfile,
  ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', minifySyntax: true },
  ...{ legalComments: 'none', logLevel: 'warning', plugins: [withoutFiles] },
});
