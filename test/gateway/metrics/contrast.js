// Runs in the page: the texts whose contrast with what they stand on is below 4.5 to 1 (WCAG 2.2, 1.4.3).
(() => {
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  return [...document.body.querySelectorAll('*')].filter(hasText).flatMap((element) => {
    const [a, b] = [rgb(getComputedStyle(element).color), ground(element)].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return contrast < 4.5
      ? [`${element.tagName} "${element.textContent.slice(0, 30)}" ${contrast.toFixed(2)}`]
      : [];
  });
})();
