// The default theme without its web font: the reader's own fonts are there at once.
import theme from 'vitepress/theme-without-fonts';
import './style.css';

/**
 * What is laid out late has an estimated height before. Who goes to a place within a page, or back, needs the true heights of all that
 * stands above it, before the router of VitePress measures where the place is.
 */
function layOutAll(): void {
  document.documentElement.classList.add('whole');
}

if (!import.meta.env.SSR) {
  if (location.hash !== '') layOutAll();
  addEventListener('popstate', layOutAll, { capture: true });
  addEventListener(
    'click',
    ({ target }) => {
      if (target instanceof Element && target.closest('a[href*="#"]') !== null) layOutAll();
    },
    { capture: true },
  );
}

export default theme;
