import * as z from 'zod';
import { ANNOUNCERS } from '../core/announcer.ts';
import { setting } from './setting.ts';

export const announcements = setting(z.enum(ANNOUNCERS).default('agent'), {
  reload: true,
  description:
    'Who announces containers that have ANNOUNCE_PATH: the agent, or a process inside them, whose record in the announce layout is then awaited and never written by the agent; the label portolan.announce says otherwise.',
  value: ANNOUNCERS.join('|'),
});
