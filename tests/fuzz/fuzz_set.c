/* Overrides, a line each, on a config that is sound. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "resolved.h"

static const char base[] = "{\"data\": {\"train\": {\"images\": \"a\", \"labels\": \"b\"}, \"test\": "
                           "{\"images\": \"c\", \"labels\": \"d\"},\n"
                           "\"validation\": {\"fraction\": 0.2}}, \"model\": {\"layers\": [{\"units\": 8}, "
                           "{\"units\": 4, \"activation\": "
                           "\"tanh\"}]},\n"
                           "\"optimizer\": {\"kind\": \"sgd\", \"schedule\": {\"kind\": \"cosine\"}},\n"
                           "\"train\": {\"epochs\": 3, \"early_stopping\": {\"patience\": 2}}}\n";

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *override[MOST];
    size_t count = 0;
    char *lines = malloc(size + 1);
    MUST(lines);
    if (size)
        memcpy(lines, data, size);
    lines[size] = '\0';
    for (char *line = strtok(lines, "\n"); line && count < MOST; line = strtok(NULL, "\n"))
        override[count++] = line;
    struct config config;
    struct config_faults faults;
    struct err err = {0};
    if (config_load(fuzz_file(0, base, sizeof base - 1), override, count, &config, &faults, &err)) {
        config_faults_release(&faults);
        resolved_check(&config);
    } else
        refused_check(&err, &faults);
    free(lines);
    return 0;
}
