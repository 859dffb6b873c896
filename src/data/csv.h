/* Rows of a CSV or TSV file, plain or gzip by its first bytes, as RFC 4180 describes them: fields may be
 * quoted, with delimiters, line breaks and doubled quotes in them; rows end by LF or CRLF, the last one also
 * by the end of the file. Beyond the RFC a byte order mark of UTF-8 is skipped, blanks around a field do not
 * belong to it, and empty lines may stand at the end. A NUL, a CR in front of anything but LF and
 * the end, and a quote inside an unquoted field are refused. One row is in memory at a time. */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "data/inflate.h"

/* The longest row in bytes and the most fields of one: what bounds the memory of a reader, to 64 MiB. */
enum { CSV_ROW_MAX = 16 << 20, CSV_FIELDS_MAX = 1 << 20 };

/* So many digits are an integer that a float holds. */
enum { CSV_DIGITS = 7 };

struct csv_field {
    char *s; /* len bytes, without quotes and blanks around them; behind them a byte of no number */
    size_t len;
    uint32_t integer; /* its value where it is_integer: some digits, at most CSV_DIGITS, and nothing else */
    bool is_integer, quoted, doubled; /* doubled: private */
};

/* Public are the fields of the row, where it stands, and `header`; the rest is private. */
struct csv {
    const char *path; /* borrowed */
    struct csv_field *field;
    size_t fields;     /* of this row */
    size_t line;       /* in which it begins, from 1 */
    size_t row;        /* its number from 0, the header left out */
    bool header;       /* set by the caller behind the first row: it names the columns, */
    char *const *name; /* [names] which then is set too, for messages; borrowed */
    size_t names;
    char delimiter;

    struct source source;
    struct sha256 sha;
    char *buffer; /* the unread bytes, a NUL behind them */
    size_t room, begin, end;
    bool complete; /* the buffer has all that is left of the file */
    bool stop[256];
    bool doubled; /* the row has a field with doubled quotes */
    size_t field_room, next_line, records;
};

/* Opens the file and looks at its beginning. delimiter: 0 for that of the first line: a tab where it has more
 * tabs than commas, a semicolon where it has neither, else a comma. ERR_DATA where it is no text. path is
 * borrowed. On success release with csv_close. */
bool csv_open(struct csv *csv, const char *path, char delimiter, struct err *err) MUST_CHECK;
void csv_close(struct csv *csv);

/* Takes the next row. *more is false at the end of the file, which is verified (inflate.h). */
bool csv_next(struct csv *csv, bool *more, struct err *err) MUST_CHECK;

/* The field's text, a NUL put behind it. */
char *csv_text(struct csv_field *field);

/* ERR_DATA: "FILE: row 3, column "age": SENTENCE (line 5)"; the column by number where it has no name, and
 * none where it is SIZE_MAX. Always returns false. */
bool csv_refuse(const struct csv *csv, size_t column, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Behind the last row: the SHA-256 of the file's decompressed bytes. */
void csv_digest(struct csv *csv, char hex[SHA256_HEX]);

#endif
