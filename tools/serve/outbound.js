// Where requests of the Worker go: what is public, and the origins that are allowed by name.
export default {
  fetch(request, { NAMED, PUBLIC, ANY }) {
    return (NAMED.includes(new URL(request.url).origin) ? ANY : PUBLIC).fetch(request);
  },
};
