// Sets navigator.language to one that Intl accepts, before a library reads it; main thread.
//
// In the C.UTF-8 locale WebKitGTK reports "C", and `new Intl.NumberFormat(navigator.language)` throws.

try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' });
}
