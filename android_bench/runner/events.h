/* The runner's output: one JSON object a line on standard output, each with its kind under "event". */
#ifndef EDGEDIPN_RUNNER_EVENTS_H
#define EDGEDIPN_RUNNER_EVENTS_H

enum {
  EXIT_INPUT = 2,   /* an argument or an input file is at fault */
  EXIT_RUNTIME = 3 /* the library, the model or a run failed */
};

/* One event: begin, any number of fields, end. */
void event_begin(const char *kind);
void event_text(const char *key, const char *value);
void event_number(const char *key, long long value);
void event_end(void);

/* Writes what is held back. Nothing is written between runs: it would disturb them. Returns 0, or EXIT_RUNTIME. */
int events_flush(void);

/* Reports an error, naming what it is about, and returns `code`. `detail` may be null. */
int fail(int code, const char *message, const char *detail);

#endif
