// Gives the browser a language that Intl knows where it names none, before a library asks for it; main thread.
//
// WebKitGTK in the C.UTF-8 locale says its language is "C", at which `new Intl.NumberFormat(navigator.language)` throws.

try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' });
}
