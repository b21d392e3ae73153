import { describe, expect, it } from 'vitest';
import { parseServers } from './answers.ts';

const NAMES =
  'be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_time_since_last_change srv_check_state srv_port';
const ROW = '3 pool-000 1 one 10.0.0.1 2 0 100 7 6 8080';

describe('the answer to `show servers state`', () => {
  const server = {
    ...{ backend: 'pool-000', name: 'one', ip: '10.0.0.1', port: 8080, weight: 100 },
    ...{ mode: 'ready', checked: true, up: true, seconds: 7 },
  };

  it('is read by the names of columns, wherever they stand', () => {
    expect(parseServers(`1\n# ${NAMES}\n${ROW}\n\n`)).toEqual({ servers: [server], other: [] });
    const moved = (text: string): string => {
      const [id = '', ...rest] = text.split(' ');
      return [id, 'new', ...rest.reverse()].join(' ');
    };
    expect(parseServers(`1\n# ${moved(NAMES)}\n${moved(ROW)}\n`)).toEqual({ servers: [server], other: [] });
  });

  it('may hold several tables, and lines of other commands between them', () => {
    const text = `New server registered.\n1\n# ${NAMES}\n${ROW}\n\n1\n# ${NAMES}\nToo few cells\n${ROW.replace(' 2 0 ', ' 0 1 ')}\n`;
    expect(parseServers(text)).toEqual({
      servers: [server, { ...server, mode: 'maint', up: false }],
      other: ['New server registered.', 'Too few cells'],
    });
  });
});
