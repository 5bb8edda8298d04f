#include "events.h"

#include "platform.h"

static char held[1 << 16];
static size_t num_held;
static int is_broken; /* standard output was closed */
static int is_first_field;

int events_flush(void) {
  size_t done = 0;
  while (done < num_held && !is_broken) {
    ssize_t written = write(1, held + done, num_held - done);
    if (written <= 0) is_broken = 1;
    else done += (size_t)written;
  }
  num_held = 0;
  return is_broken ? EXIT_RUNTIME : 0;
}

static void put(char character) {
  if (num_held == sizeof held) events_flush();
  held[num_held++] = character;
}

static void put_all(const char *text) {
  while (*text) put(*text++);
}

/* Names and messages come from a model or the system, so whatever JSON gives a meaning is escaped. */
static void put_quoted(const char *text) {
  put('"');
  for (; *text; text++) {
    unsigned char character = (unsigned char)*text;
    if (character == '"' || character == '\\') put('\\');
    if (character >= 0x20) {
      put(*text);
    } else {
      char escaped[8];
      snprintf(escaped, sizeof escaped, "\\u%04x", character);
      put_all(escaped);
    }
  }
  put('"');
}

static void put_key(const char *key) {
  put_all(is_first_field ? "{" : ",");
  is_first_field = 0;
  put_quoted(key);
  put(':');
}

void event_begin(const char *kind) {
  is_first_field = 1;
  event_text("event", kind);
}

void event_text(const char *key, const char *value) {
  put_key(key);
  put_quoted(value);
}

void event_number(const char *key, long long value) {
  char digits[24];
  snprintf(digits, sizeof digits, "%lld", value);
  put_key(key);
  put_all(digits);
}

void event_end(void) { put_all("}\n"); }

int fail(int code, const char *message, const char *detail) {
  event_begin("error");
  event_text("message", message);
  if (detail) event_text("detail", detail);
  event_end();
  events_flush();
  return code;
}
