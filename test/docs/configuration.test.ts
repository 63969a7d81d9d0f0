/** docs/configuration.md is what the code says. */
import { readFileSync } from 'node:fs';
import { VARIABLES } from '../../gateway/variables';
import { CONFIGURATION_PAGE, configurationPage, everyVariable } from './configuration-page';

it('is made anew when settings or variables change: npm run docs:configuration', () => {
  expect(readFileSync(CONFIGURATION_PAGE, 'utf8')).toBe(configurationPage());
});

it('explains every variable that the gateway reads, and no other', () => {
  const read = [...new Set(everyVariable().map(({ name }) => name))].sort();
  const explained = Object.values(VARIABLES).flatMap((meanings) => Object.keys(meanings));
  expect(explained.sort()).toEqual(read);
});
