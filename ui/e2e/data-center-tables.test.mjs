// What people do all day, at a Jira Data Center that was joined by a personal access token. It starts its own Jira and its own server.
import { joinDataCenter } from './joined.mjs';
import { walksThroughTheDay } from './walk.mjs';

// People are ids of the server's own there: neither their keys nor their names.
walksThroughTheDay(joinDataCenter, { colorScheme: 'dark', idsLike: /^dc-[0-9a-f]{32}$/ });
