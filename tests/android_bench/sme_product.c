/* Multiplies two matrices of bytes by SMOPA, the instruction of ARM's SME on which int8 kernels rest, and compares the
 * result with plain C. Exit code 0: the processor computes it right; 1: it does not. */
#include <stdint.h>
#include <stdio.h>

static int8_t left[256], right[256]; /* the longest vector has 256 bytes */
static int32_t product[64 * 64];

static long multiply(void) {
  long vector_bytes;
  __asm__ volatile(
      ".arch armv9-a+sme\n"
      "smstart\n"
      "rdsvl %0, #1\n"
      "ptrue p0.b\n"
      "zero {za}\n"
      "ld1b {z0.b}, p0/z, [%1]\n"
      "ld1b {z1.b}, p0/z, [%2]\n"
      "smopa za1.s, p0/m, p0/m, z0.b, z1.b\n"
      "mov w12, #0\n"
      "mov x9, %3\n"
      "lsr x10, %0, #2\n"
      "1: mova z2.s, p0/m, za1h.s[w12, 0]\n"
      "st1w {z2.s}, p0, [x9]\n"
      "add x9, x9, %0\n"
      "add w12, w12, #1\n"
      "cmp w12, w10\n"
      "b.lt 1b\n"
      "smstop\n"
      : "=&r"(vector_bytes)
      : "r"(left), "r"(right), "r"(product)
      : "memory", "cc", "x9", "x10", "x12", "z0", "z1", "z2", "p0", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15");
  return vector_bytes;
}

int main(void) {
  for (int i = 0; i < 256; i++) {
    left[i] = (int8_t)(37 * i + 11);
    right[i] = (int8_t)(73 * i - 5);
  }
  long size = multiply() / 4;
  int num_wrong = 0;
  for (long row = 0; row < size; row++)
    for (long column = 0; column < size; column++) {
      int sum = 0;
      for (int i = 0; i < 4; i++) sum += left[4 * row + i] * right[4 * column + i];
      num_wrong += sum != product[row * size + column];
    }
  printf("%d of %ld sums of products of bytes are wrong\n", num_wrong, size * size);
  return num_wrong != 0;
}
