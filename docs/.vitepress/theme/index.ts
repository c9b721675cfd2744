// The default theme without its web font: the reader's own fonts are there at once.
import theme from 'vitepress/theme-without-fonts';
import './style.css';

export default theme;
