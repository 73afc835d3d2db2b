/* Functions that a page calls by name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_PAGE_H
#define MLTK_PAGE_H

#define PAGE_EXPORT(name) __attribute__((export_name(#name)))

#endif /* MLTK_PAGE_H */
