import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** A test image as `hack/images.sh` keeps it for `docker load` into private engines. */
export const imageTar = (name: 'bb-1' | 'etcd-3.4' | 'etcd-3.5'): string =>
  `${repository}.cache/images/${name}.tar`;
