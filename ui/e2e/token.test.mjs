// What people do all day, at a site of Jira Cloud that was joined by an account's API token: no app is on it, so that all pages are
// our own. It starts its own Jira and its own server.
import { joinCloud } from './joined.mjs';
import { walksThroughTheDay } from './walk.mjs';

walksThroughTheDay(joinCloud, { colorScheme: 'light', idsLike: /^(qm:|[0-9a-f]{24}$)/ });
