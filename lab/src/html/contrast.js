// Returns the texts whose contrast with their background is below 4.5 (WCAG 2.2, 1.4.3, level AA).
(() => {
  const color = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return { red, green, blue, alpha };
  };
  const luminance = ({ red, green, blue }) => {
    const part = (value) => {
      const linear = value / 255;
      return linear <= 0.04045 ? linear / 12.92 : ((linear + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = color(getComputedStyle(at).backgroundColor);
      if (found.alpha === 1) return found;
    }
    return { red: 255, green: 255, blue: 255 };
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    const [text, back] = [luminance(color(style.color)), luminance(background(element))];
    const contrast = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    const start = element.textContent.slice(0, 30);
    if (contrast < 4.5) low.push(`${contrast.toFixed(2)} ${element.tagName} ${start}`);
  }
  return low.slice(0, 5).join('\n');
})()
