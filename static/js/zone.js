// Tells the server the time zone of this browser, so that hours and days are those of whoever looks. The first time the
// page is drawn once more.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const said = `apim-zone=${encodeURIComponent(zone)}`;
if (zone && !document.cookie.split("; ").includes(said)) {
  document.cookie = `${said}; Path=/; Max-Age=31536000; SameSite=Lax; Secure`;
  if (document.cookie.split("; ").includes(said)) location.reload();
}
