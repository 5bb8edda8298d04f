/* Runs a model on real samples and reports every single latency.
 *
 *   runner --library=FILE --model=FILE --signature=NAME [--threads=1] [--samples=1] [--warmup=0] [--runs=1]
 *          [--max_seconds=60] [--interval_us=0] [--profile=0] --input=NAME=FILE ... [--output=NAME=FILE ...]
 *
 * An input file holds the raw values of all samples, one after another; an output file gets the same. The order is: the
 * process's first inference, warm-up runs, one run of each sample for the outputs, then the timed runs, samples in turn.
 * With an interval each timed run starts that long after the one before, as an app predicts; the process sleeps between.
 * With a profile, so many further runs at the end tell the time of each operator; a profiled model is slower, so the
 * other latencies of such a process count for nothing.
 * Timed is the inference alone; copying the few kB of inputs stays outside, and nothing is printed in between. */
#include "arguments.h"
#include "events.h"
#include "model.h"
#include "platform.h"

struct run {
  long long nanoseconds;
  int cpu;
};

static struct arguments arguments;
static struct model model;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* A number that the kernel gives about this process, such as VmHWM (peak memory in kB) or Threads; -1 when unknown. */
static long long process_number(const char *key) {
  char text[4096];
  int file = open("/proc/self/status", O_RDONLY);
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  if (size <= 0) return -1;
  text[size] = 0;
  for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    long long number = 0;
    if (strncmp(line, key, strlen(key)) != 0 || line[strlen(key)] != ':') continue;
    for (line += strlen(key) + 1; *line == ' ' || *line == '\t'; line++) continue;
    for (; *line >= '0' && *line <= '9'; line++) number = 10 * number + (*line - '0');
    return number;
  }
  return -1;
}

static int read_file(const struct tensor *tensor) {
  size_t size = (size_t)arguments.samples * tensor->size, done = 0;
  int file = open(tensor->path, O_RDONLY);
  if (file < 0) return fail(EXIT_INPUT, "an input file cannot be opened", tensor->path);
  int is_right = lseek(file, 0, SEEK_END) == (off_t)size && lseek(file, 0, SEEK_SET) == 0;
  while (is_right && done < size) {
    ssize_t part = read(file, tensor->values + done, size - done);
    if (part <= 0) break;
    done += (size_t)part;
  }
  close(file);
  return done == size ? 0 : fail(EXIT_INPUT, "an input file is not as long as its samples", tensor->path);
}

static int write_file(const struct tensor *tensor) {
  size_t size = (size_t)arguments.samples * tensor->size, done = 0;
  int file = open(tensor->path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return fail(EXIT_INPUT, "an output file cannot be written", tensor->path);
  while (done < size) {
    ssize_t part = write(file, tensor->values + done, size - done);
    if (part <= 0) break;
    done += (size_t)part;
  }
  return close(file) == 0 && done == size ? 0 : fail(EXIT_RUNTIME, "an output file was not written whole", tensor->path);
}

static void report_tensors(const char *side, const struct tensor *tensors, size_t count) {
  for (size_t i = 0; i < count; i++) {
    event_begin("tensor");
    event_text("side", side);
    event_text("name", tensors[i].name);
    event_number("element", tensors[i].element);
    event_number("bytes", (long long)tensors[i].size);
    event_end();
  }
}

static int load(void) {
  int code;
  long long start = now();
  if ((code = open_library(&model, arguments.library))) return code;
  if (arguments.profile && !model.runtime->start_profile)
    return fail(EXIT_INPUT, "no operator profile is given by", model.runtime->name);
  long long opened = now();
  if ((code = load_model(&model, &arguments))) return code;
  long long loaded = now();
  report_tensors("input", model.inputs, model.num_inputs);
  report_tensors("output", model.outputs, model.num_outputs);
  event_begin("loaded");
  event_text("runtime", model.runtime->name);
  event_number("library_ns", opened - start);
  event_number("load_ns", loaded - opened);
  event_number("peak_memory_kb", process_number("VmHWM"));
  event_end();
  for (size_t i = 0; i < model.num_inputs; i++)
    if ((code = read_file(&model.inputs[i]))) return code;
  return events_flush();
}

static int time_one(long sample, struct run *run) {
  int code;
  if ((code = model.runtime->write_inputs(&model, sample))) return code;
  long long start = now();
  if ((code = model.runtime->run(&model))) return code;
  run->nanoseconds = now() - start;
  run->cpu = sched_getcpu();
  return 0;
}

static void sleep_until(long long nanoseconds) {
  struct timespec until = {nanoseconds / 1000000000LL, nanoseconds % 1000000000LL};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)) continue; /* interrupted by a signal */
}

/* Times `count` runs, samples in turn, then reports them. */
static int time_runs(const char *phase, long count, int is_kept, long interval_us, long long deadline) {
  long long start = now();
  struct run *runs = calloc((size_t)count + 1, sizeof *runs);
  int code = runs ? 0 : fail(EXIT_RUNTIME, "no memory for the latencies", NULL);
  for (long i = 0; i < count && !code; i++) {
    if (interval_us) sleep_until(start + i * interval_us * 1000LL);
    if (now() > deadline) return fail(EXIT_RUNTIME, "the time limit is over", "--max_seconds");
    code = time_one(i % arguments.samples, &runs[i]);
    if (!code && is_kept) code = model.runtime->read_outputs(&model, i);
  }
  if (code) return code;
  for (long i = 0; i < count; i++) {
    event_begin("run");
    event_text("phase", phase);
    event_number("index", i);
    event_number("ns", runs[i].nanoseconds);
    event_number("cpu", runs[i].cpu);
    event_end();
  }
  return events_flush();
}

/* Reports the text that the runtime makes of some profiled runs. */
static int profile_runs(long long deadline) {
  int code;
  const char *text;
  if ((code = model.runtime->start_profile())) return code;
  if ((code = time_runs("profiled", arguments.profile, 0, 0, deadline))) return code;
  if ((code = model.runtime->end_profile(&text))) return code;
  event_begin("profile");
  event_text("text", text);
  event_end();
  return events_flush();
}

int main(int count, char **values) {
  int code = parse_arguments(count, values, &arguments);
  if (code || (code = load())) return code;
  long long deadline = now() + arguments.max_seconds * 1000000000LL;
  if ((code = time_runs("first", 1, 0, 0, deadline))) return code;
  if ((code = time_runs("warmup", arguments.warmup, 0, 0, deadline))) return code;
  if (arguments.outputs.count && (code = time_runs("output", arguments.samples, 1, 0, deadline))) return code;
  if ((code = time_runs("timed", arguments.runs, 0, arguments.interval_us, deadline))) return code;
  if (arguments.profile && (code = profile_runs(deadline))) return code;
  for (size_t i = 0; i < model.num_outputs; i++)
    if (model.outputs[i].path && (code = write_file(&model.outputs[i]))) return code;
  event_begin("done");
  event_number("runs", arguments.runs);
  event_number("process_threads", process_number("Threads"));
  event_number("peak_memory_kb", process_number("VmHWM"));
  event_end();
  return events_flush();
}
