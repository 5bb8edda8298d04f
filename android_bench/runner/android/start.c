/* Where Android's loader enters an executable. The NDK links crtbegin_dynamic.o for this, which is not at hand: the
 * entry hands the stack's arguments to __libc_init of bionic, which calls main and exits with what it returns. */
typedef void function(void);

struct structors {
  function **preinit, **init, **fini;
};

extern int main(int count, char **values);
extern void __libc_init(void *raw_arguments, function *on_exit, int (*main)(int, char **), const struct structors *lists)
    __attribute__((noreturn));

/* Lists of constructors: a first item of -1 that is passed over, and a null at the end. */
static function *const no_structors[2] = {(function *)-1, 0};

__attribute__((used)) static void enter_main(void *raw_arguments) {
  function **list = (function **)no_structors;
  const struct structors lists = {list, list, list};
  __libc_init(raw_arguments, 0, main, &lists);
}

__asm__(
    ".text\n"
    ".globl _start\n"
    ".type _start,%function\n"
    "_start:\n"
    "  bti j\n"
    "  mov x0, sp\n"
    "  b enter_main\n");

/* Tells the loader for which API level this was built: 24 is Android 7. */
__attribute__((section(".note.android.ident"), used, aligned(4))) static const struct {
  int name_size, value_size, type;
  char name[8];
  int api_level;
} note = {8, 4, 1, "Android", 24};
