// The REST API in Swagger UI. Requests that it sends carry the portal's session, so they need its CSRF token.
const page = document.getElementById("api-docs");

function csrfToken() {
  const name = `${page.dataset.csrfCookie}=`;
  const cookie = document.cookie.split("; ").find((each) => each.startsWith(name));
  return cookie ? decodeURIComponent(cookie.slice(name.length)) : "";
}

window.SwaggerUIBundle({
  domNode: page,
  urls: [
    { name: "Publisher", url: page.dataset.publisher },
    { name: "Developer Portal", url: page.dataset.devportal },
  ],
  presets: [window.SwaggerUIBundle.presets.apis, window.SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = csrfToken();
    return request;
  },
});
