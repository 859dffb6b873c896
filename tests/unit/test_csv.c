/* CSV as bytes: numbers rounded once, rows as RFC 4180 has them wherever a buffer ends, and what is refused
 * with its place. */
#include "idx_files.h"
#include "support.h"

#include <math.h>

#include "base/text.h"
#include "data/csv.h"
#include "data/decimal.h"

/* ---- numbers ---- */

static uint32_t bits_of(const char *text) {
    uint32_t bits = 0;
    float x = 0;
    if (!decimal_float(text, strlen(text), &x))
        fail_msg("%s is refused", text);
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* By rational arithmetic in Python. The pairs at the end are decimals whose nearest double lies half-way
 * between two floats. */
static void numbers_are_rounded_once(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t bits;
    } cases[] = {
        {"0", 0x00000000},
        {"-0", 0x80000000},
        {"0.0", 0x00000000},
        {"1", 0x3f800000},
        {"-1", 0xbf800000},
        {"0.1", 0x3dcccccd},
        {"16777216", 0x4b800000},
        {"16777217", 0x4b800000},
        {"16777219", 0x4b800002},
        {"33554433.0", 0x4c000000},
        {"33554435.00", 0x4c000001},
        {"9007199254740993", 0x5a000000},
        {"1e-45", 0x00000001},
        {"7.006492321624085e-46", 0x00000000},
        {"7.006492321624086e-46", 0x00000001},
        {"1.1754943508222875e-38", 0x00800000},
        {"1.1754942807573643e-38", 0x00800000},
        {"1.17549431e-38", 0x00800000},
        {"3.4028234663852886e38", 0x7f7fffff},
        {"3.4028235677973366e38", 0x7f7fffff},
        {"3.4028235677973365e38", 0x7f7fffff},
        {"3.4028236e38", 0x7f800000},
        {"1e39", 0x7f800000},
        {"1e400", 0x7f800000},
        {"-1e400", 0xff800000},
        {"1e-400", 0x00000000},
        {"0e999999999", 0x00000000},
        {"1e-999999999", 0x00000000},
        {"123456789012345678901234567890", 0x6fc77488},
        {"0.00000000000000000000000000000000000000001", 0x00001be0},
        {"100000000000000000000000000000000000000", 0x7e967699},
        {"1000000000000000000000000000000000000000", 0x7f800000},
        {"00000000000000000000000000012.5", 0x41480000},
        {".5", 0x3f000000},
        {"5.", 0x40a00000},
        {"+.5e+1", 0x40a00000},
        {"1E2", 0x42c80000},
        {"1e+2", 0x42c80000},
        {"1e-2", 0x3c23d70a},
        {"8.5e0000000000000000000001", 0x42aa0000},
        {"0.000000000000000000000000000000000000011754943508222875", 0x00800000},
        {"2.00000011920928955078125", 0x40000000},
        {"2.000000119209289550781250000000000000000001", 0x40000001},
        {"2.00000035762786865234375", 0x40000002},
        {"2.0000003576278686523437499999999999999", 0x40000001},
        {"5.0500214001658605e-06", 0x36a9735a},
        {"5.0500214001658605e-06", 0x36a9735a},
        {"8.313795873959862e-08", 0x33b28994},
        {"8.3137958739598616e-08", 0x33b28993},
        {"137.27184295654297", 0x43094598},
        {"1.3727184295654297e+02", 0x43094598},
        {"0.06838313117623329", 0x3d8c0c74},
        {"6.8383131176233292e-02", 0x3d8c0c75},
        {"9.434151948539693e-08", 0x33ca98cd},
        {"9.4341519485396930e-08", 0x33ca98cd},
        {"61.11052894592285", 0x4274712e},
        {"6.1110528945922852e+01", 0x4274712f},
        {"3.620082544841807e-08", 0x331b7b3a},
        {"3.6200825448418072e-08", 0x331b7b3a},
        {"1.0859472155570984", 0x3f8b0052},
        {"1.0859472155570984e+00", 0x3f8b0052},
        {"1.6905929811628084e-07", 0x343586aa},
        {"1.6905929811628084e-07", 0x343586aa},
        {"2.9579710769667145e-07", 0x349ece0c},
        {"2.9579710769667145e-07", 0x349ece0c},
        {"1.5510472655296326", 0x3fc688b8},
        {"1.5510472655296326e+00", 0x3fc688b8},
        {"542.2645568847656", 0x440790ee},
        {"5.4226455688476562e+02", 0x440790ee},
        {"0.00013718286209041253", 0x390fd8bf},
        {"1.3718286209041253e-04", 0x390fd8bf},
        {"1669.7609252929688", 0x44d0b85a},
        {"1.6697609252929688e+03", 0x44d0b85a},
        {"1.1609249739308325e-07", 0x33f94e87},
        {"1.1609249739308325e-07", 0x33f94e87},
        {"1614.9534301757812", 0x44c9de82},
        {"1.6149534301757812e+03", 0x44c9de82},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (bits_of(cases[i].text) != cases[i].bits)
            fail_msg("%s: %08x, expected %08x", cases[i].text, (unsigned)bits_of(cases[i].text),
                     (unsigned)cases[i].bits);
}

/* libc's strtof, over all exponents and lengths. */
static void numbers_are_those_of_libc(void **state) {
    (void)state;
    uint64_t word = 1;
    for (int i = 0; i < 100000; i++) {
        char text[64];
        word = word * 6364136223846793005u + 1442695040888963407u;
        int digits = 1 + (int)(word >> 33) % 18, exponent = (int)(word >> 40 & 127) - 64;
        if (i % 2)
            snprintf(text, sizeof text, "%.*e", digits, (double)(word >> 11) * pow(10, exponent - 15));
        else
            snprintf(text, sizeof text, "%llu.%0*u", (unsigned long long)(word >> 50), digits % 9 + 1,
                     (unsigned)(word >> 7 & 255));
        float expected = strtof(text, NULL);
        uint32_t bits;
        memcpy(&bits, &expected, sizeof bits);
        if (bits_of(text) != bits)
            fail_msg("%s: %08x, expected %08x", text, (unsigned)bits_of(text), (unsigned)bits);
    }
}

static void other_words_are_no_numbers(void **state) {
    (void)state;
    static const char *const words[] = {"",    "+",    "-",        ".",     "-.",    "e5",   ".e5",
                                        "1e",  "1e+",  "0x1",      "0x1p3", "inf",   "-inf", "nan",
                                        "1,5", "1 ",   " 1",       "1..",   "1.2.3", "--1",  "+-1",
                                        "1_0", "1e5.", "infinity", "1e5e",  "1f",    "٣"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        float x = 5;
        assert_false(decimal_float(words[i], strlen(words[i]), &x));
        assert_true(x == 5);
    }
}

/* ---- rows ---- */

/* All rows as text: fields in brackets, a line a row; quoted ones with a quote. "!" and the message where it
 * is refused. */
static char *read_all(const char *path, char delimiter) {
    struct csv csv;
    struct err err = {0};
    struct text out = {0};
    bool more = false, ok = csv_open(&csv, path, delimiter, &err), open = ok;
    while (ok && (ok = csv_next(&csv, &more, &err)) && more) {
        text_addf(&out, "%zu@%zu", csv.row, csv.line);
        for (size_t i = 0; i < csv.fields; i++)
            text_addf(&out, "%s[%s]", csv.field[i].quoted ? "\"" : "", csv_text(&csv.field[i]));
        text_add(&out, "\n");
    }
    if (!ok) {
        assert_int_equal(err.kind, ERR_DATA);
        assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
        text_addf(&out, "!%s", err.text + strlen(path));
    }
    if (open)
        csv_close(&csv);
    return out.s ? out.s : calloc(1, 1);
}

static void assert_rows(const char *content, size_t len, const char *expected) {
    static struct bytes packed;
    char *plain = read_all(write_bytes("t", content, len), 0);
    assert_string_equal(plain, expected);
    packed.len = 0; /* two members, by the magic and not by the name */
    add_gzip(&packed, content, len / 2);
    add_gzip(&packed, content + len / 2, len - len / 2);
    char *unpacked = read_all(write_file("t", &packed), 0);
    assert_string_equal(unpacked, expected);
    free(plain);
    free(unpacked);
}

#define ROWS(content, expected) assert_rows(content, sizeof(content) - 1, expected)

static void rows_as_the_rfc_has_them(void **state) {
    (void)state;
    ROWS("a,b\n1,2\n", "0@1[a][b]\n1@2[1][2]\n");
    ROWS("a,b\r\n1,2\r\n", "0@1[a][b]\n1@2[1][2]\n");
    ROWS("a,b\n1,2", "0@1[a][b]\n1@2[1][2]\n");
    ROWS("a,b\r\n1,2\r", "0@1[a][b]\n1@2[1][2]\n");
    ROWS("\xEF\xBB\xBF"
         "a,b\n",
         "0@1[a][b]\n");
    ROWS(",\n,,\n", "0@1[][]\n1@2[][][]\n");
    ROWS("\"a\",\"b,c\",\"\"\n", "0@1\"[a]\"[b,c]\"[]\n");
    ROWS("\"a\"\"b\",\"\"\"\",\"\"\"\"\"\"\nx\n", "0@1\"[a\"b]\"[\"]\"[\"\"]\n1@2[x]\n");
    ROWS("\"two\nlines\",1\r\n\"a\r\nb\",2\n3,4\n", "0@1\"[two\nlines][1]\n1@3\"[a\r\nb][2]\n2@5[3][4]\n");
    ROWS("1 , 2,\t\" x \" , y z\n", "0@1[1][2]\"[ x ][y z]\n");
    ROWS("a\tb c\t\"d\te\"\n1,2\t3\t\n", "0@1[a][b c]\"[d\te]\n1@2[1,2][3][]\n");
    ROWS("a;b\n1,5;2\n", "0@1[a][b]\n1@2[1,5][2]\n");
    ROWS("\"a;b\tc\",d\n", "0@1\"[a;b\tc][d]\n");
    ROWS("one\ntwo\n", "0@1[one]\n1@2[two]\n");
    ROWS("a,b\n1,2\n\n \n\r\n", "0@1[a][b]\n1@2[1][2]\n");
    ROWS("\n\n", "");
    ROWS("\xEF\xBB\xBF", "");
    ROWS("\"\"\n", "0@1\"[]\n");
    char *forced = read_all(write_bytes("t", "a,b|c\n", 6), '|');
    assert_string_equal(forced, "0@1[a,b][c]\n");
    free(forced);
}

static void what_is_no_csv_is_refused(void **state) {
    (void)state;
    ROWS("a,b\n1,2\n\n3,4\n",
         "0@1[a][b]\n1@2[1][2]\n!: row 2: expected values, found an empty line before others (line 3)");
    ROWS("a,b\n1,x\"y\n",
         "0@1[a][b]\n!: row 1, column 1: expected a field in quotes as a whole, found a quote "
         "inside (line 2)");
    ROWS("a\n\"x\"y,2\n",
         "0@1[a]\n!: row 1, column 0: expected a delimiter behind the closing quote, found \"y\" (line 2)");
    ROWS("a\n1,\"x\ny\n",
         "0@1[a]\n!: row 1, column 1: expected a closing quote, found the end of the file on "
         "line 4 (line 2)");
    ROWS("a\n\"", "0@1[a]\n!: row 1, column 0: expected a closing quote, found the end of the file on line 2 "
                  "(line 2)");
    ROWS("a\n1\r2\n",
         "0@1[a]\n!: row 1: expected a line feed behind the carriage return, found none (line 2)");
    ROWS("a\n1,2\0003\n", "0@1[a]\n!: row 1, column 1: expected text, found a NUL byte (line 2)");
    ROWS("a\n\"1\0\",2\n", "0@1[a]\n!: row 1, column 0: expected text, found a NUL byte (line 2)");
    ROWS("a\n\r\0\n", "0@1[a]\n!: row 1, column 0: expected text, found a NUL byte (line 2)");
    ROWS("\xFF\xFE"
         "a",
         "!: not a CSV or TSV file: starts with \"\\xff\\xfea\", which looks like text in UTF-16: "
         "expected UTF-8");
    ROWS("PK\003\004xx",
         "!: not a CSV or TSV file: starts with \"PK\\x03\\x04xx\", which looks like a zip archive");
    ROWS("\0\0\010\003",
         "!: not a CSV or TSV file: starts with \"\\x00\\x00\\x08\\x03\", which looks like an IDX "
         "file, which is given by images and labels");
    ROWS("<!DOCTYPE", "!: not a CSV or TSV file: starts with \"<!DOCTYPE\", which looks like a web page");
    ROWS("<=50K,1\n", "0@1[<=50K][1]\n");
}

/* Rows of every length around the ends of buffers, with all that needs to look ahead. */
static void no_row_depends_on_the_buffer(void **state) {
    (void)state;
    enum { BUFFER = 256 << 10, AROUND = 24 };
    static const char row[] = "\"a\"\"b\nc\" ,12.5, x \r\n";
    static char content[BUFFER + 2 * AROUND + 128];
    for (size_t shift = 0; shift < AROUND; shift++) {
        size_t pad = BUFFER - AROUND + shift, len = pad;
        memset(content, 'p', pad);
        len += (size_t)sprintf(content + len, "\r\n%s%s", row, row);
        char *out = read_all(write_bytes("t", content, len), ',');
        const char *end = strchr(out, '\n') + 1;
        assert_int_equal(end - out, strlen("0@1[]\n") + pad);
        assert_string_equal(end, "1@2\"[a\"b\nc][12.5][x]\n2@4\"[a\"b\nc][12.5][x]\n");
        free(out);
    }
}

static void memory_is_bounded(void **state) {
    (void)state;
    size_t len = CSV_ROW_MAX + 16;
    char *content = malloc(len);
    assert_non_null(content);
    memset(content, 'x', len);
    memcpy(content, "a,b\n\"", 5);
    char *out = read_all(write_bytes("t", content, len), 0);
    assert_string_equal(out, "0@1[a][b]\n!: row 1: expected a row of at most 16 MiB, found more: a closing "
                             "quote may be missing (line 2)");
    free(out);
    memset(content, ',', CSV_FIELDS_MAX);
    out = read_all(write_bytes("t", content, CSV_FIELDS_MAX), 0);
    assert_string_equal(out, "!: row 0: expected at most 1048576 fields, found more (line 1)");
    free(out);
    out = read_all(write_bytes("t", content, CSV_FIELDS_MAX - 1), 0);
    assert_int_equal(strlen(out), strlen("0@1\n") + 2 * CSV_FIELDS_MAX);
    free(out);
    free(content);
}

/* What the gzip reader finds is told, even where every row was read. */
static void damaged_gzip_is_refused(void **state) {
    (void)state;
    static struct bytes b, whole;
    whole.len = 0;
    add_gzip(&whole, "a,b\n1,2\n", 8);
    for (size_t cut = 1; cut < whole.len - 1; cut++) {
        b = whole;
        b.len -= cut;
        char *out = read_all(write_file("t", &b), 0);
        assert_non_null(strstr(out, "!: byte "));
        assert_non_null(strstr(out, "it is truncated"));
        free(out);
    }
    b = whole;
    b.at[b.len - 8] ^= 1;
    char *out = read_all(write_file("t", &b), 0);
    assert_non_null(strstr(out, "damaged gzip data: expected CRC"));
    free(out);
    b = whole;
    add_bytes(&b, "junk", 4);
    out = read_all(write_file("t", &b), 0);
    assert_non_null(strstr(out, "found 4 more bytes"));
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded_once),   cmocka_unit_test(numbers_are_those_of_libc),
        cmocka_unit_test(other_words_are_no_numbers), cmocka_unit_test(rows_as_the_rfc_has_them),
        cmocka_unit_test(what_is_no_csv_is_refused),  cmocka_unit_test(no_row_depends_on_the_buffer),
        cmocka_unit_test(memory_is_bounded),          cmocka_unit_test(damaged_gzip_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
