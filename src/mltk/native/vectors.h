/* What the compiler and the processor can do with vectors. The C code of this folder asks here and nowhere else.
 *
 *   HAVE_AVX2, HAVE_AVX512      1 if the compiler can compile single functions for these instructions, else 0
 *   TARGET_AVX2, TARGET_AVX512  attributes of these functions
 *   cpu_has_avx2(), ...         1 if the processor that runs the code has the instructions
 *   TARGET_WIDEST               attribute: compile the function several times, choose when the program is loaded
 *   HAVE_VECTOR_TYPES           1 if the compiler has types that are vectors, with + and *
 *   HAVE_SHUFFLES               1 if it has __builtin_shufflevector and __builtin_convertvector
 *   ALWAYS_INLINE               static inline, also where the compiler's own estimate is against it
 *   NOT_UNROLLED                before a loop: do not unroll it
 *   FN(name)                    name_VARIANT: the name of a function or type in a file that is included for several
 *                               kinds of vectors
 *
 * With MLTK_PLAIN_C defined, the code is C99 without any of this, as for a compiler that is not known here. The results
 * are the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_NATIVE_VECTORS_H
#define MLTK_NATIVE_VECTORS_H

#if defined(__GNUC__) && !defined(MLTK_PLAIN_C)

#define HAVE_VECTOR_TYPES 1
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(__has_builtin)
#define HAVE_SHUFFLES (__has_builtin(__builtin_shufflevector) && __has_builtin(__builtin_convertvector))
#endif

#if !defined(__clang__)
#define NOT_UNROLLED _Pragma("GCC unroll 1")
#endif

#if !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define TARGET_WIDEST __attribute__((target_clones("avx2", "default")))
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_AVX2 1
#define HAVE_AVX512 HAVE_SHUFFLES
#define TARGET_AVX2 __attribute__((target("avx2")))
#define TARGET_AVX512 __attribute__((target("avx512f,avx512dq")))
static inline int cpu_has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static inline int cpu_has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}
#endif

#endif

/* What is left: C99 for every compiler and processor. */
#ifndef HAVE_VECTOR_TYPES
#define HAVE_VECTOR_TYPES 0
#define ALWAYS_INLINE static inline
#endif
#ifndef HAVE_SHUFFLES
#define HAVE_SHUFFLES 0
#endif
#ifndef NOT_UNROLLED
#define NOT_UNROLLED
#endif
#ifndef TARGET_WIDEST
#define TARGET_WIDEST
#endif
#ifndef HAVE_AVX2
#define HAVE_AVX2 0
#define HAVE_AVX512 0
#endif

#define JOIN_EXPANDED(a, b) a##_##b
#define JOIN(a, b) JOIN_EXPANDED(a, b)
#define FN(name) JOIN(name, VARIANT)

#endif /* MLTK_NATIVE_VECTORS_H */
